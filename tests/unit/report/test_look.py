"""Signs, colours, what fits."""

from __future__ import annotations

import io

import pytest

from opsmop.errors import UsageError
from opsmop.events.look import Look, duration_text
from opsmop.report.look import carries_signs, tell_color


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("mode", "terminal", "environ", "expected"),
    [
        ("auto", True, {}, True),
        ("auto", False, {}, False),
        ("auto", True, {"TERM": "dumb"}, False),
        ("auto", True, {"NO_COLOR": "1"}, False),
        ("auto", True, {"NO_COLOR": ""}, True),
        ("auto", False, {"FORCE_COLOR": "1"}, True),
        ("auto", False, {"FORCE_COLOR": ""}, False),
        ("auto", True, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ("always", False, {"NO_COLOR": "1"}, True),
        ("never", True, {"FORCE_COLOR": "1"}, False),
    ],
)
def test_the_flag_wins_over_the_environment_and_that_over_the_terminal(
    mode: str, terminal: bool, environ: dict[str, str], expected: bool
) -> None:
    assert tell_color(mode, Terminal() if terminal else io.StringIO(), environ) is expected


def test_an_unknown_colour_mode_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="auto, always or never"):
        tell_color("sometimes", io.StringIO(), {})


@pytest.mark.parametrize(
    ("encoding", "expected"), [("utf-8", True), ("ascii", False), ("latin-1", False), ("koi8-r", False)]
)
def test_signs_are_used_where_the_encoding_has_them_all(encoding: str, expected: bool) -> None:
    assert carries_signs(io.TextIOWrapper(io.BytesIO(), encoding=encoding)) is expected


@pytest.mark.parametrize("room", range(3, 30))
def test_a_cut_text_fits_and_keeps_both_ends(room: int) -> None:
    cut = Look(80, color=False, signs=True).cut("web-01.rack-2.example.com", room)
    assert len(cut) <= room
    assert (cut[0], cut[-1]) == ("w", "m")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (3.25, "3.2 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3725, "1 h 02 min"),
    ],
)
def test_durations_read_as_people_say_them(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
