"""``opsmop check site.py --push`` and its kin: the policy's file is run as the program that it is."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from opsmop.cli.options import add_policy_options, add_reach
from opsmop.errors import UsageError

_DATA = frozenset((".toml", ".yaml", ".yml", ".json", ".ini", ".j2", ".md"))  # never programs
_CONNECTING = frozenset(
    ("--ask-ssh-pass", "--ask-sudo-pass", "--workers", "--connect-timeout", "--sudo-timeout", "--role-timeout")
)
_RUNNING = _CONNECTING | {
    *("--serial", "--retry", "--limit-groups", "--limit-hosts", "--seed", "--force-lock", "--list-hosts"),
    *("--verbose", "--diff", "--color", "--detailed-exitcode"),
}
# The options that do nothing there: they are taken, for command lines are changed by a word, and not shown.
_IDLE = {
    "validate": _RUNNING,
    "check": frozenset(("--force-lock",)),
    "apply": frozenset(("--detailed-exitcode",)),
    "retry": frozenset(("--retry", "--host", "--detailed-exitcode")),
    "vars": _RUNNING,
}
_SPELLED = {
    "validate": ("--validate",),
    "check": ("--check",),
    "apply": ("--apply",),
    "retry": ("--apply", "--push", "--retry"),
    "vars": ("--vars",),
}


def add_options(parser: argparse.ArgumentParser, name: str) -> None:
    """What the command `name` takes."""
    count = "?" if name == "retry" else None
    parser.add_argument("policy", nargs=count, metavar="POLICY", help="the policy's file")
    if name == "vars":
        parser.add_argument("names", nargs="*", metavar="NAME", help="only these variables")
        parser.add_argument("--local", action="store_true", help="of this machine")
        parser.add_argument("--json", action="store_true", help="the same as --output json")
    elif name != "retry":
        add_reach(parser)
    add_policy_options(parser)
    for entry in parser._actions:  # noqa: SLF001 - argparse has no other way to ask
        if _IDLE[name] & set(entry.option_strings):
            entry.help = argparse.SUPPRESS


def run(given: argparse.Namespace) -> int:
    """Run the policy, and return its exit status.

    :raises OpsMopError: if the file cannot be run
    """
    from opsmop.program import run_program  # --help does without

    words = list(given.words)
    policy = _failed_last() if given.policy is None else given.policy
    if given.policy is not None:
        refuse_no_program(policy, given.command)
        words.remove(policy)
    if given.command == "retry":
        words += _as_before(given, policy)
    words = ["--output=json" if word == "--json" else word for word in words]
    pushed = ["--push"] if given.command == "vars" and not given.local else []
    return run_program(policy, [*_SPELLED[given.command], *pushed, *words])


def refuse_no_program(policy: str, command: str) -> None:
    """Refuse what cannot be a policy's file.

    :raises UsageError: if it is no name, a folder, or a file of data
    """
    remedy = f"Name its file: opsmop {command} site.py"
    if not policy:
        raise UsageError("no policy is given", remedy=remedy)
    if Path(policy).is_dir():
        raise UsageError(f"{policy} is a folder, not a policy", remedy=remedy)
    if Path(policy).suffix in _DATA:
        raise UsageError(f"{policy} is data, not a policy, which is a Python program", remedy=remedy)


def _failed_last() -> str:
    """The policy that failed last.

    :raises UsageError: if none is remembered
    """
    from opsmop.drive.remembered import failed_last  # few commands ask

    policy = failed_last()
    if policy is None:
        raise UsageError("no policy is remembered that failed", remedy="Name it: opsmop retry site.py")
    return str(policy)


def _as_before(given: argparse.Namespace, policy: str) -> list[str]:
    """The options that the failed run had and that are not given now.

    :raises UsageError: if values of variables are among them, which nobody has kept
    """
    from opsmop.drive.remembered import options_last  # only a retry asks
    from opsmop.settings.command import CHOOSING, hides_values  # as above

    said = {option for option in CHOOSING if getattr(given, option.strip("-").replace("-", "_"))}
    kept = [word for word in options_last(Path(policy)) if word.partition("=")[0] not in said]
    for word in kept:
        if hides_values(word):
            raise UsageError(
                f"the run that failed had {shlex.quote(word)}, and values are not kept",
                remedy="Give them once more: --extra-vars 'name=value ...'",
            )
    told = " ".join(map(shlex.quote, [policy, *kept]))
    sys.stderr.write(f"opsmop: retrying {told}\n" if kept or given.policy is None else "")
    return kept
