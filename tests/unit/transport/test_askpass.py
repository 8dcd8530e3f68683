"""What tells ssh a password."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from opsmop.language.secrets import Secret
from opsmop.transport.askpass import Askpass


def test_a_temporary_directory_with_a_long_name_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    asked = Askpass(Secret("a password"))
    program = Path(asked.environment["SSH_ASKPASS"])
    assert program.exists()
    assert program.parent.stat().st_mode & 0o777 == 0o700
    asked.close()
    assert not program.parent.exists()
