"""The command line, in both spellings: ``python3 site.py --push --apply`` and ``opsmop apply site.py --push``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from opsmop.errors import OpsMopError, PolicyError, UsageError

if TYPE_CHECKING:
    from opsmop.settings import Settings

MODES = ("validate", "check", "apply")
VARS = "vars"  # what only the command does: opsmop vars POLICY.py --host NAME
USAGE_STATUS = 2
# The options that set a default for this run, and what each limits.
TIME_LIMITS = {
    "connect-timeout": "ssh_connect_timeout",
    "sudo-timeout": "sudo_timeout",
    "role-timeout": "push_role_timeout",
}
_LIMITED = {"ssh_connect_timeout": "connecting", "sudo_timeout": "sudo", "push_role_timeout": "one role"}

_EXAMPLES = """\
Examples:
  {program} --push --check               show what would change on the hosts
  {program} --push --apply               change it
  {program} --push --apply --limit-hosts 'web1*' --extra-vars "version=2"
  {program} --local --check --diff       this machine only, with the content of files

"""
_COMMAND_HELP = """\
Examples:
  opsmop demo                            push an example policy to three throw-away hosts on this machine
  opsmop validate site.py --push         find what is wrong, without contacting a host
  opsmop check site.py --push            show what would change
  opsmop apply site.py --push            change it
  opsmop hosts scan -i inventory.toml    show host keys that are unknown yet, ask, and remember them
  opsmop vars site.py --host web1 port   show a variable, or each of them, and where it came from

A policy may also be run by itself: python3 site.py --push --check
Options of validate, check and apply: opsmop check --help
"""


class Cli:
    """Runs a policy as the command line says, and ends the process.

    :param policy: the policy
    :raises SystemExit: always, with the exit status: 0 good, 1 something failed, 2 nothing ran on any host
    """

    def __init__(self, policy: Any) -> None:
        sys.exit(run(policy, sys.argv[1:]))


def run(policy: Any, arguments: Sequence[str]) -> int:
    """Run a policy as `arguments` say; messages go to stderr.

    :returns: the exit status
    """
    from opsmop.language.policy import Policy  # only where a policy is at hand

    try:
        parsed = _parser(f"python3 {Path(sys.argv[0]).name}").parse_args(arguments)
        settings = settings_from(parsed)
        if not isinstance(policy, Policy):
            made = policy.__name__ if isinstance(policy, type) else "MyPolicy"
            raise UsageError(f"Cli was given {policy!r}, not a policy", remedy=f"Write Cli({made}()).")
    except OpsMopError as error:
        return _show(error)
    if settings.mode == VARS:
        from opsmop.variables import tell_here  # only for that command

        return tell_here(policy, policy_file(policy), settings, tuple(parsed.names))
    from opsmop.app import App  # everything else; --help and a wrong option do without

    return App(policy, policy_file(policy), settings).run()


def command(arguments: Sequence[str] | None = None) -> int:
    """The command ``opsmop``.

    :param arguments: what follows its name; those of the process if not given
    :returns: the exit status
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    name = words[0] if words else "--help"
    if name in ("-h", "--help"):
        sys.stdout.write(_COMMAND_HELP)
        return 0
    if name == "--version":
        from importlib.metadata import version  # slow to import, seldom wanted

        sys.stdout.write(f"opsmop {version('opsmop')}\n")
        return 0
    if name == "demo":
        from opsmop.demo import run as demonstrate  # starts servers, which nothing else wants

        return demonstrate(words[1:])
    try:
        if name == "hosts":
            from opsmop.hosts import run as run_hosts  # starts ssh, which nothing else here does

            return run_hosts(words[1:])
        return _run_file(name, words[1:])
    except OpsMopError as error:
        return _show(error)


def _run_file(mode: str, words: list[str]) -> int:
    if mode not in (*MODES, VARS):
        raise UsageError(
            f"opsmop has no command {mode!r}", remedy=f"There are: demo, hosts, {', '.join((*MODES, VARS))}."
        )
    if not words or words[0].startswith("-"):
        if words[:1] in (["-h"], ["--help"]):
            _parser(f"opsmop {mode} POLICY.py", mode=mode).parse_args(words)
        raise UsageError(f"opsmop {mode} takes the policy's file", remedy=f"Write: opsmop {mode} site.py --push")
    from opsmop.program import run_program  # only where a policy's file is run

    reach = ["--push"] if mode == VARS and "--local" not in words else []
    return run_program(words[0], [f"--{mode}", *reach, *words[1:]])


class _Parser(argparse.ArgumentParser):
    """Help begins with examples; what is wrong is an error like any other."""

    def format_help(self) -> str:
        return _EXAMPLES.format(program=self.prog) + super().format_help()

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, remedy=f"{self.prog} --help shows the options.")


def _parser(program: str, mode: str = "") -> argparse.ArgumentParser:
    parser = _Parser(prog=program, allow_abbrev=False, usage=argparse.SUPPRESS if mode else None)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--validate", action="store_const", const="validate", dest="mode", help="find what is wrong")
    what.add_argument("--check", action="store_const", const="check", dest="mode", help="show what would change")
    what.add_argument("--apply", action="store_const", const="apply", dest="mode", help="change it")
    what.add_argument("--vars", action="store_const", const=VARS, dest="mode", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", help=argparse.SUPPRESS)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--local", action="store_const", const="local", dest="reach", help="on this machine")
    where.add_argument("--push", action="store_const", const="push", dest="reach", help="on the hosts of the inventory")
    _add_selection(parser)
    _add_connections(parser)
    _add_display(parser)
    return parser


def _add_selection(parser: argparse.ArgumentParser) -> None:
    def add(name: str, metavar: str, text: str) -> None:
        parser.add_argument(name, action="append", default=[], metavar=metavar, help=text)

    add("--extra-vars", "VARS", "variables that win over all others: \"a=1 b='x y'\", or @FILE (.json, .toml, .yaml)")
    add("--limit-groups", "PATTERNS", "only hosts in these groups: 'rack1,dc*'")
    add("--limit-hosts", "PATTERNS", "only these hosts: 'web1*,!web13', '@FILE'; '@failed' are those that failed last")
    parser.add_argument("--retry", action="store_true", help="only the hosts that failed last; --limit-hosts @failed")
    add("--serial", "STEPS", "so many hosts at a time, and none after a failing batch: '10', '25%%' or '1,10%%,50%%'")
    add("--tags", "TAGS", "only roles with one of these tags")
    add("--skip-tags", "TAGS", "no roles with one of these tags")
    parser.add_argument("--host", default="", metavar="NAME", help="with --local: this machine's name in the inventory")
    parser.add_argument("--seed", default="", metavar="TEXT", help="make Chaos fall the same way each time")
    parser.add_argument("--force-lock", action="store_true", help="go on where another run is at work")
    parser.add_argument("--list-hosts", action="store_true", help="show which hosts each role goes to, and do no more")


def _add_connections(parser: argparse.ArgumentParser) -> None:
    for what in ("ssh", "sudo"):
        parser.add_argument(
            f"--ask-{what}-pass", action="append_const", const=what, dest="ask", help=f"ask for {what}'s password, once"
        )
    for name, default in TIME_LIMITS.items():
        parser.add_argument(f"--{name}", metavar="SECONDS", help=f"how long {_LIMITED[default]} may take on a host")


def _add_display(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--verbose", action="store_true", help="show what is fine already, too")
    parser.add_argument("--diff", action="store_true", help="show how the content of files differs")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="colour the output")
    parser.add_argument(
        "--detailed-exitcode", action="store_true", help="with --check: status 3 if changes are pending"
    )


def settings_from(parsed: argparse.Namespace) -> Settings:
    """The settings that a command line, the environment and the defaults files make.

    :raises UsageError: if one of them says something impossible
    """
    from opsmop.settings import Defaults, Settings  # --help does without
    from opsmop.settings.extra import extra_variables  # as above
    from opsmop.settings.limits import FAILED, limit_patterns  # as above

    if parsed.retry and parsed.limit_hosts:
        raise UsageError("--retry does not go with --limit-hosts", remedy="Write --limit-hosts '@failed,!web1'.")
    if parsed.serial and parsed.reach != "push":
        raise UsageError("--serial goes with --push")
    if parsed.mode == VARS and not parsed.host and parsed.reach == "push":
        raise UsageError("opsmop vars takes the host", remedy="Write: opsmop vars site.py --host web1")
    if parsed.names and parsed.mode != VARS:
        raise UsageError(f"{parsed.names[0]!r} means nothing here", remedy="--help shows the options.")
    if parsed.host and parsed.reach != "local" and parsed.mode != VARS:
        raise UsageError("--host goes with --local", remedy="With --push, use --limit-hosts.")
    given = [f"--ask-{what}-pass" for what in parsed.ask or ()]
    given += [f"--{name}" for name in TIME_LIMITS if vars(parsed)[name.replace("-", "_")] is not None]
    if given and parsed.reach != "push":
        raise UsageError(f"{given[0]} goes with --push")
    if parsed.detailed_exitcode and parsed.mode != "check":
        raise UsageError("--detailed-exitcode goes with --check")
    limits = {TIME_LIMITS[name]: vars(parsed)[name.replace("-", "_")] for name in TIME_LIMITS}
    extra, extra_files = extra_variables(parsed.extra_vars)
    return Settings(
        mode=parsed.mode,
        reach=parsed.reach,
        verbose=parsed.verbose,
        diff=parsed.diff,
        color=parsed.color,
        extra=extra,
        extra_files=extra_files,
        limit_groups=limit_patterns("--limit-groups", _listed(parsed.limit_groups)),
        limit_hosts=(FAILED,) if parsed.retry else limit_patterns("--limit-hosts", _listed(parsed.limit_hosts)),
        serial=_steps(_listed(parsed.serial)),
        tags=_listed(parsed.tags),
        skip_tags=_listed(parsed.skip_tags),
        host=parsed.host,
        detailed_exitcode=parsed.detailed_exitcode,
        list_hosts=parsed.list_hosts,
        force_lock=parsed.force_lock,
        seed=parsed.seed,
        typed_passwords=_typed(parsed.ask or ()),
        defaults=Defaults.usual().overridden(limits),
    )


def _typed(asked: Sequence[str]) -> dict[str, Any]:
    """Ask for passwords on the terminal.

    :raises UsageError: if there is none, or nothing was typed
    """
    import getpass  # few runs ask
    import warnings  # as above

    from opsmop.settings.passwords import one_line  # as above

    typed = {}
    for what in dict.fromkeys(asked):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", getpass.GetPassWarning)
                typed[what] = one_line(getpass.getpass(f"Password for {what}: "), f"--ask-{what}-pass")
        except (getpass.GetPassWarning, EOFError):
            raise UsageError(
                f"--ask-{what}-pass: there is no terminal to ask on",
                remedy=f"Name a file or a command instead: [{what}] password_file or password_command in the defaults.",
            ) from None
    return typed


def _listed(given: list[str]) -> tuple[str, ...]:
    words = [word.strip() for text in given for word in text.split(",")]
    if not all(words):
        raise UsageError(f"there is an empty word in {','.join(given)!r}", remedy="Separate words by one comma.")
    return tuple(words)


def _steps(words: tuple[str, ...]) -> tuple[int | str, ...]:
    for word in words:
        number = word.removesuffix("%")
        if not number.isdecimal() or not int(number) or (word != number and int(number) > 100):  # noqa: PLR2004
            raise UsageError(f"--serial {word!r} is no number of hosts", remedy="Say 10, 25% or 1,10%,50%.")
    return tuple(word if word.endswith("%") else int(word) for word in words)


def policy_file(policy: Any) -> Path:
    """The file of a policy: the program that runs, else where the policy's class was written.

    :raises PolicyError: if it was written in no file
    """
    for module in ("__main__", type(policy).__module__):
        file = getattr(sys.modules.get(module), "__file__", None)
        if file:
            return Path(file).absolute()
    raise PolicyError("the policy was not written in a file", remedy="Write it in a file and run that.")


def _show(error: OpsMopError) -> int:
    from opsmop.app import show  # the one place that knows how errors look

    show(error, sys.stderr)
    return USAGE_STATUS
