"""Files on their way to hosts: what is sent, how much of it at a time, and what becomes of it when somebody goes away."""

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from opsmop.errors import HostLostError, ProtocolError
from opsmop.transport.base import Route
from opsmop.transport.direct import Direct
from opsmop.transport.files import Depot, FileRules, Served
from opsmop.transport.files.opened import OpenFile

# isort: split
from tests.ssh.hearing import Heard, order_for, roles_of, serving

Evaluate = Callable[..., Heard]
LARGE = 6_000_001
MIB = 1 << 20


@pytest.fixture(scope="session")
def roles() -> ModuleType:
    return roles_of("asking")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The controller's files, one of them large."""
    folder = tmp_path / "policy"
    folder.mkdir()
    (folder / "large").write_bytes(os.urandom(LARGE))
    (folder / "small").write_text("small")
    return folder


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """Where the host puts them."""
    folder = tmp_path / "there"
    folder.mkdir()
    return folder


@pytest.fixture(params=["ssh", "here"])
def way(request: pytest.FixtureRequest, route: Route, here: Route) -> Route:
    return route if request.param == "ssh" else here


def value(heard: Heard) -> Any:
    assert heard.ending.status == "ok", heard.ending
    return json.loads(heard.ending.value)


def test_a_file_that_is_there_already_is_not_sent(
    way: Route, evaluate: Evaluate, roles: Any, files: Path, there: Path
) -> None:
    copier, depot = roles.Copier(names=["large", "small"], folder=str(there)), Depot()
    first = evaluate(way, copier, serve=serving(files, depot=depot))
    assert (there / "large").read_bytes() == (files / "large").read_bytes()
    assert first.traffic.sent > LARGE
    assert first.traffic.requests == 3  # the large one is offered, then wanted; the small one comes with its offer
    again = evaluate(way, copier, serve=serving(files, depot=depot))
    assert (again.traffic.requests, depot.computed) == (2, 2)
    assert again.traffic.sent < 20_000


def test_a_change_of_one_byte_is_sent(way: Route, evaluate: Evaluate, roles: Any, files: Path, there: Path) -> None:
    copier, depot = roles.Copier(names=["large"], folder=str(there)), Depot()
    evaluate(way, copier, serve=serving(files, depot=depot))
    times = (files / "large").stat()
    with (files / "large").open("r+b") as file:
        file.write(b"?")
    os.utime(files / "large", ns=(times.st_atime_ns, times.st_mtime_ns))  # as somebody who hides it would
    evaluate(way, copier, serve=serving(files, depot=depot))
    assert (there / "large").read_bytes() == (files / "large").read_bytes()


def test_check_compares_a_large_file_and_sends_none_of_it(
    way: Route, direct: Direct, roles: Any, files: Path, there: Path
) -> None:
    order = order_for(roles.Copier(names=["large"], folder=str(there)), mode="check", options={"diff": True})
    heard = Heard()
    heard.traffic = direct.evaluate(way, order, None, heard.events.append, serving(files))
    assert [change.name for event in heard.events for change in getattr(event, "changes", ())] == ["create"]
    assert heard.traffic.requests == 1
    assert heard.traffic.sent < LARGE / 2
    assert list(there.iterdir()) == []


def test_a_small_text_has_its_difference_in_check(
    way: Route, direct: Direct, roles: Any, files: Path, there: Path
) -> None:
    (there / "small").write_text("old")
    order = order_for(roles.Copier(names=["small"], folder=str(there)), mode="check", options={"diff": True})
    heard = Heard()
    direct.evaluate(way, order, None, heard.events.append, serving(files))
    (difference,) = [change.diff for event in heard.events for change in getattr(event, "changes", ())]
    assert "-old" in difference
    assert "+small" in difference


def test_hosts_for_which_the_budget_has_nothing_left_are_served_all_the_same(
    way: Route, evaluate: Evaluate, roles: Any, files: Path, there: Path
) -> None:
    depot = Depot(memory=0)
    evaluate(way, roles.Copier(names=["large"], folder=str(there)), serve=serving(files, depot=depot))
    assert (there / "large").read_bytes() == (files / "large").read_bytes()


def test_a_role_that_lets_a_file_be_can_ask_for_others(way: Route, evaluate: Evaluate, roles: Any, files: Path) -> None:
    depot = Depot()
    before = depot.budget.left
    assert value(evaluate(way, roles.Undecided(), serve=serving(files, depot=depot)))[1::2] == ["small"] * 3
    assert depot.budget.left == before


def test_a_directory_comes_in_one_stream_and_check_sends_none_of_it(
    way: Route, direct: Direct, roles: Any, files: Path, there: Path
) -> None:
    for number in range(300):
        (files / "tree" / str(number % 7)).mkdir(parents=True, exist_ok=True)
        (files / "tree" / str(number % 7) / str(number)).write_bytes(os.urandom(number * 40))
    (files / "tree" / "large").write_bytes(os.urandom(LARGE))
    depot, requests, sent = Depot(), [], []
    for mode in ("check", "apply", "apply", "check"):
        order, heard = order_for(roles.Planter(folder=str(there)), mode=mode), Heard()
        traffic = direct.evaluate(way, order, None, heard.events.append, serving(files, depot=depot))
        assert heard.ending.status == "ok", heard.ending
        requests.append(traffic.requests)
        sent.append(traffic.sent)
    assert requests == [1, 2, 1, 1]
    assert sent[1] > LARGE
    assert max(sent[2:]) < 60_000
    assert depot.computed == 301
    copied = [path for path in (there / "copy").rglob("*") if path.is_file()]
    assert len(copied) == 301
    for path in copied:
        assert path.read_bytes() == (files / "tree" / path.relative_to(there / "copy")).read_bytes()


# Who goes away


class Deadly(Served):
    """Files in the middle of which the host dies.

    :ivar agent: the process to kill
    """

    agent = 0

    def open(self, name: str) -> OpenFile:
        file, kill = super().open(name), self.kill

        class Opened(OpenFile):
            def read(self, offset: int, length: int) -> bytes:
                if offset > LARGE // 2:
                    kill()
                return super().read(offset, length)

        opened = Opened(name, os.dup(file._descriptor))
        file.close()
        return opened

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):  # more may be read before its end is heard of
            os.kill(self.agent, signal.SIGKILL)


def test_a_host_that_dies_in_the_middle_leaves_no_partial_file_and_no_open_transfer(
    way: Route, direct: Direct, roles: Any, files: Path, there: Path
) -> None:
    (there / "large").write_text("old")
    depot = known(files)
    before = depot.budget.left
    deadly = Deadly(FileRules((files,)), depot, lambda text: None)

    class Told(roles.Copier):  # type: ignore[misc] # a role of a policy that is loaded here
        def main(self) -> Any:
            print(os.getppid())
            return super().main()

    def hear(event: Any) -> None:
        if hasattr(event, "text"):
            deadly.agent = int(event.text)

    with pytest.raises(HostLostError):
        direct.evaluate(way, order_for(Told(names=["large"], folder=str(there))), None, hear, deadly)
    assert (there / "large").read_text() == "old"
    assert depot.budget.left == before
    assert [end for end in Path("/proc/self/fd").iterdir() if os.path.realpath(end).startswith(str(files))] == []


def known(files: Path) -> Depot:
    """A depot that has the digest of the large file already, so that only its delivery reads it."""
    depot = Depot()
    with FileRules((files,)).open("large") as file:
        depot.digest_now(file)
    return depot


def test_a_file_that_changes_while_it_is_sent_replaces_nothing(
    way: Route, direct: Direct, roles: Any, files: Path, there: Path
) -> None:
    (there / "large").write_text("old")

    class Cut(Deadly):
        def kill(self) -> None:
            os.truncate(files / "large", 100)

    cut, heard = Cut(FileRules((files,)), known(files), lambda text: None), Heard()
    order = order_for(roles.Copier(names=["large"], folder=str(there)))
    direct.evaluate(way, order, None, heard.events.append, cut)
    assert heard.ending.failure is not None
    assert "changed on the control machine" in heard.ending.failure.message
    assert [path.name for path in there.iterdir()] == ["large"]
    assert (there / "large").read_text() == "old"


# Who cheats


def test_what_a_host_may_not_have_is_refused_and_told(way: Route, evaluate: Evaluate, roles: Any, files: Path) -> None:
    (files.parent / "secret").write_text("secret")
    (files / "link").symlink_to(files.parent / "secret")
    (files / "site.py").write_text("secret")
    names = ["../secret", "/etc/shadow", str(files.parent / "secret"), "link", "site.py", "missing", "small"]
    told: list[str] = []
    *refused, small = value(evaluate(way, roles.Asker(names=names), serve=serving(files, told)))
    assert small == "small"
    assert all(text.startswith("refused: ") for text in refused)
    assert [text.partition("'")[2].partition("'")[0] for text in told] == names[:5]
    assert sum("outside of what this role serves" in text for text in told) == 4
    assert "deny pattern '*.py'" in told[4]


def test_a_host_that_asks_on_and_on_for_what_it_may_not_have_is_told_of_in_few_words(
    here: Route, evaluate: Evaluate, roles: Any, files: Path
) -> None:
    told: list[str] = []
    evaluate(here, roles.Asker(names=["/etc/shadow"] * 200), serve=serving(files, told))
    assert len(told) == 21
    assert "not told one by one" in told[-1]


def test_what_another_role_may_have_is_refused_on_the_same_connection(
    way: Route, evaluate: Evaluate, roles: Any, files: Path
) -> None:
    told: list[str] = []
    asker = roles.Asker(names=["small"])
    assert value(evaluate(way, asker, serve=serving(files, told, allow=("small",)))) == ["small"]
    (refused,) = value(evaluate(way, asker, serve=serving(files, told, allow=("other",))))
    assert refused.startswith("refused: 'small' matches none of the allow patterns")
    assert len(told) == 1


def test_what_was_never_offered_is_not_delivered(way: Route, evaluate: Evaluate, roles: Any, files: Path) -> None:
    lie = hashlib.sha256(b"something else").hexdigest()
    assert "changed on the control machine" in value(evaluate(way, roles.Liar(digest=lie), serve=serving(files)))
    told: list[str] = []
    forbidden = value(evaluate(way, roles.Liar(digest=lie), serve=serving(files, told, deny=("large",))))
    assert "deny pattern 'large'" in forbidden
    assert len(told) == 1


# How much memory


def test_a_large_file_to_four_hosts_is_held_by_nobody(route: Route, tmp_path: Path) -> None:
    size, folder = 128 * MIB, tmp_path / "policy"
    folder.mkdir()
    with (folder / "large").open("wb") as file:
        for number in range(0, size, MIB):
            file.write(number.to_bytes(8, "big") * (MIB // 8))
    program = tmp_path / "controller.py"
    program.write_text(textwrap.dedent(CONTROLLER))
    given = json.dumps({"folder": str(tmp_path), "route": vars(route)})
    done = subprocess.run(
        [sys.executable, str(program), given],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["computed"] == 1
    assert told["grown"] < 40, "the controller's memory, in MiB"
    assert all(max(host) < 60 for host in told["hosts"]), "the memory of each role and each agent, in MiB"
    digests = {hashlib.sha256((tmp_path / f"web{number}/large").read_bytes()).hexdigest() for number in range(4)}
    assert digests == {hashlib.sha256((folder / "large").read_bytes()).hexdigest()}


CONTROLLER = """
    import json, os, sys, threading
    from pathlib import Path
    sys.path.insert(0, ".")
    from tests.ssh.hearing import *
    from opsmop.transport.base import Route
    from opsmop.transport.direct import Direct

    def evaluate(number):
        host, heard = f"web{number}", Heard()
        (folder / host).mkdir()
        route = Route(**{**given["route"], "host": host, "ssh_args": tuple(given["route"]["ssh_args"])})
        order = order_for(roles.Copier(names=["large"], folder=str(folder / host)), host)
        direct.evaluate(route, order, None, heard.events.append, serving(folder / "policy", depot=depot))
        hosts.append(json.loads(heard.ending.value))

    if __name__ == "__main__":
        given, roles, direct, depot, hosts = json.loads(sys.argv[1]), roles_of("asking"), Direct(), Depot(8 << 20), []
        folder = Path(given["folder"])
        direct._code()
        before = roles.most_memory(os.getpid())
        threads = [threading.Thread(target=evaluate, args=(number,)) for number in range(4)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        direct.close()
        grown = roles.most_memory(os.getpid()) - before
        print(json.dumps({"grown": grown, "hosts": hosts, "computed": depot.computed}))
"""


# What hosts leave here

FETCHED = (("fetched", ("/var/log/*.log",)),)
HELLO = hashlib.sha256(b"hello").hexdigest()


def leave(roles: Any, **given: Any) -> Any:
    plain = {"size": 5, "digest": HELLO, "to": "fetched", "path": "/var/log/a.log", "pieces": ["hel", "lo"]}
    return roles.Leaver(**{**plain, **given})


def test_a_host_leaves_a_file_where_the_policy_said(way: Route, evaluate: Evaluate, roles: Any, files: Path) -> None:
    assert value(evaluate(way, leave(roles), serve=serving(files, fetched=FETCHED))) == "kept"
    assert [path.read_text() for path in files.rglob("*.log")] == ["hello"]
    assert (files / "fetched/web1/var/log/a.log").exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"path": "/var/log/../../../site.log"}, "may not be fetched"),
        ({"path": "/var/log/../a.log"}, "may not be fetched"),
        ({"path": "../a.log"}, "may not be fetched"),
        ({"path": "/var/log/sub/a.log"}, "may not be fetched"),
        ({"path": "/var/log/a\nb.log"}, "may not be fetched"),
        ({"path": "/var/log/" + "a" * 3000 + ".log"}, "may not be fetched"),
        ({"path": "/etc/shadow"}, "may not be fetched"),
        ({"to": ".."}, "may not be fetched"),
        ({"to": ""}, "may not be fetched"),
        ({"to": "/etc"}, "may not be fetched"),
        ({"size": 1 << 62}, "more are taken of this host"),
        ({"digest": "0" * 64}, "changed on the host"),
        ({"path": "/var/log/" + "a" * 300 + ".log"}, "cannot be put on the control machine"),
    ],
)
def test_a_host_that_leaves_something_else_or_elsewhere_is_refused(
    given: dict[str, Any], said: str, here: Route, evaluate: Evaluate, roles: Any, files: Path
) -> None:
    told: list[str] = []
    assert said in value(evaluate(here, leave(roles, **given), serve=serving(files, told, fetched=FETCHED)))
    assert bool(told) == ("may not" in said)
    assert {path.name for path in files.parent.rglob("*") if path.is_file()} == {"large", "small"}


@pytest.mark.parametrize("pieces", [["hello", "!"], ["hello world"]])
def test_a_host_that_sends_more_than_it_announced_does_not_keep_to_the_protocol(
    pieces: list[str], here: Route, evaluate: Evaluate, roles: Any, files: Path
) -> None:
    with pytest.raises(ProtocolError, match="more of a file than it was let"):
        evaluate(here, leave(roles, pieces=pieces), serve=serving(files, fetched=FETCHED))
    assert {path.read_text() for path in files.rglob("*.log")} <= {"hello"}


def test_a_host_that_goes_away_leaves_no_partial_file(
    way: Route, direct: Direct, roles: Any, files: Path, there: Path
) -> None:
    served, order = serving(files, fetched=FETCHED), order_for(leave(roles, pieces=["hel"], dies=True))
    with pytest.raises(HostLostError):
        direct.evaluate(way, order, None, lambda event: None, served)
    assert [path.name for path in (files / "fetched").rglob("*")] == ["web1", "var", "log"]


def test_in_check_a_host_can_leave_nothing(here: Route, direct: Direct, roles: Any, files: Path) -> None:
    told: list[str] = []
    heard = Heard()
    order = order_for(leave(roles), mode="check")
    direct.evaluate(here, order, None, heard.events.append, serving(files, told, fetched=FETCHED))
    assert "not fetched in check mode" in value(heard)
    assert len(told) == 1
    assert not (files / "fetched").exists()
