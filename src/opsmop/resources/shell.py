"""Commands."""

from __future__ import annotations

from opsmop.errors import FieldError, ProviderError
from opsmop.language.evaluation import current
from opsmop.language.fields import field
from opsmop.language.machine import Completed, Effect
from opsmop.language.provider import ACT, Change, Provider, scripted, succeeded
from opsmop.language.resource import Resource
from opsmop.language.secrets import Secret, revealed
from opsmop.wire.lean import command_text
from opsmop.wire.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

# What the shell on every Unix understands; bash is asked for by name.
SHELL = "/bin/sh"


class Running(Resource):
    """What commands of the shell and programs have in common."""

    creates: str | None = field(default=None, doc="a path; the command runs only while nothing stands there")
    removes: str | None = field(default=None, doc="a path; the command runs only while something stands there")
    cwd: str | None = field(default=None, doc="the directory that it runs in; / if not given")
    env: dict[str, str | Secret] | None = field(default=None, doc="environment variables besides the plain ones")
    stdin: str | Secret | None = field(default=None, doc="what it reads; nothing if not given")
    ok_codes: list[int] = field(default=[0], doc="exit statuses that mean success")
    run_in_check: bool = field(default=False, doc="it only looks: run it in check mode too")

    @property
    def unguarded(self) -> bool:
        """Whether nothing says when it has to run."""
        return not (self.creates or self.removes or self.unless is not None or self.only_if is not None)

    @property
    def words(self) -> list[str]:
        """The program and its arguments, as they are told."""
        raise NotImplementedError

    def invocation(self) -> tuple[list[str], dict[str, str]]:
        """The argument list that runs it, and environment variables for that."""
        return self.words, {}

    def guarding(self, command: str) -> tuple[list[str], dict[str, str]]:
        """Likewise for a guard."""
        return scripted(SHELL, command)


class Shell(Running):
    """A command of the shell. Guards (`creates`, `removes`, `unless`, `only_if`) make it run only when needed; without
    one it runs each time, and is reported as run, not as a change. In check mode it does not run.
    """

    cmd: str = field(kw_only=False, doc="the command, or a script of several lines")
    executable: str = field(default=SHELL, doc="the shell")
    pipefail: bool = field(
        default=False,
        doc="a pipe fails if any command in it does, and not the last alone; of `cmd`, with a shell that has it",
    )

    shown = "cmd"
    elsewhere: ClassVar[dict[str, str]] = {"chdir": "It is called cwd=."}

    @property
    def words(self) -> list[str]:
        """The shell, and what it is told."""
        return self._strict([self.executable, "-c", str(revealed(self.cmd))])

    def invocation(self) -> tuple[list[str], dict[str, str]]:
        """See `Running.invocation`: a script that holds a secret is no argument."""
        words, variables = scripted(self.executable, str(revealed(self.cmd)))
        return self._strict(words), variables

    def _strict(self, words: list[str]) -> list[str]:
        return [words[0], "-o", "pipefail", *words[1:]] if self.pipefail else words

    def guarding(self, command: str) -> tuple[list[str], dict[str, str]]:
        """The same shell."""
        return scripted(self.executable, command)


class Command(Running):
    """A program and its arguments, which no shell reads: nothing in them needs quotes, and there are no pipes, nor a
    `pipefail`. Otherwise as `Shell`.
    """

    argv: list[str] = field(kw_only=False, doc="the program, by its path or by its name in PATH, and its arguments")

    shown = "argv"
    elsewhere: ClassVar[dict[str, str]] = {
        "pipefail": "No shell reads what it runs, so that there is no pipe: Shell(..., pipefail=True) runs one.",
        "argv": 'A text for each word, as Command(["ls", "-l"]); Shell("ls -l") takes a line of the shell.',
        "chdir": "It is called cwd=.",
        "executable": "No shell reads what it runs: Shell(..., executable=...) has one.",
    }

    def check(self) -> None:
        """Refuse what names no program."""
        if not self.argv:
            raise FieldError("Command takes a program and its arguments, not an empty list", place=self.place)
        if any(map(self._holds_secret, self.argv)):
            raise FieldError(
                "Command takes no Secret as an argument: everybody on the machine can read arguments",
                place=self.place,
                remedy="Give it by env= or stdin=, or let the program read a file.",
            )

    def _holds_secret(self, word: str | Secret) -> bool:
        """Whether one was given, or a T(...) came to one. A word that stands in the policy hides nothing, even if it is some
        secret's text.
        """
        evaluation = None if self.checked else current()
        return isinstance(word, Secret) or (evaluation is not None and evaluation.shown(word) != word)

    @property
    def words(self) -> list[str]:
        """The program and its arguments."""
        return list(self.argv)

    @property
    def label(self) -> str:
        """As it would be typed."""
        if self.sensitive or not isinstance(self.argv, (list, tuple)):
            return super().label
        return command_text(map(str, self.argv))


class RunShell(Provider, provides=Running):
    """Runs it."""

    def plan(self) -> Iterator[Change]:
        """One act, unless a guard says that there is nothing to do."""
        if not self._needed():
            return
        if getattr(self.resource, "pipefail", False):
            self._refuse_lenient(self.resource.executable)
        if self.resource.run_in_check:
            self.completed = self._told(self._ask(*self.resource.invocation()))
            self._judged(self.completed)
            return
        yield Change("run", self._run, ACT)

    def _needed(self) -> bool:
        command, machine = self.resource, self.machine
        if command.creates and machine.status(command.creates, follow=True) is not None:
            return False
        return not (command.removes and machine.status(command.removes, follow=True) is None)

    def _refuse_lenient(self, shell: str) -> None:
        def has_it() -> bool:
            return self.machine.ask([shell, "-c", "set -o pipefail"], cwd="/").rc == 0

        if not self.machine.look("pipefail", shell, has_it):
            raise ProviderError(
                f"{self.resource}: {shell} has no pipefail on this machine",
                remedy='Give a shell that has it, such as executable="/bin/bash".',
            )

    def guard(self, command: str) -> Completed:
        """With the same shell, environment and directory as the command itself."""
        return self._ask(*self.resource.guarding(command))

    def _ask(self, words: list[str], variables: dict[str, str]) -> Completed:
        command = self.resource
        env = {**_texts(command.env), **variables}
        return self.machine.ask(words, input=_bytes(command.stdin), cwd=command.cwd or "/", env=env)

    def _run(self) -> Completed:
        command = self.resource
        words, variables = command.invocation()
        completed = self.machine.run(
            words,
            effects=[Effect("command", command.label, brings="anything")],
            input=_bytes(command.stdin),
            cwd=command.cwd or "/",
            env={**_texts(command.env), **variables},
        )
        completed = self._judged(self._told(completed))
        if command.creates and completed.known and self.machine.status(command.creates, follow=True) is None:
            raise ProviderError(f"{command}: the command succeeded and {command.creates} still does not exist")
        return completed

    def _told(self, completed: Completed) -> Completed:
        """As it was meant, whatever way it took."""
        return replace(completed, command=command_text(self.resource.words))

    def _judged(self, completed: Completed) -> Completed:
        return succeeded(completed, str(self.resource), ok_codes=tuple(self.resource.ok_codes))


def _bytes(text: str | Secret | None) -> bytes | None:
    return None if text is None else str(revealed(text)).encode()


def _texts(env: dict[str, str | Secret] | None) -> dict[str, str]:
    return {name: str(revealed(value)) for name, value in (env or {}).items()}
