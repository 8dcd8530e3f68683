"""What a policy says of services."""

from __future__ import annotations

from opsmop.errors import FieldError
from opsmop.language.fields import field
from opsmop.language.resource import Resource


class Service(Resource):
    """A service: whether it runs now, whether it starts with the system, and restarts and reloads of it."""

    name: str = field(kw_only=False, doc="its name; any unit of systemd, .service if it names no kind")
    started: bool | None = field(default=None, doc="True: it runs; False: it does not")
    enabled: bool | None = field(default=None, doc="True: it starts with the system; False: it does not")
    masked: bool | None = field(default=None, doc="True: nothing can start it; False: it can be started")
    restarted: bool = field(default=False, doc="restart it, or start it if it does not run")
    reloaded: bool = field(default=False, doc="have it read its configuration again, or start it if it does not run")
    scope: str = field(
        default="system", choices=("system", "user"), doc='"user": the services of the user\'s own who acts (run_as=)'
    )
    watch: float = field(default=1.0, doc="seconds for which a service that cannot say it is ready is watched")

    def check(self) -> None:
        """Refuse what contradicts itself, and what says nothing."""
        self.exclusive("restarted", "reloaded")
        if self.started is False and (self.restarted or self.reloaded):
            raise FieldError(f"{self}: started=False goes with neither restarted= nor reloaded=", place=self.place)
        if self.masked and (self.started or self.enabled or self.restarted or self.reloaded):
            raise FieldError(f"{self}: what is masked can neither be started nor enabled", place=self.place)
        if (self.started, self.enabled, self.masked, self.restarted, self.reloaded) == (None, None, None, False, False):
            raise FieldError(
                f"{self}: nothing is said of it",
                place=self.place,
                remedy="Say started=, enabled=, masked=, restarted= or reloaded=.",
            )
