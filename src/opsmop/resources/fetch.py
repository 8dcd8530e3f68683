"""Files of targets, brought to the control machine."""

from __future__ import annotations

from opsmop.errors import ProviderError
from opsmop.language.fields import field
from opsmop.language.provider import Change, Provider
from opsmop.language.resource import Resource
from opsmop.resources.permissions import absolute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class Fetch(Resource):
    """A file of the target, as it is there, on the control machine: below `to`, in a directory for each host.

    The role, or the policy, has to allow it: ``def allow_fetching(self): return {"fetched": ["/etc/hostname"]}``. It comes
    to ``fetched/HOST/etc/hostname`` beside the policy, readable for its owner alone.
    """

    name: str = field(kw_only=False, doc="the file on the target")
    to: str = field(doc="the directory on the control machine, as allow_fetching() names it")

    def check(self) -> None:
        """Refuse a path that says nothing."""
        absolute(self, self.name)


class BringFile(Provider, provides=Fetch):
    """Over the connection that the role came by."""

    def plan(self) -> Iterator[Change]:
        """Bring it, if what is there is something else."""
        fetch = self.resource
        status = self.machine.status(fetch.name, follow=True)
        if status is None:
            raise ProviderError(f"{fetch.name} does not exist")
        if status.kind != "file":
            raise ProviderError(f"{fetch.name} is a {status.kind}, not a file")
        content = self.machine.content(fetch.name)
        if self.sources.kept(fetch.to, fetch.name, content):
            return

        def make() -> None:
            if not self.machine.simulated:  # its effect is on another machine, which is not simulated
                self.sources.keep(fetch.to, fetch.name, content)

        yield Change("fetch", make, after=f"{content.size} bytes, sha256 {content.digest[:16]}")
