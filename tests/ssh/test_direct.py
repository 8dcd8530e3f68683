"""A role through a real sshd, and what stands in its way."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.ssh.hearing import serving

from opsmop.demo.sshd import PrivateSshd
from opsmop.errors import AuthenticationError, ConnectError, HostKeyError, ProtocolError
from opsmop.events import EvaluationStarted, Printed
from opsmop.transport.base import Route

pytestmark = pytest.mark.usefixtures("roles")
Evaluate = Callable[..., Any]


def value(heard: Any) -> Any:
    return json.loads(heard.ending.value)


@pytest.fixture(params=["ssh", "via", "local"])
def way(request: pytest.FixtureRequest, route: Route, behind: Route, here: Route) -> Route:
    return {"ssh": route, "via": behind, "local": here}[request.param]


def test_a_role_is_evaluated_at_the_other_end_and_its_events_come_back(
    way: Route, evaluate: Evaluate, roles: Any
) -> None:
    heard = evaluate(way, roles.Pid())
    assert isinstance(heard.events[0], EvaluationStarted)
    assert value(heard)["pid"] != os.getpid()
    assert heard.traffic.sent > 1000
    assert heard.traffic.received > 100
    assert heard.traffic.requests == 0


def test_a_later_role_reuses_the_connection_with_a_fresh_process(way: Route, evaluate: Evaluate, roles: Any) -> None:
    first, second = evaluate(way, roles.Pid()), evaluate(way, roles.Pid())
    assert value(first)["agent"] == value(second)["agent"]
    assert value(first)["pid"] != value(second)["pid"]
    assert second.traffic.sent < first.traffic.sent / 4


def test_directory_umask_and_environment_do_not_leak_into_the_next_role(
    way: Route, evaluate: Evaluate, roles: Any
) -> None:
    for _ in range(2):
        found = value(evaluate(way, roles.Pid()))
        assert (found["cwd"], found["umask"], found["leftover"]) == ("/", 0o022, "")


def test_a_role_with_another_login_gets_its_own_connection(route: Route, evaluate: Evaluate, roles: Any) -> None:
    other = replace(route, ssh_args=(*route.ssh_args, "-o", "TCPKeepAlive=yes"))
    assert value(evaluate(route, roles.Pid()))["agent"] != value(evaluate(other, roles.Pid()))["agent"]


def test_what_policy_code_prints_becomes_events_and_corrupts_nothing(
    way: Route, evaluate: Evaluate, roles: Any
) -> None:
    heard = evaluate(way, roles.Printer())
    said = heard.printed
    assert said[:1] == ["hello from main"]
    assert {"without an end", "to stderr", "from a child"} <= set(said)
    assert any(text.startswith("past Python, ") and "\x1b" not in text for text in said)
    assert value(heard) == "printed"
    assert heard.events[-1] == heard.ending or isinstance(heard.events[-1], Printed)


def test_a_secret_is_masked_even_in_what_a_child_prints_past_python(way: Route, evaluate: Evaluate, roles: Any) -> None:
    said = evaluate(way, roles.Teller()).printed
    assert sorted(said) == ["printed ********", "the password is ********"]


def test_much_output_arrives_whole_and_in_order(route: Route, evaluate: Evaluate, roles: Any) -> None:
    heard = evaluate(route, roles.Talkative(lines=20_000))
    assert heard.printed[:20_000] == [str(number) for number in range(20_000)]


def test_an_exception_of_any_size_is_a_failed_evaluation(route: Route, evaluate: Evaluate, roles: Any) -> None:
    for length in (10, 3_000_000):
        ending = evaluate(route, roles.Raiser(length=length)).ending
        assert ending.status == "failed"
        assert ending.failure.error == "ValueError"


def test_files_are_asked_for_and_refusals_are_told(way: Route, evaluate: Evaluate, roles: Any, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * 5_000_001)
    (tmp_path / "empty").touch()
    (tmp_path / "secret").touch()
    told: list[str] = []
    files = serving(tmp_path, told, deny=("secret",))
    reader = roles.Reader(names=["large", "secret", "empty"], folder=str(tmp_path / "there"))
    (tmp_path / "there").mkdir()
    heard = evaluate(way, reader, serve=files)
    large, refused, empty = value(heard)
    assert (large, empty) == (5_000_001, 0)
    assert "deny pattern" in refused
    assert told == ["refused: 'secret' matches the deny pattern 'secret'"]
    assert heard.traffic.requests == 4  # the large one is first offered, then wanted


@pytest.mark.parametrize("noise", [b"Welcome!\n", b"no newline", b"x" * 60_000, b"\x00\xff\x1b[2J\n" * 100])
def test_what_rc_files_print_before_the_agent_answers_is_skipped(
    noise: bytes, route: Route, evaluate: Evaluate, roles: Any, tmp_path: Path
) -> None:
    (tmp_path / "noise").write_bytes(noise)
    python = wrapper(tmp_path, f'cat {tmp_path}/noise\nexec {sys.executable} "$@"')
    assert value(evaluate(replace(route, python=python), roles.Pid()))["cwd"] == "/"


def test_endless_noise_is_a_host_that_does_not_keep_to_the_protocol(
    route: Route, evaluate: Evaluate, roles: Any, tmp_path: Path
) -> None:
    with pytest.raises(ProtocolError, match=r"web1 printed .* bytes"):
        evaluate(replace(route, python=wrapper(tmp_path, "exec yes")), roles.Pid())


def test_a_key_that_the_host_does_not_know_is_an_authentication_error(
    sshd: PrivateSshd, route: Route, evaluate: Evaluate, roles: Any, tmp_path: Path
) -> None:
    key = sshd.folder / "host_key"
    with pytest.raises(AuthenticationError) as caught:
        evaluate(replace(route, key_file=str(key)), roles.Pid())
    assert f"user {sshd.user}" in str(caught.value)
    assert str(key) in str(caught.value)
    with pytest.raises(AuthenticationError, match="does not exist"):
        evaluate(replace(route, key_file=str(tmp_path / "none")), roles.Pid())


def test_a_key_that_others_may_read_is_not_used_and_the_remedy_closes_it(
    route: Route, evaluate: Evaluate, roles: Any, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_bytes(Path(route.key_file).read_bytes())
    key.chmod(0o644)
    with pytest.raises(AuthenticationError) as caught:
        evaluate(replace(route, key_file=str(key)), roles.Pid())
    assert caught.value.remedy.endswith(f"chmod 600 {key}")


def test_no_remedy_is_a_command_of_the_hosts_own_words(tmp_path: Path, evaluate: Evaluate, roles: Any) -> None:
    (tmp_path / "banner").write_text('Load key "x; touch owned": bad permissions\n')
    with PrivateSshd(extra=f"Banner {tmp_path}/banner") as server:
        route = Route(
            host="web1", address=server.address, port=server.port, user=server.user,
            key_file=str(server.folder / "host_key"), ssh_args=server.ssh_args,
        )  # fmt: skip
        with pytest.raises(AuthenticationError) as caught:
            evaluate(route, roles.Pid())
    assert "owned" not in caught.value.remedy


def test_an_unknown_host_key_is_refused_and_the_remedy_says_how_to_accept_it(
    route: Route, evaluate: Evaluate, roles: Any, tmp_path: Path
) -> None:
    known = tmp_path / "known_hosts"
    unknown = strange(route, known)
    with pytest.raises(HostKeyError, match="is unknown") as caught:
        evaluate(unknown, roles.Pid())
    assert f"ssh-keyscan -p {route.port} {route.address} >> {known}" in caught.value.remedy
    assert not known.exists()


def test_accept_new_takes_an_unknown_host_key_and_remembers_it(
    route: Route, evaluate: Evaluate, roles: Any, tmp_path: Path
) -> None:
    known = tmp_path / "known_hosts"
    evaluate(replace(strange(route, known), check_host_keys="accept-new"), roles.Pid())
    assert f"[{route.address}]:{route.port}" in known.read_text()


@pytest.mark.parametrize("check", ["yes", "accept-new"])
def test_a_changed_host_key_is_refused(
    check: str, sshd: PrivateSshd, route: Route, evaluate: Evaluate, roles: Any, tmp_path: Path
) -> None:
    known = tmp_path / "known_hosts"
    other = (sshd.folder / "client_key.pub").read_text().strip()
    known.write_text(f"[{route.address}]:{route.port} {other}\n")
    with pytest.raises(HostKeyError, match="is not the one that is known") as caught:
        evaluate(replace(strange(route, known), check_host_keys=check), roles.Pid())
    assert "ssh-keygen -R" in caught.value.remedy
    assert caught.value.remedy.endswith(f" -f {known}")
    assert f"{known}:1" in str(caught.value)


def test_the_file_for_an_unknown_host_key_is_the_one_that_ssh_was_told(
    route: Route, evaluate: Evaluate, roles: Any, tmp_path: Path
) -> None:
    known = tmp_path / "known"
    told = replace(route, known_hosts="", check_host_keys="yes")
    arguments = [*route.ssh_args[: route.ssh_args.index("-F") + 2], "-o", f"UserKnownHostsFile={known}"]
    with pytest.raises(HostKeyError, match="is unknown") as caught:
        evaluate(replace(told, ssh_args=tuple(arguments)), roles.Pid())
    assert f">> {known}" in caught.value.remedy


@pytest.mark.parametrize("known", ["new", "another"])
def test_a_remedy_for_a_host_key_names_what_the_users_configuration_means_and_works(
    known: str, sshd: PrivateSshd, evaluate: Evaluate, roles: Any, tmp_path: Path
) -> None:
    remembered, config = tmp_path / ("known" if known == "new" else "a file"), tmp_path / "config"
    config.write_text(
        f"Host web*\n HostName {sshd.address}\n Port {sshd.port}\n User {sshd.user}\n IdentityFile {sshd.key_file}\n"
        f' IdentityAgent none\n UserKnownHostsFile "{remembered}"\n GlobalKnownHostsFile /dev/null\n'
    )
    if known == "another":
        remembered.write_text(f"[{sshd.address}]:{sshd.port} {(sshd.folder / 'client_key.pub').read_text()}")
    way = Route("web1", ssh_config=str(config), connect_timeout=20)
    with pytest.raises(HostKeyError) as caught:
        evaluate(way, roles.Pid())
    said = caught.value.remedy
    command = said[said.index("ssh-key") :].partition(" (or let")[0]
    subprocess.run(command, shell=True, check=True, capture_output=True)
    if known == "another":
        assert remembered.read_text() == ""
        evaluate(replace(way, check_host_keys="accept-new"), roles.Pid())
    assert evaluate(way, roles.Pid()).ending.status == "ok"


def test_a_host_behind_a_jump_is_not_to_be_scanned_by_what_cannot_jump(
    route: Route, evaluate: Evaluate, roles: Any, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    words = " ".join(f'"{word}"' for word in ("ssh", *route.ssh_args, "-i", route.key_file, "-W", "%h:%p"))
    config.write_text(
        f"Host web1\n HostName {route.address}\n Port {route.port}\n UserKnownHostsFile {tmp_path}/known\n"
        f" ProxyCommand {words} -p {route.port} {route.user}@{route.address}\n"
    )
    with pytest.raises(HostKeyError, match="is unknown") as caught:
        evaluate(Route("web1", ssh_config=str(config), connect_timeout=20), roles.Pid())
    assert "opsmop hosts scan" in caught.value.remedy
    assert "keyscan" not in caught.value.remedy


def test_no_check_takes_any_host_key_and_remembers_none(
    route: Route, evaluate: Evaluate, roles: Any, tmp_path: Path
) -> None:
    known = tmp_path / "known_hosts"
    evaluate(replace(strange(route, known), check_host_keys="no"), roles.Pid())
    assert not known.exists()


def test_a_port_where_nobody_listens_is_a_connect_error(route: Route, evaluate: Evaluate, roles: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectError, match="Connection refused") as caught:
            evaluate(replace(route, port=taken.getsockname()[1]), roles.Pid())
    assert caught.value.host == "web1"


def test_a_name_that_does_not_resolve_is_a_connect_error(route: Route, evaluate: Evaluate, roles: Any) -> None:
    with pytest.raises(ConnectError, match=r"no-such-host\.invalid"):
        evaluate(replace(route, address="no-such-host.invalid"), roles.Pid())


def test_a_host_that_accepts_and_says_nothing_is_given_up_in_time(route: Route, evaluate: Evaluate, roles: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mute = replace(route, port=silent.getsockname()[1], connect_timeout=1)
        with pytest.raises(ConnectError):
            evaluate(mute, roles.Pid())


@pytest.mark.parametrize("address", ["-oProxyCommand=touch /tmp/x", "a b", "$(id)", ""])
def test_an_address_that_ssh_would_read_otherwise_is_refused(
    address: str, route: Route, evaluate: Evaluate, roles: Any
) -> None:
    with pytest.raises(ConnectError, match="is no address"):
        evaluate(replace(route, host=address or "-x", address=address), roles.Pid())


def test_a_wrong_python_path_is_named_with_the_remedy(way: Route, evaluate: Evaluate, roles: Any) -> None:
    with pytest.raises(ConnectError, match="no Python at /no/such/python") as caught:
        evaluate(replace(way, python="/no/such/python"), roles.Pid())
    assert "opsmop_python_path" in caught.value.remedy


def test_a_python_path_that_no_shell_can_quote_is_refused(route: Route, evaluate: Evaluate, roles: Any) -> None:
    with pytest.raises(ConnectError, match="cannot stand in a command"):
        evaluate(replace(route, python="/opt/it's/python"), roles.Pid())


def test_a_python_that_is_too_old_says_its_version(way: Route, evaluate: Evaluate, roles: Any, tmp_path: Path) -> None:
    # The stub as it is, told that it runs on an older Python.
    older = 'exec %s -c "import sys; sys.version_info = (3, 6, 8); sys.argv = sys.argv[1:]; exec(sys.argv.pop(0))" "$3" "$4"'
    python = wrapper(tmp_path, older % sys.executable)
    with pytest.raises(ConnectError, match=r"has Python 3\.6 at .* too old") as caught:
        evaluate(replace(way, python=python), roles.Pid())
    assert "3.9 or newer" in caught.value.remedy


def test_the_users_own_ssh_arguments_win_over_ours(route: Route, evaluate: Evaluate, roles: Any) -> None:
    own = replace(route, port=1, ssh_args=("-p", str(route.port), *route.ssh_args))
    assert value(evaluate(own, roles.Pid()))["cwd"] == "/"


def test_wrong_ssh_arguments_are_named(route: Route, evaluate: Evaluate, roles: Any) -> None:
    with pytest.raises(ConnectError, match="refuses its configuration") as caught:
        evaluate(replace(route, ssh_args=("-o", "NoSuchOption=yes")), roles.Pid())
    assert "opsmop_ssh_args" in caught.value.remedy


def test_without_an_ssh_client_the_error_says_what_to_install(
    route: Route, evaluate: Evaluate, roles: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConnectError, match="ssh cannot be started on this machine") as caught:
        evaluate(route, roles.Pid())
    assert "openssh-client" in caught.value.remedy


def strange(route: Route, known: Path) -> Route:
    """`route` to a host whose key is not known yet."""
    args = [word for word in route.ssh_args if not word.startswith("UserKnownHostsFile")]
    words = [word for number, word in enumerate(args) if word != "-o" or args[number + 1 : number + 2] != ["-o"]]
    return replace(route, ssh_args=tuple(words), known_hosts=str(known))


def wrapper(folder: Path, script: str) -> str:
    """A program in the place of Python."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_idle_connections_leave_half_of_the_files_that_may_be_open_to_others() -> None:
    """Forty hosts with room for 96 files: each idle connection holds three."""
    program = textwrap.dedent(
        """
        import dataclasses, resource, sys
        from opsmop import Role
        from opsmop.transport.base import Route
        from opsmop.transport.direct import Direct
        from opsmop.transport.files import Depot, FileRules, Served
        from opsmop.wire.order import Order
        from opsmop.ship.role import pack
        from opsmop.language.additions import Additions
        class Idle(Role):
            def main(self):
                return 1
        if __name__ == "__main__":
            resource.setrlimit(resource.RLIMIT_NOFILE, (96, 96))
            parcel = pack((Idle(), (), Additions()), controller_side=lambda kind: frozenset()).payload
            direct, ended = Direct(), 0
            nothing = Served(FileRules(()), Depot(), print)
            for number in range(40):
                host = f"host{number}"
                route = Route(host=host, local=True, python=sys.executable)
                order = Order(run="r", host=host, role="Idle", mode="check", parcel=parcel)
                direct.evaluate(route, order, None, lambda event: None, nothing)
                ended += 1
            direct.close()
            print(ended)
        """
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "many.py"
        path.write_text(program)
        done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout, done.returncode) == ("40\n", 0), done.stderr
