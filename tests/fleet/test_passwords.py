"""Logins and sudo with passwords, right and wrong, on real hosts; and where the passwords never are."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.fleet.harness import Fleet
from tests.fleet.harness.host import Host
from tests.ssh.hearing import Heard, nothing_served, order_for

from opsmop.errors import AuthenticationError, SudoError
from opsmop.language.secrets import Secret
from opsmop.transport.base import Route
from opsmop.transport.direct import Direct
from opsmop.wire.order import Order

RELEASES = ["bullseye", "bookworm", "trixie"]
RIGHT = "corréct horse%'\"$battery-7731"
ANY = "plain ALL=(ALL:ALL) ALL"
POLICY = """\
from opsmop import *

class Waits(Role):
    def inventory(self):
        return TomlInventory("inventory.toml").filter(groups="fleet")

    def sudo(self):
        return True

    def main(self):
        Shell("touch /root/running; while test -e /root/running; do sleep 0.1; done")

class Site(Policy):
    def set_roles(self):
        return Roles(Waits())

if __name__ == "__main__":
    Cli(Site())
"""


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet(RELEASES) as booted:
        for host in booted.hosts:
            host.run("chpasswd", input=f"plain:{RIGHT}\n")
        yield booted


@pytest.fixture(params=RELEASES)
def host(request: pytest.FixtureRequest, fleet: Fleet) -> Host:
    return next(host for host in fleet.hosts if host.release == request.param)


def route(fleet: Fleet, host: Host, *, key: bool = True, **details: Any) -> Route:
    said = {"ssh_args": ("-F", "/dev/null"), "user": "plain", "key_file": str(fleet.key) if key else "", **details}
    return Route(host=host.name, address=host.address, known_hosts=str(fleet.known_hosts), **said)


def uid(direct: Direct, way: Route, roles: ModuleType) -> int:
    heard = Heard()
    direct.evaluate(way, order_for(roles.Who(), way.host), None, heard.events.append, nothing_served)
    return int(json.loads(heard.ending.value)["uid"])


@contextmanager
def sudoers(host: Host, text: str) -> Iterator[None]:
    """One more file of sudoers."""
    host.run("cat > /etc/sudoers.d/zz-test && chmod 440 /etc/sudoers.d/zz-test", input=text + "\n")
    try:
        yield
    finally:
        host.run("rm /etc/sudoers.d/zz-test")


@contextmanager
def counted(host: Host, service: str, attempts: int) -> Iterator[None]:
    """How often this asks PAM whether a password is right, by PAM's own log."""

    def failures() -> int:
        host.run("journalctl --sync", check=False)
        log = host.run("journalctl --no-pager -q", check=False).stdout
        return log.count(f"pam_unix({service}:auth): authentication failure;")

    before = failures()
    yield
    assert failures() - before == attempts


def test_sudo_takes_its_password_and_the_role_runs(fleet: Fleet, host: Host, direct: Direct, roles: ModuleType) -> None:
    with sudoers(host, ANY):
        assert uid(direct, route(fleet, host, become="root", sudo_password=Secret(RIGHT)), roles) == 0
        other = int(host.run("id -u ops").stdout)
        assert uid(direct, route(fleet, host, become="ops", sudo_password=Secret(RIGHT)), roles) == other


@pytest.mark.parametrize("defaults", ["use_pty", "!use_pty", "lecture=always", "timestamp_timeout=0"])
def test_sudo_takes_its_password_however_it_is_set_up(
    defaults: str, fleet: Fleet, host: Host, direct: Direct, roles: ModuleType
) -> None:
    with sudoers(host, f"{ANY}\nDefaults {defaults}"):
        assert uid(direct, route(fleet, host, become="root", sudo_password=Secret(RIGHT)), roles) == 0


def test_a_password_that_sudo_does_not_ask_for_is_not_told(
    fleet: Fleet, host: Host, direct: Direct, roles: ModuleType
) -> None:
    assert uid(direct, route(fleet, host, user="ops", become="root", sudo_password=Secret("wrong")), roles) == 0


def test_becoming_who_one_is_needs_no_sudo(fleet: Fleet, host: Host, direct: Direct, roles: ModuleType) -> None:
    host.run("mv /usr/bin/sudo /usr/bin/sudo.away")
    try:
        way = route(fleet, host, user="", ssh_args=("-F", "/dev/null", "-l", "root"), become="root")
        assert uid(direct, way, roles) == 0
    finally:
        host.run("mv /usr/bin/sudo.away /usr/bin/sudo")


@pytest.mark.parametrize("defaults", ["lecture=never", "passwd_tries=1", "insults", "use_pty"])
def test_a_wrong_password_for_sudo_is_tried_once(
    defaults: str, fleet: Fleet, host: Host, direct: Direct, roles: ModuleType
) -> None:
    with (
        sudoers(host, f"{ANY}\nDefaults {defaults}"),
        counted(host, "sudo", 1),
        pytest.raises(SudoError, match="refuses the password for sudo") as caught,
    ):
        uid(direct, route(fleet, host, become="root", sudo_password=Secret("wr0ng-one")), roles)
    assert "wr0ng-one" not in str(caught.value)
    assert "OPSMOP" not in str(caught.value).upper().replace("OPSMOP_SUDO_PASSWORD", "")


def test_every_way_in_which_sudo_refuses_is_told_apart(
    fleet: Fleet, host: Host, direct: Direct, roles: ModuleType
) -> None:
    way = route(fleet, host, become="root")
    known = route(fleet, host, become="root", sudo_password=Secret(RIGHT))
    with sudoers(host, ANY), pytest.raises(SudoError, match="needs a password for sudo"):
        uid(direct, way, roles)
    with pytest.raises(SudoError, match="may not use sudo"):
        uid(direct, known, roles)


def test_a_prompt_that_nobody_answers_ends_in_time(fleet: Fleet, host: Host, direct: Direct, roles: ModuleType) -> None:
    way = route(fleet, host, become="root", sudo_password=Secret(RIGHT), sudo_timeout=2)
    pam = "printf 'auth required pam_exec.so expose_authtok /bin/sleep 60\\n' >> /etc/pam.d/sudo"
    host.run(f"cp -p /etc/pam.d/sudo /root/pam; {pam}")
    try:
        with sudoers(host, ANY), pytest.raises(SudoError, match="did not get through sudo within 2 seconds"):
            uid(direct, way, roles)
    finally:
        host.run("mv /root/pam /etc/pam.d/sudo")


def test_a_login_takes_its_password(fleet: Fleet, host: Host, direct: Direct, roles: ModuleType) -> None:
    plain = int(host.run("id -u plain").stdout)
    way = route(fleet, host, key=False, ssh_password=Secret(RIGHT))
    assert uid(direct, way, roles) == plain
    with sudoers(host, ANY):
        both = route(fleet, host, key=False, ssh_password=Secret(RIGHT), become="root", sudo_password=Secret(RIGHT))
        assert uid(direct, both, roles) == 0


@contextmanager
def sshd(host: Host, text: str) -> Iterator[None]:
    """Another setting of the host's sshd."""
    host.run(
        "cat > /etc/ssh/sshd_config.d/10-test.conf && systemctl reset-failed ssh && systemctl restart ssh",
        input=text + "\n",
    )
    try:
        yield
    finally:
        host.run("rm /etc/ssh/sshd_config.d/10-test.conf && systemctl reset-failed ssh && systemctl restart ssh")


KEYBOARD = "KbdInteractiveAuthentication yes\nChallengeResponseAuthentication yes\n"


def test_a_login_by_dialogue_takes_its_password_too(
    fleet: Fleet, host: Host, direct: Direct, roles: ModuleType
) -> None:
    with sshd(host, f"{KEYBOARD}PasswordAuthentication no"):
        assert uid(direct, route(fleet, host, key=False, ssh_password=Secret(RIGHT)), roles) > 0


@pytest.mark.parametrize("setting", ["", KEYBOARD, f"{KEYBOARD}PasswordAuthentication no"])
def test_a_wrong_password_for_the_login_is_tried_once(
    setting: str, fleet: Fleet, host: Host, direct: Direct, roles: ModuleType
) -> None:
    with (
        sshd(host, setting),
        counted(host, "sshd", 1),
        pytest.raises(AuthenticationError, match="password that was given") as caught,
    ):
        uid(direct, route(fleet, host, key=False, ssh_password=Secret("wr0ng-one")), roles)
    assert "wr0ng-one" not in str(caught.value)


@pytest.mark.parametrize("service", ["sshd", "sudo"])
def test_a_wrong_password_is_tried_once_by_all_who_want_to_go_there(
    service: str, fleet: Fleet, host: Host, direct: Direct, roles: ModuleType
) -> None:
    way = route(fleet, host, key=False, ssh_password=Secret("wr0ng-one"))
    if service == "sudo":
        way = route(fleet, host, become="root", sudo_password=Secret("wr0ng-one"))

    orders = [order_for(roles.Who(), way.host) for _ in range(8)]  # packed as a run does: in one thread

    def refused(order: Order) -> str:
        with pytest.raises((AuthenticationError, SudoError)) as caught:
            direct.evaluate(way, order, None, print, nothing_served)
        return type(caught.value).__name__

    with sudoers(host, ANY), counted(host, service, 1), ThreadPoolExecutor(4) as pool:
        assert set(pool.map(refused, orders)) == {"SudoError" if service == "sudo" else "AuthenticationError"}


def test_nothing_of_the_dialogue_is_left_on_this_machine(
    fleet: Fleet, host: Host, direct: Direct, roles: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert uid(direct, route(fleet, host, key=False, ssh_password=Secret(RIGHT)), roles) > 0
    assert list(tmp_path.iterdir()) == []


def visible(secret: bytes) -> list[str]:
    """Where a process, here or on a host of the fleet, shows a text in its arguments or its environment."""
    shown = []
    for process in Path("/proc").glob("[0-9]*"):
        for part in ("cmdline", "environ"):
            try:
                found = (process / part).read_bytes()
            except OSError:  # it has ended, or is a part of the kernel
                continue
            if secret in found:
                shown.append(f"{process / part}: {(process / 'cmdline').read_bytes()!r}")
    return shown


def test_passwords_are_in_no_argument_environment_event_or_output(fleet: Fleet, tmp_path: Path) -> None:
    secret = "pass-4-nobody-7731"
    (tmp_path / "site.py").write_text(POLICY)
    hosts = "".join(f'{host.name} = "opsmop_host={host.address}"\n' for host in fleet.hosts)
    (tmp_path / "inventory.toml").write_text(f"[groups.fleet.hosts]\n{hosts}")
    (tmp_path / ".opsmop").mkdir()
    (tmp_path / "password").write_text(f"{secret}\n")
    (tmp_path / "password").chmod(0o600)
    settings = f'[ssh]\nusername = "plain"\nargs = ["-F", "/dev/null"]\nknown_hosts = "{fleet.known_hosts}"\npassword_command = ["cat", "{tmp_path}/password"]\n[sudo]\npassword_file = "{tmp_path}/password"\n'
    (tmp_path / ".opsmop" / "defaults.toml").write_text(settings)
    for host in fleet.hosts:
        host.run("cat > /etc/sudoers.d/zz-test && chmod 440 /etc/sudoers.d/zz-test", input=ANY + "\n")
        host.run("chpasswd", input=f"plain:{secret}\n")
    running = subprocess.Popen(
        [sys.executable, "site.py", "--push", "--apply", "--verbose"],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    seen: list[str] = []
    deadline = time.monotonic() + 60
    while not all(host.run("test -e /root/running", check=False).returncode == 0 for host in fleet.hosts):
        seen += visible(secret.encode())
        assert time.monotonic() < deadline, running.stdout.read1() if running.stdout else ""
        assert running.poll() is None, running.communicate()[0]
    seen += visible(secret.encode())
    for host in fleet.hosts:
        host.run("rm /root/running /etc/sudoers.d/zz-test")
    output = running.communicate(timeout=60)[0]
    assert (running.returncode, seen) == (0, []), output.decode()
    assert secret.encode() not in output
    assert [path.name for path in tmp_path.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()] == [
        "password"
    ]
