"""Passwords that the defaults name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from opsmop.errors import UsageError
from opsmop.settings import Defaults
from opsmop.settings.passwords import Passwords


def said(**values: Any) -> str | None:
    found = Passwords(Defaults(values))("ssh")
    return found.reveal() if found else None


def private(path: Path, text: str, mode: int = 0o600) -> str:
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_a_password_comes_from_a_private_file(tmp_path: Path) -> None:
    assert said(ssh_password_file=private(tmp_path / "p", "hid den\n")) == "hid den"


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="others may read") as caught:
        said(ssh_password_file=private(tmp_path / "p", "hidden\n", 0o644))
    assert "chmod 600" in caught.value.remedy
    with pytest.raises(UsageError, match="cannot be read"):
        said(ssh_password_file=str(tmp_path / "none"))


def test_a_password_comes_from_a_command_that_runs_once(tmp_path: Path) -> None:
    count = tmp_path / "count"
    command = ("sh", "-c", f"echo x >> {count}; echo hidden")
    passwords = Passwords(Defaults({"sudo_password_command": command}))
    assert [passwords("sudo"), passwords("sudo")] == [passwords("sudo")] * 2
    assert count.read_text() == "x\n"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("/no/such",), "cannot be started"),
        (("sh", "-c", "echo hidden; exit 3"), "ended with status 3"),
        (("printf", "hidden\nagain"), "more than one line"),
        (("true",), "empty"),
    ],
)
def test_a_command_that_gives_no_password_is_named(command: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        said(ssh_password_command=command)
    assert "hidden" not in str(caught.value)


def test_nothing_is_read_that_nobody_needs(tmp_path: Path) -> None:
    Passwords(Defaults({"ssh_password_file": str(tmp_path / "none")}))
