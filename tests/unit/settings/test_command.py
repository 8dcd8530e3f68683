"""What is kept of the words that started a run."""

from __future__ import annotations

import pytest

from opsmop.settings.command import without_values


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (["site.py", "--push"], ("site.py", "--push")),
        (["--extra-vars", "a=1 b='x y'"], ("--extra-vars", "a=... b=...")),
        (["--extra-vars=a=secret"], ("--extra-vars=a=...",)),
        (["--extra-vars", "@vars.json", "--push"], ("--extra-vars", "@vars.json", "--push")),
        (["--extra-vars", "'unclosed secret"], ("--extra-vars", "...")),
        (["--extra-vars", "secret"], ("--extra-vars", "...")),
        (["--extra-vars"], ("--extra-vars",)),
    ],
)
def test_values_of_variables_are_not_kept(words: list[str], kept: tuple[str, ...]) -> None:
    assert without_values(words) == kept
