"""The parsers of both spellings, made from one definition of the options."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from opsmop.cli.options import add_policy_options, add_reach
from opsmop.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

    from opsmop.cli.commands import Command

_OF_A_POLICY = (
    ("{program} --push --check", "show what would change on the hosts"),
    ("{program} --push --apply", "change it"),
    ("{program} --push --apply --limit-hosts 'web1*' --extra-vars 'version=2'", "some hosts, other variables"),
    ("{program} --local --check --diff", "this machine only, with the content of files"),
)


_OWN_HOSTS = "A policy says itself which hosts it is for, in its roles' inventory(); --limit-hosts leaves some of them."
_ONE_OF = r"one of the arguments (.*) is required"  # as argparse words it
_USUAL_COLUMNS = 80
_CHOICE = r"argument (\S+): invalid choice: (.*) \(choose from (.*)\)"  # likewise


def _as_wide_as_the_terminal(prog: str) -> argparse.HelpFormatter:
    """Argparse makes one for each option that is added, and would import shutil to ask how wide the terminal is."""
    said = os.environ.get("COLUMNS", "")
    try:
        columns = int(said) if said.isdecimal() and int(said) else os.get_terminal_size(1).columns
    except OSError:
        columns = 0
    return argparse.HelpFormatter(prog, width=(columns or _USUAL_COLUMNS) - 2)


class Parser(argparse.ArgumentParser):
    """Help begins with examples; what is wrong is an error like any other.

    :param program: how it is called
    :param examples: command lines, and what each is for
    """

    def __init__(self, program: str, examples: tuple[tuple[str, str], ...], description: str = "") -> None:
        super().__init__(
            prog=program, allow_abbrev=False, description=description or None, formatter_class=_as_wide_as_the_terminal
        )
        self._examples = examples

    def format_help(self) -> str:
        """The examples, then what argparse says."""
        width = min(max(len(line) for line, _ in self._examples), 60)
        lines = [f"  {line:<{width}}  {purpose}\n" for line, purpose in self._examples]
        return "Examples:\n" + "".join(lines) + "\n" + super().format_help()

    def print_help(self, file: SupportsWrite[str] | None = None) -> None:
        """Write the help; what cannot be written is an error, which argparse passes over."""
        (file or sys.stdout).write(self.format_help())

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """As argparse does, but an option that there is not is told before anything that is missing."""
        self._refuse_unknown(sys.argv[1:] if args is None else args)
        return super().parse_known_args(args, namespace)

    def _refuse_unknown(self, words: Sequence[str]) -> None:
        known = self._option_string_actions
        for word in words:
            if word == "--":
                return
            name = word.partition("=")[0]
            if name.startswith("--") and " " not in name and name not in known:
                raise UsageError(f"there is no option {name}", remedy=self._close(name, known))

    def _close(self, word: str, known: Iterable[str]) -> str:
        from difflib import get_close_matches  # only for somebody's slip

        names = list(known)
        if word == "--inventory":
            return _OWN_HOSTS
        near = get_close_matches(word, names, n=1)
        if near:
            return f"Did you mean {near[0]!r}?"
        return f"{self.prog} --help shows the options." if word.startswith("-") else f"There are: {', '.join(names)}."

    def parse_intermixed_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does, but what has to be named is asked for before the options."""
        self._refuse_unknown(args)
        if not {"-h", "--help"} & set(args) and all(word.startswith("-") and word != "-" for word in args):
            for action in self._get_positional_actions():
                if action.required and action.nargs is None:
                    named = " or ".join(map(str, action.choices or ())) or action.metavar or action.dest
                    self.error(f"{named} is missing")
        return super().parse_intermixed_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Refuse a command line.

        :raises UsageError: always
        """
        choice = re.fullmatch(_CHOICE, message)
        if choice:
            name, value, known = choice.groups()
            words = [word.strip("'\"") for word in known.split(", ")]
            said = f"{name} {value}" if name.startswith("-") else value
            raise UsageError(f"{said} means nothing here", remedy=self._close(value.strip("'\""), words))
        missing = re.fullmatch(_ONE_OF, message)
        if missing:
            message = f"{' or '.join(missing.group(1).split())} is missing"
        remedy = f"Write it like this: {self._examples[0][0]} ({self.prog} --help shows more)."
        if self.prog == "opsmop run" and message.startswith("unrecognized arguments"):
            remedy = "Quote the whole command: opsmop run 'ls -l /srv' -i inventory.toml"
        if "--extra-vars" in self._option_string_actions and message.startswith("unrecognized arguments: -i"):
            remedy = _OWN_HOSTS
        raise UsageError(message.removeprefix("argument "), remedy=remedy)


def policy_parser(program: str) -> Parser:
    """What ``python3 site.py`` takes.

    :param program: how the policy is run
    """
    parser = Parser(program, tuple((line.format(program=program), purpose) for line, purpose in _OF_A_POLICY))
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--validate", action="store_const", const="validate", dest="mode", help="find what is wrong")
    what.add_argument("--check", action="store_const", const="check", dest="mode", help="show what would change")
    what.add_argument("--apply", action="store_const", const="apply", dest="mode", help="change it")
    what.add_argument("--vars", action="store_const", const="vars", dest="mode", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", help=argparse.SUPPRESS)
    add_reach(parser)
    add_policy_options(parser)
    return parser


def command_parser(command: Command) -> Parser:
    """What a command of ``opsmop`` takes."""
    parser = Parser(f"opsmop {command.name}", command.examples, f"{command.summary[:1].upper()}{command.summary[1:]}.")
    command.add_options(parser)
    return parser
