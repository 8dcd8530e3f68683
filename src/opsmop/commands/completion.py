"""``opsmop completion bash|zsh|fish``: what the Tab key offers, written from the commands' own parsers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import NamedTuple

_FILES = frozenset(("policy", "inventory", "folder", "output_file"))  # what names a file or a folder


class Option(NamedTuple):
    """One option of a command.

    :param names: as it is written, ``--color`` or ``-i`` and ``--inventory``
    :param doc: what it does, on one line
    :param takes: whether a value follows it
    :param choices: the values there are, if they are few
    :param is_file: whether its value is a file
    """

    names: tuple[str, ...]
    doc: str
    takes: bool
    choices: tuple[str, ...]
    is_file: bool


class Taken(NamedTuple):
    """What a command takes.

    :param name: the command
    :param doc: what it does
    :param options: its options
    :param words: the words that may follow it, if they are few
    :param is_file: whether a file may follow it
    """

    name: str
    doc: str
    options: tuple[Option, ...]
    words: tuple[str, ...]
    is_file: bool


def add_options(parser: argparse.ArgumentParser, _name: str) -> None:
    """What the command takes."""
    parser.add_argument("shell", choices=tuple(_SHELLS), help="whose words to write")


def run(given: argparse.Namespace) -> int:
    """Write what the shell is to read."""
    sys.stdout.writelines(f"{line}\n" for line in _SHELLS[given.shell](commands()))
    return 0


def commands() -> tuple[Taken, ...]:
    """What all commands take, from their parsers."""
    from opsmop.cli.commands import COMMANDS  # which knows this file by name
    from opsmop.cli.parser import command_parser  # as above

    known = tuple(_taken(command.name, command.summary, command_parser(command)) for command in COMMANDS)
    names = tuple(command.name for command in COMMANDS)
    return (*known, Taken("help", "show what a command takes", (), names, is_file=False))


def _names_for(word: str) -> tuple[str, ...]:
    """The names that may stand for a word whose parser does not list them, since it knows more spellings."""
    if word == "type":
        from opsmop.reference import types  # imports every type

        return tuple(kind.__name__ for kind in types())
    if word == "settings":
        from opsmop.settings.defaults import DEFAULTS  # as it is needed here only

        return tuple(DEFAULTS)
    return ()


def _taken(name: str, doc: str, parser: argparse.ArgumentParser) -> Taken:
    entries = [entry for entry in parser._actions if entry.help != argparse.SUPPRESS]  # noqa: SLF001 - argparse has no other way to ask
    options = tuple(_option(entry) for entry in entries if entry.option_strings)
    positional = [entry for entry in entries if not entry.option_strings]
    words = tuple(str(word) for entry in positional for word in entry.choices or _names_for(entry.dest))
    return Taken(name, doc, options, words, any(entry.dest in _FILES for entry in positional))


def _option(entry: argparse.Action) -> Option:
    doc = " ".join((entry.help or "").replace("%%", "%").split())
    choices = tuple(map(str, entry.choices or ()))
    return Option(tuple(entry.option_strings), doc, entry.nargs != 0, choices, entry.dest in _FILES)


def _bash(taken: tuple[Taken, ...]) -> Iterator[str]:
    yield "# opsmop in bash: source <(opsmop completion bash)"
    yield "_opsmop() {"
    yield '    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} words="" files=""'
    yield "    if ((COMP_CWORD == 1)); then"
    names = " ".join((*(each.name for each in taken), "--help", "--version"))
    yield f'        COMPREPLY=($(compgen -W "{names}" -- "$current"))'
    yield "        return"
    yield "    fi"
    yield '    case "${COMP_WORDS[1]} $previous" in'
    for each in taken:
        for option in each.options:
            if option.takes:
                pattern = "|".join(f"'{each.name} {name}'" for name in option.names)
                said = f'words="{" ".join(option.choices)}"' if option.choices else "files=1" if option.is_file else ":"
                yield f"    {pattern}) {said} ;;"
    yield "    *)"
    yield '        case "${COMP_WORDS[1]}" in'
    for each in taken:
        every = " ".join(name for option in each.options for name in option.names)
        yield f'        {each.name}) words="{every}"; [[ $current == -* ]] || {{ words="{" ".join(each.words)}"; files={"1" if each.is_file else ""}; }} ;;'
    yield "        esac ;;"
    yield "    esac"
    yield '    COMPREPLY=($(compgen -W "$words" -- "$current"))'
    yield '    if [[ -n $files ]]; then COMPREPLY+=($(compgen -f -- "$current")); fi'
    yield "}"
    yield "complete -o filenames -F _opsmop opsmop"


def _zsh(taken: tuple[Taken, ...]) -> Iterator[str]:
    yield "#compdef opsmop"
    yield "# opsmop in zsh: source <(opsmop completion zsh), or put this as _opsmop into a folder of $fpath"
    yield "_opsmop() {"
    yield "    local -a commands"
    yield f"    commands=({' '.join(_quoted(f'{each.name}:{each.doc}') for each in taken)})"
    yield "    if ((CURRENT == 2)); then"
    yield "        _describe command commands"
    yield "        return"
    yield "    fi"
    yield "    local command=${words[2]}"
    yield "    shift words; ((CURRENT--))"
    yield '    case "$command" in'
    for each in taken:
        specs = " ".join(spec for option in each.options for spec in _zsh_specs(option))
        rest = f"({' '.join(each.words)})" if each.words else "_files" if each.is_file else "_default"
        yield f"    {each.name}) _arguments {specs} {_quoted(f'*:argument:{rest}')} ;;"
    yield "    esac"
    yield "}"
    yield "compdef _opsmop opsmop"


def _zsh_specs(option: Option) -> Iterator[str]:
    """As the function _arguments of zshcompsys(1) takes them."""
    doc = option.doc.replace("\\", "").replace("[", "(").replace("]", ")").replace(":", "\\:")
    values = f"({' '.join(option.choices)})" if option.choices else "_files" if option.is_file else " "
    for name in option.names:
        yield _quoted(f"*{name}[{doc}]" + (f":value:{values}" if option.takes else ""))


def _fish(taken: tuple[Taken, ...]) -> Iterator[str]:
    yield "# opsmop in fish: opsmop completion fish | source"
    yield "complete -c opsmop -f"
    yield "complete -c opsmop -n __fish_use_subcommand -l help -d 'examples of every command'"
    yield "complete -c opsmop -n __fish_use_subcommand -l version -d 'the version'"
    for each in taken:
        yield f"complete -c opsmop -n __fish_use_subcommand -a {each.name} -d {_fish_quoted(each.doc)}"
        seen = f"complete -c opsmop -n '__fish_seen_subcommand_from {each.name}'"
        if each.words:
            yield f"{seen} -a {_fish_quoted(' '.join(each.words))}"
        if each.is_file:
            yield f"{seen} -F"
        yield from (f"{seen} {_fish_words(option)}" for option in each.options)


def _fish_words(option: Option) -> str:
    names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
    takes = (
        f" -x -a {_fish_quoted(' '.join(option.choices))}" if option.choices else " -r -F" if option.is_file else " -x"
    )
    return f"{names}{takes if option.takes else ''} -d {_fish_quoted(option.doc)}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _fish_quoted(text: str) -> str:
    """As fish reads single quotes: only a backslash and a quote mean something in them."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_SHELLS = {"bash": _bash, "zsh": _zsh, "fish": _fish}
