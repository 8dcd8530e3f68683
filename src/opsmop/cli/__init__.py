"""The command line, in both spellings: ``python3 site.py --push --apply`` and ``opsmop apply site.py --push``."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence
from errno import EBADF, EDQUOT, EFBIG, EIO, ENOSPC, EPIPE
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsmop.errors import OpsMopError, PolicyError, UsageError

if TYPE_CHECKING:
    import argparse

UNWRITTEN_STATUS = 1
USAGE_STATUS = 2
INTERRUPTED_STATUS = 130  # a shell's status for what SIGINT ended
_MANY = 50_000  # objects that may be made before Python looks for garbage; next to nothing of a start is any


class Cli:
    """Runs a policy as the command line says, and ends the process.

    :param policy: the policy
    :raises SystemExit: always, with the exit status: 0 good, 1 something failed, 2 nothing ran on any host
    """

    def __init__(self, policy: Any = None) -> None:
        gc.set_threshold(_MANY)
        try:
            status = run(policy, sys.argv[1:])
        finally:
            gc.freeze()  # or the end of the process would look through all that there is, for nothing
        sys.exit(status)


def run(policy: Any, arguments: Sequence[str]) -> int:
    """Run a policy as `arguments` say; messages go to stderr.

    :returns: the exit status
    """
    try:
        return _written(lambda: _run(policy, arguments))
    except Exception as error:
        from opsmop.cli.hiding import hidden  # only where something broke

        told = hidden(error)
        if not told:
            raise
        sys.stderr.write(f"opsmop: {told}\n")
        return USAGE_STATUS


def _written(ran: Callable[[], int]) -> int:
    """The status of what `ran`; 1, and a line that says so, if what it wrote to stdout could not be written.

    A reader that goes before the end has what it wanted (``| head -1``), and is no failure.
    """
    status = 0
    try:
        try:
            status = ran()
        except SystemExit as ending:  # argparse, when it has shown its help
            status = int(ending.code or 0)
        sys.stdout.flush()
    except OSError as error:
        if error.filename is not None or error.errno not in (EPIPE, ENOSPC, EDQUOT, EFBIG, EIO, EBADF):
            raise  # no write(2) to an open stream
        from opsmop.report.look import forget_reader  # few outputs break

        forget_reader(sys.stdout)
        if isinstance(error, BrokenPipeError):
            return status
        sys.stderr.write(f"opsmop: the output could not be written: {error.strerror}\n")
        return UNWRITTEN_STATUS
    return status


def _run(policy: Any, arguments: Sequence[str]) -> int:
    from opsmop.cli.parser import policy_parser  # `from opsmop.cli import Cli` alone needs no parser

    try:
        parsed = policy_parser(f"python3 {Path(sys.argv[0]).name}").parse_args(arguments)
        from opsmop.cli.settings import VARS, settings_from  # --help and a wrong option do without

        settings = settings_from(parsed, policy_file(policy).parent)
        _require_policy(policy)
    except OpsMopError as error:
        return _show(error, () if "--vars" in arguments else arguments)
    if settings.mode == VARS:
        from opsmop.commands.variables import tell_here  # only for that command

        return tell_here(policy, policy_file(policy), settings, tuple(parsed.names), as_json=parsed.output == "json")
    try:
        from opsmop.app import App  # everything else

        return App(policy, policy_file(policy), settings).run()
    except KeyboardInterrupt:  # before it was ready to heed one
        return INTERRUPTED_STATUS


def command(arguments: Sequence[str] | None = None) -> int:
    """The command ``opsmop``.

    :param arguments: what follows its name; those of the process if not given
    :returns: the exit status
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    return _written(lambda: _commanded(words))


def _commanded(words: list[str]) -> int:
    name = words[0] if words else "--help"
    if name == "help" and words[1:]:
        return _ran(words[1], ["--help"])
    if name in ("-h", "--help", "help"):
        from opsmop.cli.commands import overview  # only where it is wanted

        sys.stdout.write(overview())
        return 0
    if name == "--version":
        from importlib.metadata import version  # slow to import, seldom wanted

        sys.stdout.write(f"opsmop {version('opsmop')}\n")
        return 0
    return _ran(name, words[1:])


def _ran(name: str, words: list[str]) -> int:
    from opsmop.cli.commands import RUNNING, command_named  # `Cli` does without
    from opsmop.cli.parser import command_parser  # as above

    try:
        chosen = command_named(name)
        given: argparse.Namespace = command_parser(chosen).parse_intermixed_args(words)
        given.command, given.words = name, words
        return chosen.run(given)
    except OpsMopError as error:
        return _show(error, words if name in RUNNING else ())
    except KeyboardInterrupt:
        return INTERRUPTED_STATUS


def _require_policy(policy: Any) -> None:
    from opsmop.language.policy import Policy  # only where a policy is at hand

    if not isinstance(policy, Policy):
        made = policy.__name__ if isinstance(policy, type) else "MyPolicy"
        raise UsageError(f"Cli was given {policy!r}, not a policy", remedy=f"Write Cli({made}()).")


def policy_file(policy: Any) -> Path:
    """The file of a policy: the program that runs, else where the policy's class was written.

    :raises PolicyError: if it was written in no file
    """
    for module in ("__main__", type(policy).__module__):
        file = getattr(sys.modules.get(module), "__file__", None)
        if file:
            return Path(file).absolute()
    raise PolicyError("the policy was not written in a file", remedy="Write it in a file and run that.")


def _show(error: OpsMopError, arguments: Sequence[str]) -> int:
    from opsmop.app import refuse  # the one place that knows how errors look

    refuse(error, arguments)
    return USAGE_STATUS
