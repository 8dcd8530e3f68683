"""What is found out late is found out once, by whoever wants it first."""

from __future__ import annotations

import pickle
import threading

import pytest

from opsmop.drive.late import Late


def test_it_is_found_out_once_for_all_threads() -> None:
    found: list[int] = []
    late = Late(lambda: found.append(1) or {"a": 1})  # type: ignore[func-returns-value]
    assert not found
    threads = [threading.Thread(target=lambda: late["a"]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (dict(late), len(late), found) == ({"a": 1}, 1, [1])


def test_it_travels_as_a_dict() -> None:
    travelled = pickle.loads(pickle.dumps(Late(lambda: {"a": b"b"})))
    assert travelled == {"a": b"b"}
    assert type(travelled) is dict


def test_what_goes_wrong_reaches_everybody_who_wants_it() -> None:
    def broken() -> dict[str, int]:
        raise OSError("gone")

    late = Late(broken)
    for _ in range(2):
        with pytest.raises(OSError, match="gone"):
            dict(late)
