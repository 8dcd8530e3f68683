"""Reboots."""

from __future__ import annotations

from opsmop.errors import FieldError, ProviderError
from opsmop.language.evaluation import BOOT_ID, RoleEnds, current
from opsmop.language.fields import field
from opsmop.language.machine import Completed, Effect
from opsmop.language.provider import ACT, Change, Provider, succeeded
from opsmop.language.resource import Resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# Debian's packages leave it when only a reboot makes their new version run: Debian Policy has none, reboot-notifier(8).
_REQUIRED = "/run/reboot-required"
_REQUIRED_BY = "/run/reboot-required.pkgs"
_LONGEST = 3600.0  # seconds
# The role's ending is to be on its way to the controller before the network goes.
_BEFORE = 2.0  # seconds
_COMMAND = '([ -z "$2" ] || echo "$2" | wall; sleep "$1"; systemctl reboot || shutdown -r now || reboot) {} &'.format(
    "</dev/null >/dev/null 2>&1"
)


class Reboot(Resource):
    """A reboot of the host. The role ends there: what it signalled is handled, the host reboots, and the run waits until
    it is back. Later roles go on with it.
    """

    only_if_required: bool = field(default=False, doc="only if the system says that it needs one")
    msg: str | None = field(default=None, doc="what whoever is logged in is told before, with wall(1)")
    pause: float = field(
        default=_BEFORE, doc="seconds between the end of the role and the reboot; 2 at least, and part of `within`"
    )
    ready: str | None = field(
        default=None,
        doc="a command of the shell that only looks, and has to succeed before the host counts as back, such as"
        ' "systemctl is-system-running"',
    )
    within: float = field(default=600.0, doc="seconds after which a host that is not back counts as lost; 3600 at most")

    def check(self) -> None:
        """Refuse a time that nobody would wait."""
        if not 0 < self.within <= _LONGEST:
            raise FieldError(f"{self}: within={self.within:g} is not between 0 and {_LONGEST:g}", place=self.place)
        if not _BEFORE <= self.pause < max(self.within, _BEFORE + 1):
            raise FieldError(f"{self}: pause={self.pause:g} is not between {_BEFORE:g} and within=", place=self.place)


class OrderReboot(Provider, provides=Reboot, short="reboot"):
    """Through systemctl, shutdown or reboot, whichever there is."""

    def plan(self) -> Iterator[Change]:
        """One act, unless none is required."""
        doubts = self.machine.assumptions
        reason = self._reason() if self.resource.only_if_required else "asked for"
        awaited = self.machine.assumptions > doubts
        if not reason and not awaited:
            return
        if self.machine.real_user() != "root":
            raise ProviderError("a reboot is for root alone", remedy="Does the role need sudo()?")
        self._refuse_secret()
        yield Change(
            "reboot",
            lambda: self._end_role(awaited=awaited),
            ACT,
            after=reason or "if what is planned requires it",
            assumed=awaited,
        )

    def _refuse_secret(self) -> None:
        """The command outlasts the boot on the control machine, which is told no secret."""
        evaluation, ready = current(), self.resource.ready or ""
        if evaluation is not None and evaluation.shown(ready) != ready:
            raise ProviderError(
                f"{self.resource}: ready= holds a secret", remedy="Let the command read it from a file."
            )

    def _reason(self) -> str:
        """Why the system says that it needs a reboot; empty if it says so not."""
        if self.machine.status(_REQUIRED, follow=True) is not None:
            return self._packages() or "required"
        if self.machine.which("needs-restarting") is None:
            return ""
        return "required" if self.machine.ask(["needs-restarting", "--reboothint"]).rc == 1 else ""

    def _packages(self) -> str:
        if self.machine.status(_REQUIRED_BY, follow=True) is None:
            return ""
        names = self.machine.read(_REQUIRED_BY).decode("utf-8", "replace").split()
        return f"required by {', '.join(dict.fromkeys(names))}" if names else ""

    def _end_role(self, *, awaited: bool) -> Completed | None:
        if awaited and self.machine.simulated:  # it may not be required, and then the role goes on
            return self._command()
        self.resource.ends_role = RoleEnds(self._reboot)
        return None

    def _reboot(self) -> tuple[str, float, str]:
        """Have it reboot in a moment; the boot's word, which is to change, the seconds that it may take, and what says that
        it is ready.
        """
        boot = self.machine.read(BOOT_ID).decode().strip()
        completed = self._command()
        succeeded(completed, "rebooting")
        return (boot, self.resource.within, self.resource.ready or "") if completed.known else ("", 0.0, "")

    def _command(self) -> Completed:
        argv = ["sh", "-c", _COMMAND, "sh", f"{self.resource.pause:g}", self.resource.msg or ""]
        return self.machine.run(argv, effects=[Effect("boot", "machine", brings="anything")])
