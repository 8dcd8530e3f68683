"""What holds for every role on every host: check touches nothing and tells the truth, and a second apply is silent."""

from pathlib import Path

from tests.fleet.harness import Fleet, difference
from tests.fleet.pushing import apply, check

# What a run itself writes, and what the system's own tools write beside the files that they change.
OURS = ("/root/.opsmop*", "/home/*/.opsmop*", "/root/.cache*", "/home/*/.cache*", "/etc/*-", "/var/spool/cron/crontabs")


def law(fleet: Fleet, folder: Path, main: str) -> list[str]:
    """The names of the changes of `main` on one host, sorted, for which all laws hold on every host."""
    before = {host.name: host.snapshot(OURS) for host in fleet.hosts}
    announced = check(fleet, folder, main).changes
    for host in fleet.hosts:
        assert difference(before[host.name], host.snapshot(OURS)) == [], "check touches nothing"
    assert apply(fleet, folder, main).changes == announced, "what check is certain of is what apply changes"
    after = {host.name: host.snapshot(OURS) for host in fleet.hosts}
    assert apply(fleet, folder, main).changes == [], "a second apply changes nothing"
    for host in fleet.hosts:
        assert difference(after[host.name], host.snapshot(OURS)) == [], "and writes nothing"
    each = len(announced) // len(fleet.hosts)
    assert announced == announced[:each] * len(fleet.hosts), "every host has the same changes"
    return sorted(announced[:each])


def prepare(fleet: Fleet, command: str) -> None:
    """Run a command on every host."""
    for host in fleet.hosts:
        host.run(command)


def everywhere(fleet: Fleet, command: str) -> str:
    """What a command prints, which must be the same on every host."""
    said = {host.run(command, check=False).stdout for host in fleet.hosts}
    assert len(said) == 1, said
    return said.pop()
