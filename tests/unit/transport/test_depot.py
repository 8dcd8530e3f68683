"""What all hosts of a run have in common: digests that are computed once, one budget, directories held once."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from opsmop.errors import FileRefusedError
from opsmop.transport.files import FileRules, Served
from opsmop.transport.files.depot import Budget, Depot, Turn, at_once
from opsmop.transport.files.opened import OpenFile
from opsmop.transport.files.trees import surveyed


def opened(path: Path) -> OpenFile:
    return OpenFile(path.name, os.open(path, os.O_RDONLY))


def test_a_digest_is_computed_by_one_while_others_wait(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * (20 << 20))
    depot = Depot()
    with opened(tmp_path / "file") as one, opened(tmp_path / "file") as other:
        first, second = depot.digest(one), depot.digest(other)
        assert [next(first), next(second), next(first)] == [Turn.AGAIN, Turn.LATER, Turn.AGAIN]
        first.close()  # its host has gone: the next goes on in its place
        assert next(second) is Turn.AGAIN
        assert at_once(second) == hashlib.sha256(b"x" * (20 << 20)).hexdigest()
    assert depot.computed == 1


def test_a_file_that_was_changed_is_digested_anew_even_with_its_old_times(tmp_path: Path) -> None:
    path, depot = tmp_path / "file", Depot()
    path.write_text("one")
    with opened(path) as file:
        before = depot.digest_now(file)
    times = path.stat()
    path.write_text("two")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    with opened(path) as file:
        assert depot.digest_now(file) != before
    assert depot.computed == 2


def test_a_budget_gives_no_more_than_it_has() -> None:
    budget = Budget(10)
    assert [budget.claim(6), budget.claim(6), budget.claim(4), budget.left] == [True, False, True, 0]
    budget.give_back(6)
    assert budget.claim(6)


def test_a_directory_is_held_once_for_all_hosts_and_few_of_those_that_hosts_think_up(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "file").write_text("x")
    depot = Depot()
    hosts = [Served(FileRules((tmp_path,)), depot, print) for _ in range(2)]
    one, other = (at_once(surveyed(host, "tree", ())) for host in hosts)
    assert one is other
    for number in range(1000):
        at_once(surveyed(hosts[0], "tree", (str(number),)))
    assert len(depot._shared) < 100


@pytest.fixture
def many(tmp_path: Path) -> list[Served]:
    """Two hosts that may have a directory of a thousand files, all of which are digested already."""
    (tmp_path / "tree").mkdir()
    for number in range(1000):
        (tmp_path / "tree" / f"file{number}").touch()
    depot = Depot()
    hosts = [Served(FileRules((tmp_path,)), depot, print) for _ in range(2)]
    at_once(surveyed(hosts[0], "tree", ()))
    return hosts


def test_whoever_looks_through_a_directory_has_a_look_around_every_few_hundred_files(many: list[Served]) -> None:
    assert [*surveyed(many[0], "tree", ())] == [Turn.AGAIN] * 3


def test_a_directory_is_looked_through_once_for_all_who_ask_for_it_meanwhile(many: list[Served]) -> None:
    first, second = (surveyed(host, "tree", ()) for host in many)
    assert [next(first), next(second), next(second)] == [Turn.AGAIN, Turn.LATER, Turn.LATER]
    whole = at_once(first)
    assert len(whole.found) == 1000
    with pytest.raises(StopIteration) as ended:
        next(second)
    assert ended.value.value is whole


def test_a_walk_whose_host_has_gone_is_taken_on_by_another(many: list[Served]) -> None:
    first, second = (surveyed(host, "tree", ()) for host in many)
    assert [next(first), next(second)] == [Turn.AGAIN, Turn.LATER]
    first.close()
    assert next(second) is Turn.AGAIN
    assert len(at_once(second).found) == 1000


def test_a_walk_that_is_refused_is_refused_to_each_and_told_of_each(many: list[Served], tmp_path: Path) -> None:
    (tmp_path / "tree" / "zone.pyc").touch()
    told: list[str] = []
    hosts = [Served(host.rules, host.depot, told.append) for host in many]
    walks = [surveyed(host, "tree", ()) for host in hosts]
    assert [next(walk) for walk in walks] == [Turn.AGAIN, Turn.LATER]
    for walk in walks:
        with pytest.raises(FileRefusedError, match="pyc"):
            at_once(walk)
    assert len(told) == 2


def test_those_with_other_rules_or_exclusions_look_for_themselves(many: list[Served], tmp_path: Path) -> None:
    other = Served(FileRules((tmp_path,), deny=("file1*",)), many[0].depot, print)
    walks = [surveyed(many[0], "tree", ()), surveyed(other, "tree", ("file1*",)), surveyed(many[1], "tree", ("x",))]
    assert [next(walk) for walk in walks] == [Turn.AGAIN] * 3
