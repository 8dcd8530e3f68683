"""What ends when: cancelled, killed, stopped and cut off roles, agents and controllers."""

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.ssh.hearing import Heard, nothing_served, order_for, roles_of

from opsmop.demo.sshd import PrivateSshd
from opsmop.errors import HostLostError, RoleTimeoutError
from opsmop.events import ResourceFailed
from opsmop.transport.base import Route
from opsmop.transport.direct import Direct
from opsmop.wire.order import BOOT, Order

pytestmark = pytest.mark.usefixtures("roles")
LIMIT = 30.0


@pytest.fixture(params=["ssh", "via", "local"])
def way(request: pytest.FixtureRequest, route: Route, behind: Route, here: Route) -> Route:
    return {"ssh": route, "via": behind, "local": here}[request.param]


class Running:
    """A role that runs in a thread; `pid` and `agent` are its processes."""

    def __init__(self, evaluate: Callable[..., Any], route: Route, role: Any, mark: Path) -> None:
        self.error: BaseException | None = None
        self.heard: Any = None
        self._thread = threading.Thread(target=self._run, args=(evaluate, route, role))
        self._thread.start()
        self.numbers = [int(word) for word in awaited(mark).split()]

    def _run(self, evaluate: Callable[..., Any], route: Route, role: Any) -> None:
        self.heard = Heard()
        try:
            evaluate(route, role, heard=self.heard)
        except Exception as error:  # noqa: BLE001 - the test that joins looks at it
            self.error = error

    @property
    def pid(self) -> int:
        return self.numbers[0]

    @property
    def agent(self) -> int:
        return self.numbers[1]

    def end(self) -> None:
        self._thread.join(LIMIT)
        assert not self._thread.is_alive()


def awaited(mark: Path) -> str:
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        if mark.exists() and mark.read_text():
            return mark.read_text()
        time.sleep(0.01)
    raise AssertionError(f"{mark} did not appear")


def gone(*pids: int) -> bool:
    """Whether these processes end within the limit."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        if not any(lives(pid) for pid in pids):
            return True
        time.sleep(0.02)
    return False


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def group(pgid: int) -> list[int]:
    """The processes of a process group."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[2]) == pgid and fields[0] != "Z":
            found.append(int(folder.name))
    return found


def emptied(pgid: int) -> bool:
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline and group(pgid):
        time.sleep(0.02)
    return not group(pgid)


@pytest.fixture
def sleeper(evaluate: Any, roles: Any, tmp_path: Path) -> Callable[[Route], Running]:
    return lambda route: Running(evaluate, route, roles.Sleeper(marks=str(tmp_path)), tmp_path / "sleeping")


@pytest.fixture
def commander(evaluate: Any, roles: Any, tmp_path: Path) -> Callable[[Route], Running]:
    """A role in whose command's process group (its number is `pid`) two processes sleep."""
    return lambda route: Running(evaluate, route, roles.Commander(marks=str(tmp_path)), tmp_path / "command")


def test_a_cancelled_role_says_so_and_its_process_is_gone(way: Route, sleeper: Any, direct: Direct) -> None:
    running = sleeper(way)
    direct.cancel()
    running.end()
    assert running.error is None
    assert running.heard.ending.status == "cancelled"
    assert gone(running.pid)


def test_a_cancelled_role_takes_its_commands_with_it(way: Route, commander: Any, direct: Direct) -> None:
    running = commander(way)
    direct.cancel()
    running.end()
    assert running.heard.ending.status == "cancelled"
    assert emptied(running.pid)


def test_a_role_that_takes_too_long_is_ended_with_its_commands(way: Route, commander: Any) -> None:
    running = commander(replace(way, role_timeout=3))
    running.end()
    assert isinstance(running.error, RoleTimeoutError)
    assert "took more than 3 seconds on web1" in str(running.error)
    assert emptied(running.pid)
    (failed,) = [event for event in running.heard.events if isinstance(event, ResourceFailed)]
    assert failed.failure.error == "RoleTimeoutError"
    assert failed.failure.message == "the role took more than 3 seconds on web1 and was ended"
    assert "--role-timeout gives it more time" in failed.failure.remedy


def test_nothing_starts_after_a_cancel(way: Route, evaluate: Any, roles: Any, direct: Direct) -> None:
    direct.cancel()
    with pytest.raises(HostLostError, match="stopped"):
        evaluate(way, roles.Pid())


def test_close_ends_what_runs_at_once(way: Route, commander: Any, direct: Direct) -> None:
    running = commander(way)
    direct.close()
    running.end()
    assert isinstance(running.error, HostLostError) or running.heard.ending.status == "cancelled"
    assert emptied(running.pid)


def test_a_role_that_will_not_end_is_killed(
    route: Route, evaluate: Any, roles: Any, direct: Direct, tmp_path: Path
) -> None:
    running = Running(evaluate, route, roles.Stubborn(marks=str(tmp_path)), tmp_path / "sleeping")
    direct.cancel()
    running.end()
    assert isinstance(running.error, HostLostError)
    assert "SIGKILL" in str(running.error)
    assert gone(running.pid)


def test_a_killed_role_is_a_lost_host_that_names_the_signal(
    way: Route, sleeper: Any, evaluate: Any, roles: Any
) -> None:
    running = sleeper(way)
    os.kill(running.pid, signal.SIGKILL)
    running.end()
    assert isinstance(running.error, HostLostError)
    assert "SIGKILL" in str(running.error)
    assert json.loads(evaluate(way, roles.Pid()).ending.value)["cwd"] == "/"


def test_the_command_of_a_killed_role_is_killed_too(way: Route, commander: Any) -> None:
    running = commander(way)
    os.kill(parent_of(running.pid), signal.SIGKILL)
    running.end()
    assert isinstance(running.error, HostLostError)
    assert emptied(running.pid)


@pytest.mark.parametrize("stopped", [False, True])
def test_a_command_that_must_not_be_interrupted_is_killed_with_its_group_once_its_grace_has_passed(
    route: Route, evaluate: Any, direct: Direct, tmp_path: Path, stopped: bool
) -> None:
    role = roles_of("indivisible").Transacting(marks=str(tmp_path), grace=3.0)
    running = Running(evaluate, route, role, tmp_path / "command")
    if stopped:  # so that it is its agent that has to end the command
        os.kill(parent_of(running.pid), signal.SIGSTOP)
    direct.cancel()
    running.end()
    assert (tmp_path / "went_on").exists()
    assert emptied(running.pid)
    assert isinstance(running.error, HostLostError) if stopped else running.heard.ending.status == "cancelled"


def test_what_asks_a_host_whether_it_is_ready_is_killed_with_who_asks(
    route: Route, direct: Direct, tmp_path: Path
) -> None:
    asking = f"echo $$ > {tmp_path}/part; mv {tmp_path}/part {tmp_path}/command; exec sleep 300"
    options = {"ready": asking, "rebooting": "an earlier boot", "seconds": 300.0}
    order = Order(run="run1", host="web1", role="R", mode=BOOT, options=options)

    def ask(route: Route, _: None, *, heard: Heard) -> None:
        direct.evaluate(route, order, None, heard.events.append, nothing_served)

    running = Running(ask, route, None, tmp_path / "command")
    os.kill(parent_of(running.pid), signal.SIGKILL)
    running.end()
    assert isinstance(running.error, HostLostError)
    assert emptied(running.pid)


def test_a_killed_agent_is_a_lost_host_and_leaves_nothing_running(way: Route, sleeper: Any) -> None:
    running = sleeper(way)
    os.kill(running.agent, signal.SIGKILL)
    running.end()
    assert isinstance(running.error, HostLostError)
    assert "did memory run out there (dmesg), or did someone end our process?" in running.error.remedy
    assert gone(running.pid)


def test_a_stopped_agent_is_lost_within_the_silence_limit(way: Route, sleeper: Any) -> None:
    running = sleeper(replace(way, silence_timeout=1.5))
    started = time.monotonic()
    os.kill(running.agent, signal.SIGSTOP)
    try:
        deadline = time.monotonic() + LIMIT
        while running.error is None and time.monotonic() < deadline:
            time.sleep(0.02)
            if time.monotonic() - started > 4:  # a local agent is buried only when it can be
                break
    finally:
        os.kill(running.agent, signal.SIGCONT)
    running.end()
    assert "has said nothing for 1.5 seconds" in str(running.error)
    assert gone(running.pid, running.agent)


def test_being_spoken_to_is_no_sign_of_life(route: Route, roles: Any, tmp_path: Path) -> None:
    transport = Direct(lease=1.2)  # a word every 0.2 seconds, which a stopped agent's pipe takes

    def evaluate(route: Route, role: Any, heard: Heard) -> None:
        transport.evaluate(route, order_for(role), None, heard.events.append, nothing_served)

    running = Running(
        evaluate, replace(route, silence_timeout=1.0), roles.Sleeper(marks=str(tmp_path)), tmp_path / "sleeping"
    )
    for number in (running.agent, running.pid):
        os.kill(number, signal.SIGSTOP)
    try:
        running.end()
    finally:
        for number in (running.agent, running.pid):
            os.kill(number, signal.SIGCONT)
    transport.close()
    assert "has said nothing for 1 seconds" in str(running.error)


def test_a_long_command_with_an_agent_that_beats_is_not_lost(way: Route, roles: Any, tmp_path: Path) -> None:
    transport, heard = Direct(beat=0.2), Heard()
    role = roles.Sleeper(marks=str(tmp_path), seconds=2.5)
    transport.evaluate(replace(way, silence_timeout=1.0), order_for(role), None, heard.events.append, nothing_served)
    transport.close()
    assert heard.ending.status == "ok"


def test_a_role_whose_controller_falls_silent_ends_with_its_lease(
    way: Route, roles: Any, sshd: PrivateSshd, tmp_path: Path
) -> None:
    with controller(way, "Commander", tmp_path, lease=1.5) as process:
        number = int(awaited(tmp_path / "command"))
        process.send_signal(signal.SIGSTOP)
        assert emptied(number)


@pytest.mark.parametrize("way_out", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_controller_leaves_nothing_running_on_its_hosts(
    way_out: int, way: Route, roles: Any, tmp_path: Path
) -> None:
    with controller(way, "Commander", tmp_path) as process:
        number = int(awaited(tmp_path / "command"))
        role = int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1])
        agent = int(Path(f"/proc/{role}/stat").read_text().rpartition(")")[2].split()[1])
        process.send_signal(way_out)
        process.wait(LIMIT)
    assert emptied(number)
    assert gone(role, agent)


def test_a_cut_link_ends_the_role_on_the_host(route: Route, commander: Any, sshd: PrivateSshd) -> None:
    running = commander(route)
    role = int(Path(f"/proc/{running.pid}/stat").read_text().rpartition(")")[2].split()[1])
    agent = int(Path(f"/proc/{role}/stat").read_text().rpartition(")")[2].split()[1])
    session = int(Path(f"/proc/{agent}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(session, signal.SIGKILL)  # the sshd of this one connection
    running.end()
    assert isinstance(running.error, HostLostError)
    assert "did memory run out there (dmesg), or did someone end our process?" in running.error.remedy
    assert emptied(running.pid)
    assert gone(role, agent)


def test_closing_leaves_no_agent_and_no_ssh(route: Route, here: Route, roles: Any) -> None:
    before = children()
    transport = Direct()
    agents = []
    for way in (route, here):
        heard = Heard()
        transport.evaluate(way, order_for(roles.Pid()), None, heard.events.append, nothing_served)
        agents.append(json.loads(heard.ending.value)["agent"])
    transport.close()
    assert gone(*agents)
    assert children() == before


def test_a_terminals_interrupt_does_not_reach_the_links(route: Route, here: Route, evaluate: Any, roles: Any) -> None:
    before = children()
    for way in (route, here):
        evaluate(way, roles.Pid())
    links = children() - before
    assert len(links) == 2
    assert all(os.getsid(int(link)) == int(link) for link in links)


def test_an_idle_connection_that_died_is_replaced(way: Route, evaluate: Any, roles: Any) -> None:
    first = json.loads(evaluate(way, roles.Pid()).ending.value)
    os.kill(first["agent"], signal.SIGKILL)
    assert gone(first["agent"])
    time.sleep(0.3)  # ssh has to hear of it
    assert json.loads(evaluate(way, roles.Pid()).ending.value)["agent"] != first["agent"]


def test_many_hosts_are_worked_with_at_once(way: Route, direct: Direct, roles: Any) -> None:
    heard = [Heard() for _ in range(20)]
    threads = [
        threading.Thread(
            target=direct.evaluate,
            args=(
                replace(way, host=f"web{number}"),
                order_for(roles.Pid(), f"web{number}"),
                None,
                one.events.append,
                nothing_served,
            ),
        )
        for number, one in enumerate(heard)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.ending.host for one in heard] == [f"web{number}" for number in range(20)]


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


CONTROLLER = """
import pickle, sys
sys.path[:0] = {path!r}
from tests.ssh.hearing import nothing_served, order_for, speaking
from opsmop.transport.direct import Direct
route, name, marks, lease = pickle.loads({spoken!r})
Direct(lease=lease, beat=0.2).evaluate(
    route, order_for(getattr(speaking(), name)(marks=marks)), None, lambda event: None, nothing_served
)
"""


@contextmanager
def controller(route: Route, role: str, marks: Path, lease: float = 60.0) -> Iterator[Any]:
    """Another process that is the controller of one role; it is gone afterwards."""
    root = Path(__file__).parents[2]
    spoken = pickle.dumps((route, role, str(marks), lease))
    text = CONTROLLER.format(path=[str(root), str(root / "src")], spoken=spoken)
    with subprocess.Popen([sys.executable, "-c", text], stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()
