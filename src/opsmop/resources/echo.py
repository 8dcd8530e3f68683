"""A message in the run's report."""

from __future__ import annotations

from opsmop.language.fields import field
from opsmop.language.machine import Completed
from opsmop.language.provider import Change, Provider
from opsmop.language.resource import Resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class Echo(Resource):
    """Says something in the report. The message is a template; nothing on the machine changes."""

    msg: str = field(kw_only=False, template=True, doc="what to say; {{ variables }} are filled in")

    shown = "msg"


class Say(Provider, provides=Echo):
    """Says it."""

    def plan(self) -> Iterator[Change]:
        """Nothing to change; the message is the result's output."""
        self.completed = Completed("", None, output=self.resource.msg, stdout=self.resource.msg)
        return iter(())
