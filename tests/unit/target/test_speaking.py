"""What a long command prints while it runs."""

from __future__ import annotations

import pytest

from opsmop.target.machine.speaking import MOST_SPOKEN, SILENCE, Speaking

SECRET = b"correct horse battery staple"


@pytest.mark.parametrize("before", [0, 1, MOST_SPOKEN - 40, MOST_SPOKEN, 3 * MOST_SPOKEN])
@pytest.mark.parametrize("after", [MOST_SPOKEN - 45, MOST_SPOKEN - 20, MOST_SPOKEN - 5, 2 * MOST_SPOKEN])
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_what_is_said_of_a_line_is_all_of_it_or_nothing(
    before: int, after: int, end: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret is masked by its whole text: half of one would be shown."""
    said: list[str] = []
    monkeypatch.setattr("time.monotonic", lambda: 1000.0)
    speaking = Speaking(said.append)
    monkeypatch.setattr("time.monotonic", lambda: 1001.0 + SILENCE)
    speaking.add("stdout", b"first\n")
    speaking.speak(ended=False)
    speaking.add("stdout", b"x" * before + b"\n" + SECRET + b"\n" + b"y" * after + end)
    speaking.add("stdout", b"last\n")
    speaking.speak(ended=True)
    text = "".join(said)
    assert text.endswith(("last\n", "...\n"))
    whole = SECRET.decode()
    assert all(whole[size:] not in text for size in range(1, len(whole) - 8)) or whole in text
