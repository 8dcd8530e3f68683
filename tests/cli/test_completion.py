"""`opsmop completion`: the shells themselves are asked what they would offer."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import pytest

from opsmop.cli.commands import COMMANDS

Opsmop = Callable[..., "subprocess.CompletedProcess[str]"]
_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00\x07\x08]")
LINES = [
    ("opsmop ", {command.name for command in COMMANDS}),
    ("opsmop inv", {"inventory"}),
    ("opsmop check --color ", {"auto", "always", "never"}),
    ("opsmop check --limit-", {"--limit-groups", "--limit-hosts"}),
    ("opsmop inventory ", {"list", "graph", "show"}),
    ("opsmop apply si", {"site.py"}),
    ("opsmop run uptime -i inv", {"inventory.toml"}),
    ("opsmop docs Fi", {"File"}),
    ("opsmop config ssh_user", {"ssh_username"}),
    ("opsmop help inv", {"inventory"}),
    ("opsmop completion ", {"bash", "zsh", "fish"}),
]


@pytest.fixture
def script(opsmop: Opsmop, tmp_path: Path) -> Callable[[str], Path]:
    """What a shell is to read, in a folder with a policy and an inventory."""
    for name in ("site.py", "inventory.toml"):
        (tmp_path / name).write_text("")

    def write(shell: str) -> Path:
        done = opsmop("completion", shell)
        assert done.returncode == 0, done.stderr
        (tmp_path / f"completion.{shell}").write_text(done.stdout)
        return tmp_path / f"completion.{shell}"

    return write


@pytest.mark.parametrize(("line", "expected"), LINES, ids=lambda value: value if isinstance(value, str) else "")
def test_bash_offers(script: Callable[[str], Path], line: str, expected: set[str]) -> None:
    path = script("bash")
    words = line.split(" ")
    ask = f"""
    source {path}
    COMP_WORDS=({" ".join(f"'{word}'" for word in words)}) COMP_CWORD={len(words) - 1}
    _opsmop
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", ask], cwd=path.parent, capture_output=True, text=True, check=True)
    assert expected <= set(done.stdout.split())
    assert done.stderr == ""
    if line.endswith(("inv", "si", "limit-")):
        assert set(done.stdout.split()) == expected


@pytest.mark.parametrize(("line", "expected"), LINES, ids=lambda value: value if isinstance(value, str) else "")
def test_fish_offers(script: Callable[[str], Path], line: str, expected: set[str]) -> None:
    path = script("fish")
    ask = f"source {path}; complete --do-complete '{line}'"
    environment = {**os.environ, "HOME": str(path.parent)}
    done = subprocess.run(
        ["fish", "--no-config", "-c", ask], cwd=path.parent, env=environment, capture_output=True, text=True, check=True
    )
    assert expected <= {row.split("\t")[0] for row in done.stdout.splitlines()}, done.stdout + done.stderr


def test_zsh_offers(script: Callable[[str], Path]) -> None:
    """Its own completion runs only where somebody types: on a terminal."""
    path = script("zsh")
    with _Zsh(path) as zsh:
        for line, expected in LINES:
            offered = zsh.offers(line)
            assert expected <= offered, (line, offered)


class _Zsh:
    """Somebody at a terminal, who types a line and then a key that lists what could follow."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._heard = ""

    def __enter__(self) -> Self:
        self._terminal, second = pty.openpty()
        more = {"HOME": str(self._path.parent), "TERM": "vt100", "COLUMNS": "200", "PS1": "READY> "}
        self._process = subprocess.Popen(
            ["zsh", "-f", "-i"],
            stdin=second,
            stdout=second,
            stderr=second,
            cwd=self._path.parent,
            env={**os.environ, **more},
            start_new_session=True,
        )
        os.close(second)
        self._until("READY> ")
        self._say(
            "unsetopt zle_bracketed_paste; LISTMAX=1000; LISTPROMPT=; autoload -U compinit; compinit -u -D; "
            f"bindkey '^X' list-choices; told() {{ zle -R; print -n TO''LD }}; zle -N told; bindkey '^T' told; source {self._path}\n"
        )
        self._until("READY> ")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._terminal)

    def offers(self, line: str) -> set[str]:
        self._say(f"{line}\x18\x14")  # list what could follow, then say that this is all
        heard = self._until("TOLD")
        self._say("\x15")  # forget the line
        return set(_CONTROLS.sub(" ", heard).split())

    def _say(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def _until(self, text: str) -> str:
        limit = time.monotonic() + 60
        while text not in self._heard:
            ready, _, _ = select.select([self._terminal], [], [], max(0.0, limit - time.monotonic()))
            assert ready, self._heard
            self._heard += os.read(self._terminal, 65536).decode()
        before, _, self._heard = self._heard.partition(text)
        return before


def test_every_command_and_option_is_in_every_script(opsmop: Opsmop) -> None:
    for shell in ("bash", "zsh", "fish"):
        text = opsmop("completion", shell).stdout
        for command in COMMANDS:
            assert command.name in text
        assert "detailed-exitcode" in text


def test_an_unknown_shell_is_2(opsmop: Opsmop) -> None:
    done = opsmop("completion", "tcsh")
    assert done.returncode == 2
    assert "bash" in done.stderr
