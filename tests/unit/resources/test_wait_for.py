"""Waiting: for what, how long, and what check says of it."""

from __future__ import annotations

import fcntl
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.providers.web import Page, serving

from opsmop import File, Shell, WaitFor

Evaluate = Callable[..., Any]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def port_of(listening: socket.socket) -> int:
    number: int = listening.getsockname()[1]
    return number


def test_what_is_so_already_is_not_waited_for(tmp_path: Path, listener: socket.socket, evaluate: Evaluate) -> None:
    (tmp_path / "log").write_text("one\nready 7\n")

    def main(_: object) -> None:
        WaitFor(port=port_of(listener))
        WaitFor(path=tmp_path / "log", regexp=r"^ready \d+$")
        WaitFor(path=tmp_path / "gone", absent=True)
        WaitFor(lock=str(tmp_path / "log"))

    for mode in ("check", "apply"):
        done = evaluate(main, mode)
        assert [(event.status, event.assumed) for event in done.finished] == [("ok", False)] * 4
    assert [event.name for event in done.finished] == [
        f"port {port_of(listener)} of 127.0.0.1",
        f"{tmp_path}/log to match '^ready \\\\d+$'",
        f"{tmp_path}/gone no more",
        f"the lock of {tmp_path}/log",
    ]


def test_what_is_not_so_yet_is_looked_at_again(tmp_path: Path, evaluate: Evaluate) -> None:
    log = tmp_path / "log"

    def main(_: object) -> None:
        Shell(f"(sleep 0.3; echo starting > {log}) &")
        WaitFor(path=log, interval=0.05)
        Shell(f"(sleep 0.2; echo ready >> {log}) &")
        WaitFor(path=log, regexp="^ready", interval=0.05)
        Shell(f"(sleep 0.2; rm {log}) &")
        WaitFor(path=log, absent=True, interval=0.05)

    assert [event.status for event in evaluate(main).finished] == ["ran", "ok"] * 3


def test_a_port_is_open_when_it_accepts_and_not_when_it_is_only_bound(evaluate: Evaluate) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        assert "not so after 0.2 s" in evaluate(lambda _: WaitFor(port=port, timeout=0.2) and None).failure.message
        opening = threading.Timer(0.3, bound.listen)
        opening.start()
        assert evaluate(lambda _: WaitFor(port=port, interval=0.05) and None).last.status == "ok"
        opening.join()
    assert evaluate(lambda _: WaitFor(port=port, absent=True) and None).last.status == "ok"


def test_a_port_is_drained_when_its_last_connection_is_gone(listener: socket.socket, evaluate: Evaluate) -> None:
    main = lambda _: WaitFor(port=port_of(listener), drained=True, timeout=0.2, interval=0.05) and None  # noqa: E731
    with socket.create_connection(listener.getsockname()) as there:
        here, _ = listener.accept()
        assert "to be drained: not so" in evaluate(main).failure.message
        there.close()
        assert "not so" in evaluate(main).failure.message, "this side may still say something"
        here.close()
    assert evaluate(main).last.status == "ok"


@pytest.mark.parametrize("take", [fcntl.flock, fcntl.lockf])
def test_a_lock_is_waited_for_and_not_its_file(take: Any, tmp_path: Path, evaluate: Evaluate) -> None:
    """Lock files such as dpkg's are there for good."""
    lock = tmp_path / "lock"
    with lock.open("w") as held:
        take(held, fcntl.LOCK_EX)
        failure = evaluate(lambda _: WaitFor(lock=lock, timeout=0.2, interval=0.05) and None).failure
        assert f"the lock of {lock}: not so after 0.2 s" in failure.message
    assert evaluate(lambda _: WaitFor(lock=lock) and None).last.status == "ok"
    assert evaluate(lambda _: WaitFor(lock=tmp_path / "none") and None).last.status == "ok"


def test_before_the_first_look_it_pauses_and_in_check_it_does_not(tmp_path: Path, evaluate: Evaluate) -> None:
    """What was told to go down is there a moment longer: a look at once would take it for what came up."""
    old = tmp_path / "old"

    def main(_: object) -> None:
        Shell(f"touch {old}; (sleep 0.3; rm {old}) &")
        WaitFor(path=old, pause=1, timeout=1)

    assert f"{old}: not so after 1 s" in evaluate(main).failure.message
    begun = time.monotonic()
    assert evaluate(lambda _: WaitFor(path=tmp_path, pause=1000, timeout=None) and None, "check").last.status == "ok"
    assert time.monotonic() - begun < 100


def test_the_error_says_what_its_author_says(tmp_path: Path, evaluate: Evaluate) -> None:
    main = lambda _: WaitFor(path=tmp_path / "x", timeout=0, msg="Is the volume attached?") and None  # noqa: E731
    assert evaluate(main).failure.remedy == "Is the volume attached?"


def test_check_looks_once_and_assumes_the_rest(tmp_path: Path, evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        WaitFor(path=tmp_path / "later", interval=1000)
        File(tmp_path / "conf")
        WaitFor(path=tmp_path / "conf", interval=1000)

    check = evaluate(main, "check")
    assert [(event.status, event.assumed) for event in check.finished] == [
        ("ok", True),
        ("changed", False),
        ("ok", False),
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "nothing says what for"),
        ({"port": 80, "path": "/x"}, "only one of port, path"),
        ({"url": "ftp://x/y"}, "neither http:// nor https://"),
        ({"journal": "app"}, "journal= goes with regexp="),
        ({"lock": "/x", "regexp": "x"}, "regexp= with path=, url= or journal="),
        ({"port": 0}, "not between 1 and 65535"),
        ({"path": "x"}, "absolute path"),
        ({"path": "/x", "pause": 9, "timeout": 8}, "pause=9 is longer than timeout=8"),
        ({"path": "/x", "regexp": "("}, "no regular expression"),
        ({"port": 80, "regexp": "x"}, "regexp= with path="),
        ({"path": "/x", "drained": True}, "drained= goes with port="),
        ({"port": 80, "drained": True, "absent": True}, "only one of drained, absent"),
    ],
)
def test_what_cannot_be_waited_for_is_refused(given: dict[str, Any], said: str, evaluate: Evaluate) -> None:
    assert said in evaluate(lambda _: WaitFor(**given) and None).failure.message


def test_an_address_is_waited_for_until_it_answers_well(evaluate: Evaluate) -> None:
    with serving() as web:
        main = lambda **said: evaluate(lambda _: WaitFor(url=f"{web.url}/up", interval=0.05, **said) and None)  # noqa: E731
        web.pages["/up"] = Page(status=503)
        failure = main(timeout=2).failure
        assert "/up: not so after 2 s: " in failure.message
        assert "status 503" in failure.message
        assert main(timeout=20, absent=True).last.status == "ok"
        starting = threading.Timer(0.3, lambda: web.pages.update({"/up": Page(b"version 2\n")}))
        starting.start()
        assert main(timeout=20).last.status == "ok"
        starting.join()
        assert main(timeout=2, regexp="^version 2$").last.status == "ok"
        assert "to match '^version 3$': not so" in main(timeout=2, regexp="^version 3$").failure.message
    assert "cannot be reached" in main(timeout=2).failure.message


def test_in_check_an_address_that_does_not_answer_yet_is_assumed_to_do_so(evaluate: Evaluate) -> None:
    done = evaluate(lambda _: WaitFor(url="http://127.0.0.1:1/") and None, "check")
    assert (done.last.status, done.last.assumed) == ("ok", True)
