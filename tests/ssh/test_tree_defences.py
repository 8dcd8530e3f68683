"""A host on the way that cheats: each defence of the trees, by what it keeps from happening."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
import time
import types
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.ssh.hearing import Heard, nothing_served, order_for

from opsmop.errors import OpsMopError, ViaError
from opsmop.transport.base import Route
from opsmop.transport.direct import Direct
from opsmop.transport.mitogen import reaching, speech
from opsmop.transport.mitogen.channel import Channel
from opsmop.transport.mitogen.router import MOST_STRANGE
from opsmop.transport.mitogen.station import Station
from opsmop.transport.mitogen.trees import Hop, _login_wanted

RELAY = Path(__file__).parent / "hostile_relay.py"
LIMIT = 30.0


class Cheat:
    """A host on the way that is hostile, and what it heard."""

    def __init__(self, folder: Path, route: Route, name: str) -> None:
        self.told = folder / "told"
        python = folder / "python"
        python.write_text(f"#!/bin/sh\nexec {sys.executable} {RELAY} '{name}' {self.told} \"$@\"\n")
        python.chmod(0o755)
        self.route = replace(route, host="bastion", python=str(python), connect_timeout=10)

    def heard(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.told.read_text().splitlines()] if self.told.exists() else []

    def await_heard(self, enough: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        deadline = time.monotonic() + LIMIT
        while not enough(self.heard()):
            assert time.monotonic() < deadline, self.heard()
            time.sleep(0.02)
        return self.heard()


@pytest.fixture
def cheats(route: Route, tmp_path: Path) -> Callable[..., Cheat]:
    return lambda name, **details: Cheat(tmp_path, replace(route, **details), name)


@pytest.fixture
def opened(direct: Direct) -> Iterator[Callable[[Route], Station]]:
    """The station of a host on the way."""
    yield lambda route: direct._grown()._station(Hop(route), "web1")
    direct.close()


def serves(heard: list[dict[str, Any]], module: str) -> bool:
    return any(each["handle"] == 107 and module in each["text"] for each in heard)


def failure(direct: Direct, way: Route, roles: Any) -> OpsMopError:
    with pytest.raises(OpsMopError) as caught:
        direct.evaluate(way, order_for(roles.Pid()), None, lambda event: None, nothing_served)
    return caught.value


def test_only_mitogens_own_modules_are_served(cheats: Any, opened: Any) -> None:
    cheat = cheats("asks for modules")
    opened(cheat.route)
    heard = cheat.await_heard(lambda heard: serves(heard, "mitogen.ssh"))
    answers = [each["text"] for each in heard if each["handle"] == 107]
    for name in ("opsmop.cli", "__main__", "os"):
        (answer,) = [text for text in answers if name in text and "mitogen" not in text]
        assert len(answer) < 60, name  # it names the module, and says that there is none


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # mitogen's own way to a file has them
def test_no_file_of_a_package_is_given_away(cheats: Any, opened: Any) -> None:
    cheat = cheats("asks for resources")
    opened(cheat.route)
    heard = cheat.await_heard(lambda heard: serves(heard, "mitogen.ssh"))
    assert not [each for each in heard if each["handle"] == 113]


def test_what_a_host_logs_is_logged_nowhere_here(cheats: Any, opened: Any, caplog: pytest.LogCaptureFixture) -> None:
    cheat = cheats("logs")
    with caplog.at_level(logging.DEBUG):
        opened(cheat.route)
        cheat.await_heard(lambda heard: serves(heard, "mitogen.ssh"))
    assert "the log of a host" not in caplog.text


def test_a_message_that_would_be_too_large_ends_the_connection_before_it_is_waited_for(
    cheats: Any, route: Route, direct: Direct, roles: Any
) -> None:
    error = failure(direct, replace(route, via=cheats("sends too large a message").route), roles)
    assert "the connection to it ended" in str(error)


def test_what_a_call_answers_is_never_unpickled(cheats: Any, route: Route, direct: Direct, roles: Any) -> None:
    cheat = cheats("answers with a bomb")
    error = failure(direct, replace(route, via=cheat.route), roles)
    assert isinstance(error, ViaError)
    assert "its Python cannot run the relay" in str(error)
    assert not cheat.told.with_name("told.owned").exists()


def test_a_relay_may_name_no_connection_but_its_own(
    cheats: Any, route: Route, direct: Direct, roles: Any, tmp_path: Path
) -> None:
    for name in ("answers with this machine", "answers with the number of another", "answers with no number"):
        folder = tmp_path / name.replace(" ", "-")
        folder.mkdir()
        cheat = Cheat(folder, route, name)
        top = replace(route, host="top", via=cheat.route)
        error = failure(direct, replace(route, via=top), roles)
        assert "names a connection that is not its own" in str(error)


@pytest.mark.parametrize("name", ["is no relay", "says nothing that is a frame"])
def test_what_no_relay_says_ends_the_connection(
    name: str, cheats: Any, route: Route, direct: Direct, roles: Any
) -> None:
    assert "does not keep to the protocol" in str(failure(direct, replace(route, via=cheats(name).route), roles))


def test_a_swarm_of_routes_ends_the_connection_and_fills_no_memory(cheats: Any, opened: Any) -> None:
    station = opened(cheats("names strange routes without end").route)
    deadline = time.monotonic() + LIMIT
    while station.lost is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert "the connection to it ended" in str(station.lost)
    assert station.router._strange <= MOST_STRANGE + 5050  # those that were read with the last one


def test_a_station_that_is_lost_before_it_is_kept_is_opened_anew(route: Route, opened: Any, direct: Direct) -> None:
    bastion = replace(route, host="bastion")
    lost = opened(bastion)
    lost._on_lost = lambda _: None  # as if nobody had kept it yet, who could drop it
    lost._break_off("for the test")
    again = opened(bastion)
    assert again is not lost
    assert again.lost is None


def test_a_relay_that_says_nothing_is_given_up_in_time(cheats: Any, route: Route, direct: Direct, roles: Any) -> None:
    mute = replace(cheats("says nothing").route, connect_timeout=1.5)
    assert "its relay does not start" in str(failure(direct, replace(route, via=mute), roles))


def test_a_host_may_speak_for_no_other_one_of_its_tree(
    cheats: Any, route: Route, direct: Direct, roles: Any, opened: Any
) -> None:
    bastion = replace(route, host="bastion")
    good = replace(route, host="good", via=bastion)
    others = [opened(bastion), opened(good)]
    cheat = cheats("speaks for others")
    opened(replace(cheat.route, host="evil", via=bastion))
    cheat.await_heard(lambda heard: len(heard) > 2)
    heard = Heard()
    direct.evaluate(replace(route, via=good), order_for(roles.Pid()), None, heard.events.append, nothing_served)
    assert heard.ending.status == "ok"
    assert [station.lost for station in others] == [None, None]


def test_hosts_of_a_tree_never_meet_each_other(cheats: Any, route: Route, opened: Any) -> None:
    bastion = replace(route, host="bastion")
    good = opened(replace(route, host="good", via=bastion)).context.context_id
    cheat = cheats("meets its neighbours")
    opened(replace(cheat.route, host="evil", via=bastion))
    heard = cheat.await_heard(lambda heard: any(each.get("handle") == good + 70_000 for each in heard))
    (answer,) = [each for each in heard if each.get("handle") == good + 70_000]
    assert "routing mode prevents forward" in answer["text"]


def test_each_tree_has_a_router_of_its_own_on_one_thread_for_all(route: Route, opened: Any) -> None:
    one, other = opened(replace(route, host="one")), opened(replace(route, host="other"))
    assert one.router is not other.router
    assert one.router.broker is other.router.broker
    assert one.context.context_id == other.context.context_id  # the same number: the stream tells them apart
    assert one.router.unidirectional  # and would carry nothing from one to another, had it two


def test_what_hosts_on_the_way_are_sent_and_send_is_not_compressed(route: Route, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host *\n Compression yes\n")
    words = _login_wanted(replace(route, ssh_args=("-F", str(config))))["arguments"]
    said = subprocess.run([words[0], "-G", *words[1:]], capture_output=True, text=True, check=True).stdout
    assert "compression no\n" in said


def test_a_relay_that_says_more_than_was_taken_breaks_its_word() -> None:
    station = types.SimpleNamespace(say=lambda *_: None)
    channel = Channel(station, 1)  # type: ignore[arg-type]
    piece = b"x" * speech.PIECE
    kept = [channel.take(speech.OUTPUT, piece) for _ in range(10)]
    assert kept[:4] == [True] * 4
    assert kept[-1] is False
    errors = Channel(station, 2)  # type: ignore[arg-type]
    assert [errors.take(speech.ERRORS, piece) for _ in range(10)][-1] is False
    assert len(errors.complaint) < 1 << 15


def test_endless_noise_of_a_login_and_a_line_without_an_end_fill_no_memory(
    route: Route, direct: Direct, roles: Any, tmp_path: Path
) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nexec {shutil.which('yes')}\n")
    python.chmod(0o755)
    error = failure(direct, replace(route, via=replace(route, host="bastion", python=str(python))), roles)
    assert "without an answer of Python" in str(error)
    dialogue = reaching._dialogue(None)()
    dialogue.stream = types.SimpleNamespace(name="x", protocol=dialogue, conn=None)
    for _ in range(100):
        dialogue.on_receive(None, b"x" * 10_000)
    assert len(dialogue._trailer) <= reaching.LONGEST_LINE


def test_a_relay_runs_on_the_oldest_python_that_mitogen_boots() -> None:
    import ast

    for name in ("speech", "reaching", "child", "relay"):
        source = Path(reaching.__file__).with_name(f"{name}.py").read_text()
        ast.parse(source, feature_version=(3, 7))
