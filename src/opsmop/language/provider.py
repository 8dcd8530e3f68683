"""A provider: one way of making one type of resource."""

from __future__ import annotations

from opsmop.errors import CommandFailed
from opsmop.language.evaluation import current
from opsmop.language.machine import Completed, Content, Machine
from opsmop.wire.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Callable, ClassVar, Protocol

    from opsmop.language.syntax import Syntax
    from opsmop.language.trees import Tree
else:
    Protocol = object  # what is written down of it is for type checkers

STATE = "state"
ACT = "act"

# What `Change.make` returns when its act turned out unnecessary: nothing was changed.
NOT_NEEDED = Completed("", None)


@dataclass(frozen=True)
class Change:
    """One thing to do, with its own effect.

    :param name: what is done, in a word or two
    :param make: does it, through the machine; the outcome of a command that is the resource's own is returned, or
        `NOT_NEEDED`
    :param kind: `STATE` (gone when looked at again) or `ACT` (proved by its own evidence, such as an exit status)
    :param before: what was found, as short text
    :param after: what will stand there, as short text
    :param contents: the file content before and after, where a difference can be shown
    :param assumed: whether only making it will tell if it is needed (newer packages, before the lists are refreshed)
    """

    name: str
    make: Callable[[], Completed | None]
    kind: str = STATE
    before: str = ""
    after: str = ""
    contents: tuple[bytes, bytes] | None = None
    assumed: bool = False


class Sources(Protocol):
    """The files of the control machine, as far as the role may have them, and templates rendered."""

    def file(self, path: str) -> bytes:
        """The content of a file that the policy names.

        :raises FileRefusedError: if it does not exist there or the role's rules do not serve it
        """

    def content(self, path: str, has: Callable[[], str]) -> bytes | Content:
        """The content of a file that the policy names: at once if it is small and not what is there, else when wanted.

        :param has: gives the sha256 of what is there now, in hexadecimal; empty if nothing
        :raises FileRefusedError: as `file`
        """

    def tree(self, path: str, excludes: Sequence[str]) -> Tree:
        """A directory that the policy names, with all in it.

        :param excludes: patterns of what is left out
        :raises FileRefusedError: as `file`, also for something in it
        """

    def kept(self, to: str, path: str, content: Content) -> bool:
        """Whether the control machine has a file of this machine as it is.

        :param to: the directory that it is to go to, as the policy names it
        :raises FileRefusedError: if the policy does not let it go there
        """

    def keep(self, to: str, path: str, content: Content) -> None:
        """Let the control machine have a file of this machine.

        :raises FileRefusedError: as `kept`; if it is too large, or changes meanwhile
        """

    def rendered(self, path: str, syntax: Syntax | None = None) -> bytes:
        """The template file that the policy names, rendered with the resource's variables.

        :param syntax: how it is written, if not in Jinja's usual way
        :raises TemplateError: if it does not parse or uses a name that nothing defines
        """


class Provider:
    """One way of making one type of resource: ``class Apt(PackageProvider, provides=Package)``.

    :param resource: the resource, its values worked out
    :param machine: the machine that it is for
    :param sources: the policy's files
    """

    provides: ClassVar[type | None] = None
    short: ClassVar[str] = ""
    needs: ClassVar[str] = ""  # what a machine must have for it, for the text of an error: "a running systemd"

    def __init_subclass__(cls, provides: type | None = None, short: str = "", **rest: Any) -> None:
        super().__init_subclass__(**rest)
        if provides is not None:
            cls.provides = provides
        cls.short = short or cls.__dict__.get("short", "") or cls.__name__.lower()

    def __init__(self, resource: Any, machine: Machine, sources: Sources) -> None:
        self.resource = resource
        self.machine = machine
        self.sources = sources
        self.completed: Completed | None = None  # of a command that planning itself ran and whose output is the result
        self.unsure = False  # whether planning came upon what check mode cannot know, apart from what its looks said

    @classmethod
    def suits(cls, machine: Machine) -> bool:  # noqa: ARG003 - the signature is the contract
        """Whether this way works on `machine`."""
        return True

    def plan(self) -> Iterator[Change]:
        """The changes that are needed. Only looks.

        :raises ProviderError: if the resource cannot be made at all
        """
        raise NotImplementedError(f"{type(self).__name__} does not say how to plan")

    def guard(self, command: str) -> Completed:
        """Run a command of `only_if` or `unless`, which only looks."""
        argv, env = scripted("/bin/sh", command)
        return self.machine.ask(argv, cwd="/", env=env)


_SCRIPT = "OPSMOP_SCRIPT"
_FROM_ENVIRONMENT = f'set -- "${_SCRIPT}"; unset {_SCRIPT}; eval "$1"'


def scripted(shell: str, script: str) -> tuple[list[str], dict[str, str]]:
    """What runs a script of a shell: its argument list, and environment variables.

    Everybody on the machine can read arguments: a script that holds a secret goes by way of the environment, which only
    the same user can read (proc(5)), and of which it takes it away.
    """
    evaluation = current()
    if evaluation is None or evaluation.shown(script) == script:
        return [shell, "-c", script], {}
    return [shell, "-c", _FROM_ENVIRONMENT], {_SCRIPT: script}


def succeeded(completed: Completed, doing: str, *, ok_codes: tuple[int, ...] = (0,), whole: bool = False) -> Completed:
    """`completed`, if its exit status is one of `ok_codes` or it did not run because nothing may change.

    :param doing: what was being done, for the error's text
    :param whole: whether all that it printed has to be known, and not only its end
    :raises CommandFailed: otherwise
    """
    cut = whole and completed.cut
    if not completed.known or (completed.rc in ok_codes and not completed.timed_out and not cut):
        return completed
    if cut:
        ending = "printed more than is kept of it"
    elif completed.timed_out and completed.rc is not None and completed.rc >= 0 and completed.limit is not None:
        ending = f"took longer than {round(completed.limit, 1):g} seconds and ended with exit status {completed.rc}"
    elif completed.timed_out:
        limit = "" if completed.limit is None else f" after {round(completed.limit, 1):g} seconds"
        ending = f"took too long and was ended{limit}"
    elif completed.rc is not None and completed.rc < 0:
        ending = f"was ended by signal {-completed.rc}"
    else:
        ending = f"ended with exit status {completed.rc}"
    raise CommandFailed(
        f"{doing} failed: the command {ending}", completed=completed, command=completed.command, rc=completed.rc,
        output=completed.output,
    )  # fmt: skip


def providers(resource_type: type) -> list[type[Provider]]:
    """Every known provider of `resource_type`, in the order in which they were defined.

    One that was defined anew, as in a notebook's cell that ran twice, takes the place of the earlier one.
    """
    found: dict[tuple[str, str], type[Provider]] = {}
    rest = list(reversed(Provider.__subclasses__()))
    while rest:
        cls = rest.pop()
        rest.extend(reversed(cls.__subclasses__()))
        if cls.provides is not None and issubclass(resource_type, cls.provides):
            found[cls.__module__, cls.__qualname__] = cls
    return list(found.values())
