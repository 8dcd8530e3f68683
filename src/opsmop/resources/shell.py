"""Commands."""

from __future__ import annotations

from collections.abc import Iterator

from opsmop.errors import ProviderError
from opsmop.language.fields import field
from opsmop.language.machine import Completed, Effect
from opsmop.language.provider import ACT, Change, Provider, succeeded
from opsmop.language.resource import Resource
from opsmop.language.secrets import Secret, revealed

# What the shell on every Unix understands; bash is asked for by name.
SHELL = "/bin/sh"


class Shell(Resource):
    """A command of the shell. Guards (`creates`, `removes`, `unless`, `only_if`) make it run only when needed; without
    one it runs each time, and is reported as run, not as a change. In check mode it does not run.
    """

    cmd: str = field(kw_only=False, doc="the command, or a script of several lines")
    creates: str | None = field(default=None, doc="a path; the command runs only while nothing stands there")
    removes: str | None = field(default=None, doc="a path; the command runs only while something stands there")
    cwd: str | None = field(default=None, doc="the directory that it runs in; / if not given")
    env: dict[str, str | Secret] | None = field(default=None, doc="environment variables besides the plain ones")
    stdin: str | Secret | None = field(default=None, doc="what it reads; nothing if not given")
    executable: str = field(default=SHELL, doc="the shell")
    ok_codes: list[int] = field(default=[0], doc="exit statuses that mean success")
    run_in_check: bool = field(default=False, doc="it only looks: run it in check mode too")

    shown = "cmd"

    @property
    def unguarded(self) -> bool:
        """Whether nothing says when it has to run."""
        return not (self.creates or self.removes or self.unless or self.only_if)


class RunShell(Provider, provides=Shell):
    """Runs it with the shell that it names."""

    def plan(self) -> Iterator[Change]:
        """One act, unless a guard says that there is nothing to do."""
        if not self._needed():
            return
        if self.resource.run_in_check:
            self.completed = self._ask(revealed(self.resource.cmd))
            self._judged(self.completed)
            return
        yield Change("run", self._run, ACT)

    def _needed(self) -> bool:
        shell, machine = self.resource, self.machine
        if shell.creates and machine.status(shell.creates, follow=True) is not None:
            return False
        return not (shell.removes and machine.status(shell.removes, follow=True) is None)

    def guard(self, command: str) -> Completed:
        """With the same shell, environment and directory as the command itself."""
        return self._ask(command)

    def _ask(self, command: str) -> Completed:
        shell = self.resource
        return self.machine.ask(
            [shell.executable, "-c", command],
            input=_bytes(shell.stdin),
            cwd=shell.cwd or "/",
            env=_texts(shell.env),
        )

    def _run(self) -> Completed:
        shell = self.resource
        completed = self.machine.run(
            [shell.executable, "-c", revealed(shell.cmd)],
            effects=[Effect("command", str(shell.cmd), brings="anything")],
            input=_bytes(shell.stdin),
            cwd=shell.cwd or "/",
            env=_texts(shell.env),
        )
        self._judged(completed)
        if shell.creates and completed.known and self.machine.status(shell.creates, follow=True) is None:
            raise ProviderError(f"{shell}: the command succeeded and {shell.creates} still does not exist")
        return completed

    def _judged(self, completed: Completed) -> Completed:
        return succeeded(completed, str(self.resource), ok_codes=tuple(self.resource.ok_codes))


def _bytes(text: str | Secret | None) -> bytes | None:
    return None if text is None else str(revealed(text)).encode()


def _texts(env: dict[str, str | Secret] | None) -> dict[str, str]:
    return {name: str(revealed(value)) for name, value in (env or {}).items()}
