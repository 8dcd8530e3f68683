"""The reference page of the commands, made from their parsers, and of the settings: `python3 -m opsmop.commands.pages`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator

from opsmop.cli.commands import COMMANDS, Command
from opsmop.cli.parser import command_parser, policy_parser
from opsmop.settings.defaults import DEFAULTS, variable_of

_HEAD = """# Commands

Made from the code by `python3 -m opsmop.commands.pages`; a test fails when this page is not what it says.
"""


def page() -> str:
    """The whole page, in Markdown."""
    parts = [_HEAD, "## python3 site.py\n", "A policy is a program, and takes these options itself.\n"]
    parts += [_options(policy_parser("python3 site.py")), *(_section(command) for command in COMMANDS), _settings()]
    return "\n".join(parts)


def _settings() -> str:
    lines = ["## Settings", "", "[Where they may be said](settings.md).", ""]
    lines += ["| in a file | in the environment | built in | meaning |", "| --- | --- | --- | --- |"]
    for name, default in DEFAULTS.items():
        section, _, key = name.partition("_")
        built_in = f"`{json.dumps(default.built_in)}`" if default.built_in not in ("", None, ()) else ""
        variable = "never" if default.private else f"`{variable_of(name)}`"
        lines.append(f"| `[{section}] {key}` | {variable} | {built_in} | {_escaped(default.doc)} |")
    return "\n".join([*lines, ""])


def _section(command: Command) -> str:
    width = max(len(line) for line, _ in command.examples)
    examples = "\n".join(f"$ {line:<{width}}  # {purpose}" for line, purpose in command.examples)
    summary = f"{command.summary[:1].upper()}{command.summary[1:]}."
    return (
        f"## opsmop {command.name}\n\n{summary}\n\n```console\n{examples}\n```\n\n{_options(command_parser(command))}"
    )


def _options(parser: argparse.ArgumentParser) -> str:
    rows = list(_rows(parser))
    return "\n".join(["| option | meaning |", "| --- | --- |", *rows]) + "\n" if rows else ""


def _rows(parser: argparse.ArgumentParser) -> Iterator[str]:
    for entry in parser._actions:  # noqa: SLF001 - argparse has no other way to ask
        if entry.help == argparse.SUPPRESS or entry.dest == "help":
            continue
        value = str(entry.metavar) if entry.metavar else "|".join(map(str, entry.choices or ()))
        takes = f" {value}" if entry.option_strings and entry.nargs != 0 and value else ""
        written = ", ".join(f"`{name}{takes}`" for name in entry.option_strings) or f"`{value}`"
        meaning = " ".join((entry.help or "").replace("%%", "%").split())
        yield f"| {_escaped(written)} | {_escaped(meaning)} |"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(page())
