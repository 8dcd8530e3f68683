"""Facts about files, and as earlier resources of a check would leave them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsmop import Directory, File, FileTests
from opsmop.errors import PolicyError
from opsmop.target.machine import RealMachine

Evaluate = Callable[..., Any]
ME = RealMachine().real_user()


def asked(evaluate: Evaluate, question: Callable[[], object]) -> object:
    """What a fact answers within a role."""
    return evaluate(question).value


def test_each_question_has_its_answer(tmp_path: Path, evaluate: Evaluate) -> None:
    tool, link = tmp_path / "tool", tmp_path / "link"
    tool.write_text("x")
    tool.chmod(0o750)
    link.symlink_to(tool)
    digest = hashlib.sha256(b"x").hexdigest()
    for path in (tool, link, str(tool)):
        answers = asked(
            evaluate,
            lambda: (
                FileTests.exists(path),  # noqa: B023 - asked at once
                FileTests.is_file(path),  # noqa: B023
                FileTests.is_directory(path),  # noqa: B023
                FileTests.executable(path),  # noqa: B023
                FileTests.mode(path),  # noqa: B023
                FileTests.owner(path) == FileTests.user(path) == ME,  # noqa: B023
                FileTests.checksum(path),  # noqa: B023
            ),
        )
        assert answers == (True, True, False, True, 0o750, True, digest)
    assert asked(evaluate, lambda: FileTests.checksum_string("x")) == digest


def test_of_what_is_not_there_nothing_is_said(tmp_path: Path, evaluate: Evaluate) -> None:
    missing = tmp_path / "missing"
    (tmp_path / "dangling").symlink_to(missing)
    for path in (missing, tmp_path / "dangling"):
        answers = asked(
            evaluate,
            lambda: [
                getattr(FileTests, name)(path)  # noqa: B023 - asked at once
                for name in ("exists", "is_file", "is_directory", "executable", "mode", "owner", "group", "checksum")
            ],
        )
        assert answers == [False, False, False, False, None, None, None, None]
    assert asked(evaluate, lambda: FileTests.checksum(tmp_path)) is None


def test_in_check_they_answer_as_earlier_resources_would_leave_things(tmp_path: Path, evaluate: Evaluate) -> None:
    def main() -> list[object]:
        conf = tmp_path / "made" / "conf"
        Directory(tmp_path / "made")
        File(conf, from_content="x", mode=0o640)
        answers = [FileTests.is_directory(tmp_path / "made"), FileTests.mode(conf), FileTests.checksum(conf)]
        File(conf, absent=True)
        return [*answers, FileTests.exists(conf)]

    check, apply = evaluate(main, "check"), evaluate(main)
    assert check.value == apply.value == [True, 0o640, hashlib.sha256(b"x").hexdigest(), False]


def test_outside_of_a_role_they_say_where_they_belong() -> None:
    with pytest.raises(PolicyError, match="asked where no role is being evaluated") as caught:
        FileTests.exists("/")
    assert "main()" in caught.value.remedy
