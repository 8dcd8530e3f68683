"""Connections that are tried again, wait their turn, take a jump, and roles that take too long."""

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.ssh.hearing import Heard, nothing_served, order_for

from opsmop.demo.sshd import PrivateSshd
from opsmop.errors import AuthenticationError, ConnectError, HostKeyError, HostLostError
from opsmop.transport.base import Route
from opsmop.transport.direct import Direct
from opsmop.transport.hops import Hops

pytestmark = pytest.mark.usefixtures("roles")
Evaluate = Callable[..., Any]


class Door:
    """A port that drops the first connections and carries on with the others to the sshd, after `pause` seconds."""

    def __init__(self, port: int, drops: int, pause: float = 0.0) -> None:
        self.drops, self._pause = drops, pause
        self.met = 0
        self._to = port
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            self.met += 1
            if self.met <= self.drops:
                caller.close()
                continue
            threading.Thread(target=self._carry, args=(caller,), daemon=True).start()

    def _carry(self, caller: socket.socket) -> None:
        with caller, socket.create_connection(("127.0.0.1", self._to)) as server:
            time.sleep(self._pause)
            other = threading.Thread(target=_pour, args=(server, caller), daemon=True)
            other.start()
            _pour(caller, server)
            other.join()


def _pour(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


@contextmanager
def door(sshd: PrivateSshd, drops: int, pause: float = 0.0) -> Iterator[Door]:
    opened = Door(sshd.port, drops, pause)
    try:
        yield opened
    finally:
        opened.close()


def through(route: Route, port: int) -> Route:
    """`route` by another port, where the same host key is expected."""
    return replace(route, port=port, ssh_args=(*route.ssh_args, "-o", f"HostKeyAlias=[{route.address}]:{route.port}"))


def test_a_connection_that_is_dropped_before_the_login_is_tried_again(
    sshd: PrivateSshd, route: Route, evaluate: Evaluate, roles: Any
) -> None:
    with door(sshd, drops=2) as opened:
        assert evaluate(through(route, opened.port), roles.Pid()).ending.status == "ok"
        assert opened.met == 3


def test_trying_again_has_an_end(sshd: PrivateSshd, route: Route, evaluate: Evaluate, roles: Any) -> None:
    with door(sshd, drops=99) as opened:
        with pytest.raises(ConnectError, match="cannot be reached"):
            evaluate(through(route, opened.port), roles.Pid())
        assert opened.met == 4


def test_a_refused_login_is_not_tried_again(sshd: PrivateSshd, route: Route, evaluate: Evaluate, roles: Any) -> None:
    with door(sshd, drops=0) as opened:
        wrong = replace(through(route, opened.port), key_file=str(sshd.folder / "host_key"))
        with pytest.raises(AuthenticationError):
            evaluate(wrong, roles.Pid())
        assert opened.met == 1


def test_a_run_that_is_stopped_stops_trying(sshd: PrivateSshd, route: Route, direct: Direct, roles: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    direct.cancel()
    with pytest.raises(HostLostError, match="was stopped"):
        direct.evaluate(replace(route, port=port), order_for(roles.Pid()), None, print, nothing_served)


def met_at_once(ways: list[Route], roles: Any, direct: Direct) -> set[str]:
    """What becomes of a role on all hosts, of which nobody waits for another."""
    orders = [order_for(roles.Pid(), way.host) for way in ways]  # packed as a run does: in one thread

    def once(number: int) -> str:
        heard = Heard()
        direct.evaluate(ways[number], orders[number], None, heard.events.append, nothing_served)
        return heard.ending.status

    with ThreadPoolExecutor(len(ways)) as pool:
        return set(pool.map(once, range(len(ways))))


def test_many_hosts_behind_one_sshd_are_never_too_many_for_it(route: Route, roles: Any, direct: Direct) -> None:
    with Strict() as strict:
        way = replace(
            route, address=strict.address, port=strict.port, key_file=str(strict.key_file), ssh_args=strict.ssh_args
        )
        with door(strict, drops=0, pause=0.5) as slow:
            slowly = through(way, slow.port)
            ways = [replace(slowly, host=f"web{number}") for number in range(40)]
            assert met_at_once(ways, roles, direct) == {"ok"}
        assert "drop connection" not in strict.log.read_text()
        direct.close()


def test_many_hosts_behind_a_jump_host_of_the_users_own_are_never_too_many_for_it(
    sshd: PrivateSshd, roles: Any, direct: Direct, tmp_path: Path
) -> None:
    with Strict() as strict, door(strict, drops=0, pause=0.5) as slow:
        known = tmp_path / "known"
        known.write_text(strict.known_hosts.read_text() + sshd.known_hosts.read_text())
        config = tmp_path / "config"
        config.write_text(
            f"Host *\n UserKnownHostsFile {known}\n GlobalKnownHostsFile /dev/null\n IdentityAgent none\n"
            f" IdentitiesOnly yes\nHost hop\n HostName {strict.address}\n Port {slow.port}\n User {strict.user}\n"
            f" HostKeyAlias [{strict.address}]:{strict.port}\n IdentityFile {strict.key_file}\nHost web*\n HostName {sshd.address}\n Port {sshd.port}\n"
            f" User {sshd.user}\n IdentityFile {sshd.key_file}\n ProxyJump hop\n"
        )
        ways = [Route(f"web{number}", ssh_config=str(config), connect_timeout=60) for number in range(40)]
        assert met_at_once(ways, roles, direct) == {"ok"}
        assert "drop connection" not in strict.log.read_text()
        direct.close()


class Strict(PrivateSshd):
    """With OpenSSH's own MaxStartups, but no luck: which of two lines counts is another matter for each OpenSSH."""

    def _write_port(self) -> None:
        super()._write_port()
        config = self.folder / "config"
        text = config.read_text()
        assert text.count("MaxStartups 200") == 1
        config.write_text(text.replace("MaxStartups 200", "MaxStartups 10:100:10"))


@pytest.mark.parametrize(
    ("arguments", "hop"),
    [
        ((), "10.0.0.1 22"),
        (("-J", "ops@bastion:2222"), "ops@bastion:2222"),
        (("-Jbastion",), "bastion"),
        (("-o", "ProxyJump=first,second"), "first"),
        (("-oproxyjump=bastion",), "bastion"),
        (("-o", "ProxyCommand=ssh -W %h:%p bastion"), "ssh -W %h:%p bastion"),
        (("-o", "ProxyJump=none"), "10.0.0.1 22"),
        (("-J", "none"), "10.0.0.1 22"),
        (("-oProxyCommand=None",), "10.0.0.1 22"),
    ],
)
def test_the_sshd_that_meets_a_connection_first_is_known(arguments: tuple[str, ...], hop: str) -> None:
    bare = ("-F", "/dev/null", *arguments)
    assert Hops().first(Route("web1", address="10.0.0.1", port=22, ssh_args=bare)) == hop


@pytest.mark.parametrize(
    ("line", "hop"),
    [
        ("ProxyJump ops@hop,second", "ops@hop"),
        ("  proxyjump=hop", "hop"),
        ("ProxyCommand ssh -W %h:%p hop", "ssh -W %h:%p hop"),
        ("ProxyJump none", "10.0.0.1 2222"),
        ("# ProxyJump hop", "inner 0"),
        ("ProxyCommand /usr/lib/systemd/systemd-ssh-proxy %h %p", "inner 0"),
    ],
)
def test_a_jump_host_of_the_users_own_configuration_meets_a_connection_first(
    line: str, hop: str, tmp_path: Path
) -> None:
    (tmp_path / "more").write_text(f"Host inn*\n HostName 10.0.0.1\n Port 2222\n{line}\n")
    text = f'Host other\n ProxyJump none\nHost *\nInclude "{tmp_path}/mo*"\n'
    (tmp_path / "config").write_text(text)
    for named in ({"ssh_config": str(tmp_path / "config")}, {"ssh_args": ("-F", str(tmp_path / "config"))}):
        if hop == "inner 0":
            (tmp_path / "config").write_text(f'Include ~no-such-user/x "{tmp_path}/mo*"\n')
        assert Hops().first(Route("web1", address="inner", **named)) == hop  # type: ignore[arg-type]


def test_a_role_within_its_time_is_left_alone(route: Route, evaluate: Evaluate, roles: Any) -> None:
    assert evaluate(replace(route, role_timeout=60), roles.Pid()).ending.status == "ok"


def test_a_jump_host_of_the_users_own_configuration_is_taken(
    sshd: PrivateSshd, route: Route, evaluate: Evaluate, roles: Any, tmp_path: Path
) -> None:
    with PrivateSshd() as bastion:
        known = tmp_path / "known"
        known.write_text(bastion.known_hosts.read_text() + sshd.known_hosts.read_text())
        config = tmp_path / "config"
        config.write_text(
            f"Host *\n UserKnownHostsFile {known}\n GlobalKnownHostsFile /dev/null\n IdentityAgent none\n"
            f" IdentitiesOnly yes\nHost hop\n HostName {bastion.address}\n Port {bastion.port}\n User {bastion.user}\n"
            f" IdentityFile {bastion.key_file}\nHost inner\n HostName {sshd.address}\n Port {sshd.port}\n"
            f" User {sshd.user}\n IdentityFile {sshd.key_file}\n ProxyJump hop\n"
        )
        way = Route("web1", address="inner", ssh_args=("-F", str(config)), connect_timeout=20)
        assert evaluate(way, roles.Pid()).ending.status == "ok"
        assert "Accepted publickey" in bastion.log.read_text()
        named = Route("web1", address="inner", ssh_config=str(config), connect_timeout=20)
        assert evaluate(named, roles.Pid()).ending.status == "ok"


@contextmanager
def agent(tmp_path: Path) -> Iterator[str]:
    """The socket of an agent without keys."""
    path = str(tmp_path / "agent")
    process = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
    try:
        while not Path(path).exists():
            assert process.poll() is None
        yield path
    finally:
        process.terminate()
        process.wait()


def test_a_key_with_a_passphrase_works_from_the_agent_and_is_refused_without_it(
    sshd: PrivateSshd, route: Route, evaluate: Evaluate, roles: Any, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "pass phrase", "-f", str(key)], check=True)
    with (sshd.folder / "authorized_keys").open("a") as file:
        file.write(key.with_suffix(".pub").read_text())
    arguments = tuple(word for word in route.ssh_args if not word.startswith("IdentityAgent"))
    arguments = tuple(word for number, word in enumerate(arguments) if arguments[number : number + 2] != ("-o", "-o"))
    with agent(tmp_path) as path:
        way = replace(route, key_file=str(key), ssh_args=("-o", f"IdentityAgent={path}", *arguments))
        with pytest.raises(AuthenticationError, match="does not let") as caught:
            evaluate(way, roles.Pid())
        assert "ssh-add" in caught.value.remedy
        answer = tmp_path / "answer"
        answer.write_text("#!/bin/sh\necho 'pass phrase'\n")
        answer.chmod(0o700)
        given = {**os.environ, "SSH_AUTH_SOCK": path, "SSH_ASKPASS": str(answer), "SSH_ASKPASS_REQUIRE": "force"}
        subprocess.run(["ssh-add", "-q", str(key)], check=True, env=given)
        assert evaluate(way, roles.Pid()).ending.status == "ok"


class Certified(PrivateSshd):
    """Known by its certificate, and lets in whose key is certified by the same authority, whose key it is told of."""

    def _write_port(self) -> None:
        super()._write_port()
        authority = self.folder / "authority"
        if not authority.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(authority)], check=True)
            self.certify(self.folder / "host_key.pub", self.address, "-h")
        self.known_hosts.write_text(f"@cert-authority * {authority.with_suffix('.pub').read_text()}")
        with (self.folder / "config").open("a") as file:
            file.write(f"TrustedUserCAKeys {authority}.pub\nHostCertificate {self.folder}/host_key-cert.pub\n")

    def certify(self, key: Path, whom: str, *options: str) -> None:
        """Lay a certificate for `whom` beside a public key."""
        words = [
            "ssh-keygen",
            "-q",
            "-s",
            str(self.folder / "authority"),
            "-I",
            "opsmop",
            *options,
            "-n",
            whom,
            str(key),
        ]
        subprocess.run(words, check=True)


def test_certificates_of_users_and_hosts_are_taken_as_ssh_takes_them(
    evaluate: Evaluate, roles: Any, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    with Certified() as server:
        way = Route(
            "web1",
            address=server.address,
            port=server.port,
            user=server.user,
            key_file=str(key),
            ssh_args=server.ssh_args,
            connect_timeout=20,
        )
        with pytest.raises(AuthenticationError, match="does not let"):
            evaluate(way, roles.Pid())
        server.certify(key.with_suffix(".pub"), server.user)
        assert evaluate(way, roles.Pid()).ending.status == "ok"
        server.known_hosts.write_text("")
        with pytest.raises(HostKeyError, match="is unknown"):
            evaluate(replace(way, host="web2"), roles.Pid())


@pytest.mark.parametrize("way", ["direct", "by way of another"])
def test_a_master_of_the_users_own_is_used_and_never_made_nor_ended(
    way: str, sshd: PrivateSshd, route: Route, roles: Any, tmp_path: Path
) -> None:
    folder = Path(tempfile.mkdtemp(prefix="cm-"))  # a socket's path has to be short
    config, master = tmp_path / "config", ["-F", str(tmp_path / "config"), "master"]
    config.write_text(
        f"Host master\n HostName {sshd.address}\n Port {sshd.port}\n User {sshd.user}\n IdentityFile {sshd.key_file}\n"
        f" IdentityAgent none\n UserKnownHostsFile {sshd.known_hosts}\n ControlMaster auto\n ControlPersist 60\n"
        f" ControlPath {folder}/s\n"
    )
    own = Route("web1", address="master", ssh_config=str(config), python=route.python, connect_timeout=20)
    if way != "direct":
        own = replace(route, via=replace(own, host="bastion"))

    def logins_of_a_run() -> int:
        before = sshd.log.read_text().count("Accepted publickey")
        direct = Direct()
        try:
            direct.evaluate(own, order_for(roles.Pid()), None, print, nothing_served)
        finally:
            direct.close()
        return sshd.log.read_text().count("Accepted publickey") - before

    steps = 1 if way == "direct" else 2
    try:
        assert (logins_of_a_run(), list(folder.iterdir())) == (steps, [])
        subprocess.run(["ssh", "-fN", *master], check=True, stdin=subprocess.DEVNULL)
        assert logins_of_a_run() == steps - 1
        subprocess.run(["ssh", "-O", "check", *master], check=True, capture_output=True)
    finally:
        subprocess.run(["ssh", "-O", "exit", *master], check=False, capture_output=True)
        shutil.rmtree(folder)
