"""The table of commands: what each is for, examples of it, and the file that holds it."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import Any, NamedTuple

from opsmop.errors import UsageError


class Command(NamedTuple):
    """One command of ``opsmop``.

    :param name: its name
    :param home: the file that says what it takes (`add_options`) and does it (`run`), imported when it is called
    :param summary: what it does, in a few words
    :param examples: command lines, and what each is for
    """

    name: str
    home: str
    summary: str
    examples: tuple[tuple[str, str], ...]

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Say what the command takes."""
        self._home().add_options(parser, self.name)

    def run(self, given: argparse.Namespace) -> int:
        """Do it, and return the exit status.

        :param given: what its parser has read; besides, `command` is its name and `words` is all that followed it
        :raises OpsMopError: if it cannot be done
        """
        status: int = self._home().run(given)
        return status

    def _home(self) -> Any:
        return import_module(self.home)


_POLICIES = "opsmop.commands.policies"

COMMANDS = (
    Command(
        "demo",
        "opsmop.demo",
        "push an example policy to three throw-away hosts on this machine",
        (("opsmop demo", "see it all work"), ("opsmop demo --keep", "and look at what it left")),
    ),
    Command(
        "validate",
        _POLICIES,
        "find what is wrong, without contacting a host",
        (("opsmop validate site.py --push", "every branch of every role"),),
    ),
    Command(
        "check",
        _POLICIES,
        "show what would change",
        (
            ("opsmop check site.py --push", "on every host"),
            ("opsmop check site.py --push --diff", "with the content of files"),
            ("opsmop check site.py --push --limit-hosts 'web1*'", "on some hosts only"),
            ("opsmop check site.py --local", "on this machine"),
        ),
    ),
    Command(
        "apply",
        _POLICIES,
        "change it",
        (
            ("opsmop apply site.py --push", "on every host"),
            ("opsmop apply site.py --push --serial 1,10%", "on one host first, then in tenths"),
            ("opsmop apply site.py --push --extra-vars 'version=2'", "with variables that win over all others"),
            ("opsmop apply site.py --local", "on this machine"),
        ),
    ),
    Command(
        "retry",
        _POLICIES,
        "apply again, on the hosts that failed last only",
        (
            ("opsmop retry site.py", "what failed when it was applied last"),
            ("opsmop retry", "the policy that failed last"),
        ),
    ),
    Command(
        "vars",
        _POLICIES,
        "show a host's variables, and where each came from",
        (
            ("opsmop vars site.py --host web1", "all of them"),
            ("opsmop vars site.py --host web1 port", "one of them"),
        ),
    ),
    Command(
        "run",
        "opsmop.commands.run",
        "run one command on many hosts, and fold equal answers",
        (
            ("opsmop run uptime -i inventory.toml", "everywhere"),
            ("opsmop run 'systemctl is-active nginx' -i inventory.toml --limit-groups web", "in one group"),
            ("opsmop run 'cat /etc/sudoers' -i inventory.toml --limit-hosts web1 --sudo", "as root"),
        ),
    ),
    Command(
        "facts",
        "opsmop.commands.facts",
        "show what is true of a host, or of this machine",
        (
            ("opsmop facts web1 -i inventory.toml", "of a host of the inventory"),
            ("opsmop facts ann@192.0.2.7:2222 Platform", "of any host, one group of facts"),
            ("opsmop facts Platform", "of this machine"),
        ),
    ),
    Command(
        "inventory",
        "opsmop.commands.inventory",
        "show hosts, groups, and what is said of a host",
        (
            ("opsmop inventory list -i inventory.toml", "hosts, addresses and groups"),
            ("opsmop inventory graph -i inventory.toml", "groups as a tree"),
            ("opsmop inventory show web1 -i inventory.toml", "one host's variables, and where each was said"),
        ),
    ),
    Command(
        "runs",
        "opsmop.commands.runs",
        "list the runs that are on record",
        (("opsmop runs", "the newest first"),),
    ),
    Command(
        "show",
        "opsmop.commands.show",
        "tell a run again, as fully as one likes",
        (
            ("opsmop show", "the last one"),
            ("opsmop show 1f9c -vv --diff", "another, with everything"),
            ("opsmop show 1f9c --output json", "for a program"),
        ),
    ),
    Command(
        "report",
        "opsmop.commands.report",
        "write a run as a page for a browser",
        (
            ("opsmop report -o run.html", "the last one"),
            ("opsmop report 1f9c", "another, to a file that is named like it"),
        ),
    ),
    Command(
        "hosts",
        "opsmop.commands.hosts",
        "show host keys that are unknown yet, ask, and remember them",
        (("opsmop hosts scan -i inventory.toml", "all hosts of an inventory"),),
    ),
    Command(
        "doctor",
        "opsmop.commands.doctor",
        "say what is wrong with a host, and how to mend it",
        (
            ("opsmop doctor web1 -i inventory.toml", "its login, Python, sudo, clock and disks"),
            ("opsmop doctor ann@192.0.2.7 --sudo", "of any host, where sudo has to work"),
        ),
    ),
    Command(
        "docs",
        "opsmop.commands.docs",
        "show what a type of resource takes",
        (("opsmop docs File", "one type"), ("opsmop docs", "all there are")),
    ),
    Command(
        "init",
        "opsmop.commands.init",
        "write a first policy that works as it is",
        (("opsmop init my-site", "into a new folder"),),
    ),
    Command(
        "completion",
        "opsmop.commands.completion",
        "write what the Tab key offers in bash, zsh or fish",
        (
            ("source <(opsmop completion bash)", "in ~/.bashrc"),
            ("source <(opsmop completion zsh)", "in ~/.zshrc, after compinit"),
            ("opsmop completion fish | source", "in ~/.config/fish/config.fish"),
        ),
    ),
    Command(
        "config",
        "opsmop.commands.config",
        "show each setting, and where it was said",
        (
            ("opsmop config", "all of them, in the current folder"),
            ("opsmop config --set", "only what somebody has set"),
            ("opsmop config ssh_username --json", "one of them, for a program"),
        ),
    ),
)


# Those that run something on hosts, and tell programs of that as a run.
RUNNING = frozenset(("validate", "check", "apply", "retry", "run"))


def command_named(name: str) -> Command:
    """The command of that name.

    :raises UsageError: if there is none
    """
    for command in COMMANDS:
        if command.name == name:
            return command
    from opsmop.inventory.tree import close  # only for somebody's slip

    if name.startswith("-"):
        raise UsageError(f"opsmop has no option {name}", remedy=close(name, ["--help", "--version"]))
    raise UsageError(f"opsmop has no command {name!r}", remedy=close(name, [command.name for command in COMMANDS]))


def overview() -> str:
    """What ``opsmop --help`` shows."""
    width = max(len(command.examples[0][0]) for command in COMMANDS)
    lines = [f"  {command.examples[0][0]:<{width}}  {command.summary}" for command in COMMANDS]
    return "\n".join(
        [
            "Examples:",
            *lines,
            "",
            "A policy may also be run by itself: python3 site.py --push --check",
            "What a command takes: opsmop COMMAND --help. The version: opsmop --version",
            "",
        ]
    )
