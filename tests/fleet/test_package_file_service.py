"""The three that most roles are made of: a package, its configuration, and its service that is restarted for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fleet.harness import Fleet
from tests.fleet.pushing import Pushed, apply, check

MAIN = """
Package("rsyslog", update_cache=True)
conf = File("/etc/rsyslog.d/10-site.conf", from_content="local0.* /var/log/{name}.log\\n", owner="root", mode=0o644)
if conf.changed:
    Service("rsyslog", restarted=True)
Service("rsyslog", started=True, enabled=True)
"""
Told = tuple[str, str, str, str, str]


@pytest.fixture(params=["bullseye", "trixie"])
def fleet(request: pytest.FixtureRequest) -> Iterator[Fleet]:
    with Fleet([request.param]) as fleet:
        yield fleet


def told(pushed: Pushed, *, assumed: bool = False) -> list[Told]:
    """What was said of each change, of those that are assumed or of the others."""
    return [
        (ended.type, ended.name, change.name, change.before, change.after)
        for ended in pushed.ended
        for change in ended.changes
        if change.assumed is assumed
    ]


def logged(fleet: Fleet, name: str) -> str:
    [host] = fleet.hosts
    look = f"for n in $(seq 40); do grep -q hello-{name} /var/log/{name}.log 2>/dev/null && break; sleep 0.25; done"
    return host.run(f"logger -p local0.info hello-{name}; {look}; grep -c hello-{name} /var/log/{name}.log").stdout


def test_check_and_apply_of_a_package_its_file_and_its_service_agree(fleet: Fleet, tmp_path: Path) -> None:
    first = check(fleet, tmp_path, MAIN.format(name="one"))
    made = told(apply(fleet, tmp_path, MAIN.format(name="one")))
    assert [kind for kind, *_ in told(first)] == ["Package"] * 2, "only the package is certain before it is there"
    assert [one for one in told(first) if one not in made] == [], "what check is certain of is what apply does"
    announced = [one[:3] for one in told(first) + told(first, assumed=True)]
    assert [one for one in made if one[:3] not in announced] == [], "what apply does was announced"
    assert ("File", "/etc/rsyslog.d/10-site.conf", "create", "", "26 bytes, 0644") in told(first, assumed=True)
    assert made[-2:] == [
        ("File", "/etc/rsyslog.d/10-site.conf", "create", "", "26 bytes, 0644"),
        ("Service", "rsyslog", "restart", "active", ""),
    ]
    assert logged(fleet, "one") == "1\n"
    assert told(apply(fleet, tmp_path, MAIN.format(name="one"))) == []
    again = check(fleet, tmp_path, MAIN.format(name="two"))
    assert told(again) == told(apply(fleet, tmp_path, MAIN.format(name="two")))
    assert [one[2] for one in told(again)] == ["content", "restart"]
    assert told(again, assumed=True) == []
    assert logged(fleet, "two") == "1\n"
    assert told(check(fleet, tmp_path, MAIN.format(name="two"))) == []
