"""The parameters that every type takes, on every type: the examples of the reference on a real host."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.fleet import example_com
from tests.fleet.harness import Fleet, difference
from tests.fleet.pushing import apply, push

from opsmop.events import ResourceFailed, ResourceFinished
from opsmop.reference import types
from opsmop.reference.examples import EXAMPLES

TYPES = sorted((kind.__name__ for kind in types()), key=lambda name: (name != "Group", name != "File", name))
# What looks of the login and of apt leave.
OURS = ("/root/.*", "/home/*", "/var/cache/apt/*", "/tmp/*")
# What is there already keeps the command of its example (`creates=`) from running, and only what ran is judged.
GUARDED = {"Shell"}
# Alone, they lack what the resources before them in their examples bring, or a network of their own.
LACKING = {"Replace", "Unarchive", "User", "Sysctl"}
ALL = (
    'only_if="true", unless="false", retries=1, delay=0.1, timeout=200, until=lambda result: True, run_as="root", '
    'signals="heard", register="said", failed_when=lambda result: False'
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("policy")


@pytest.fixture(scope="module")
def fleet(folder: Path) -> Iterator[Fleet]:
    with Fleet(["bookworm"]) as fleet:
        example_com.set_up(fleet, folder)
        yield fleet


def example(name: str, parameters: str, *, alone: bool = True) -> str:
    """The example of a type, with these parameters on its first resource of that type; that one alone, or all of it."""
    tree = ast.parse(EXAMPLES[name])
    call = next(node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == name)
    (given,) = ast.parse(f"_({parameters})").body
    assert isinstance(given, ast.Expr)
    assert isinstance(given.value, ast.Call)
    named = {keyword.arg: keyword for keyword in (*call.keywords, *given.value.keywords)}
    if name == "Reboot":
        named["only_if_required"] = ast.keyword("only_if_required", ast.Constant(value=False))
        named["within"] = ast.keyword("within", ast.Constant(value=30))
    if name == "Sysctl":
        named["now"] = ast.keyword("now", ast.Constant(value=False))
    call.keywords = list(named.values())
    return ast.unparse(call if alone else tree) + "\n"


def each(parameters: str) -> str:
    return "".join(example(name, parameters) for name in TYPES)


def unchanged(fleet: Fleet) -> Callable[[], list[str]]:
    """Tells what has changed on the host since this was called: on its disk, or that it has booted again."""
    (host,) = fleet.hosts
    boot = "cat /proc/sys/kernel/random/boot_id"
    before, booted = host.snapshot(OURS), host.run(boot).stdout
    return lambda: [*difference(before, host.snapshot(OURS)), *["booted"] * (host.run(boot).stdout != booted)]


@pytest.mark.parametrize("mode", ["check", "apply"])
@pytest.mark.parametrize("guard", ["only_if=False", 'only_if="false"', "unless=True", 'unless="true"'])
def test_a_guard_keeps_every_type_from_doing_anything(fleet: Fleet, folder: Path, guard: str, mode: str) -> None:
    changed = unchanged(fleet)
    done = push(fleet, folder, each(guard), mode=mode)
    assert not done.failures, done.failures
    assert {ended.type: ended.status for ended in done.ended if isinstance(ended, ResourceFinished)} == dict.fromkeys(
        TYPES, "skipped"
    )
    assert changed() == []


@pytest.mark.parametrize("mode", ["check", "apply"])
def test_as_another_user_no_type_changes_what_is_not_that_users(fleet: Fleet, folder: Path, mode: str) -> None:
    changed = unchanged(fleet)
    done = push(fleet, folder, each('run_as="plain", ignore_errors=True'), mode=mode)
    assert {ended.type for ended in done.ended} == set(TYPES)
    assert changed() == []


def test_another_user_downloads_unpacks_and_checks_out_what_is_then_theirs(fleet: Fleet, folder: Path) -> None:
    (host,) = fleet.hosts
    main = """
    Directory("/home/plain/app", run_as="plain")
    Download("/home/plain/app.tar.gz", url="https://example.com/app-1.2.tar.gz", run_as="plain")
    Unarchive("/home/plain/app", from_file="files/site.tar.gz", strip=1, run_as="plain")
    Git("/home/plain/site", repository="https://example.com/site.git", version="v1.4", run_as="plain")
    """
    assert apply(fleet, folder, main).changes == ["create", "download", "unpack", "clone"]
    assert host.run("find /home/plain/app* /home/plain/site ! -user plain").stdout == ""
    assert host.run("cat /home/plain/app.tar.gz /home/plain/app/app.conf.j2").stdout == "app\nworkers = 4\n"
    assert apply(fleet, folder, main).changes == []


def test_keys_come_from_the_web_encrypted_and_from_nowhere_else(fleet: Fleet, folder: Path) -> None:
    (host,) = fleet.hosts
    host.run(
        "useradd -m walter && ssh-keygen -q -t ed25519 -N '' -C ann -f /root/ann && { echo '# of ann'; cat /root/ann.pub; } >"
        " /srv/web/sites/example.com/ann.keys; echo '# none' > /srv/web/sites/example.com/none.keys"
    )
    main = 'AuthorizedKey("walter", from_url="https://example.com/ann.keys", options="restrict")'
    assert push(fleet, folder, main, mode="check").changes == ["make directory", "allow"]
    assert apply(fleet, folder, main).changes == ["make directory", "allow"]
    assert (
        host.run("cat /home/walter/.ssh/authorized_keys").stdout == f"restrict {host.run('cat /root/ann.pub').stdout}"
    )
    assert apply(fleet, folder, main).changes == []
    for name, why in (("none.keys", "https://example.com/none.keys holds no key"), ("gone.keys", "status 404")):
        for mode in ("check", "apply"):
            failed = push(
                fleet, folder, main.replace("ann.keys", name).replace('"walter"', '"walter", only=True'), mode=mode
            )
            assert why in failed.failures[0]
    host.run("userdel -r walter")


def test_no_type_begins_to_change_anything_after_its_time(fleet: Fleet, folder: Path) -> None:
    changed = unchanged(fleet)
    done = push(fleet, folder, each("timeout=0, ignore_errors=True"))
    assert {ended.type for ended in done.ended} == set(TYPES)
    late = {ended.type: ended.failure.message for ended in done.ended if isinstance(ended, ResourceFailed)}
    other = [name for name, said in late.items() if not any(word in said for word in ("too long", "timeout=0"))]
    assert set(other) <= LACKING
    assert set(late) >= {"File", "Package", "Service", "Git", "AptRepository", "Reboot", "Group", "Download", "Cron"}
    assert changed() == []


def test_every_type_takes_all_of_them_at_once_and_tries_again(fleet: Fleet, folder: Path) -> None:
    main = "".join(
        example(name, ALL, alone=False) + f'Echo("{name} {{{{ said.changed }}}}")\n'
        for name in TYPES
        if name != "Reboot"
    )
    done = apply(fleet, folder, main, handlers='heard=Echo("handled")')
    assert {ended.type for ended in done.ended} >= set(TYPES) - {"Reboot"}
    assert done.outputs.count("handled") == 1
    said = [line for line in done.outputs.splitlines() if line.endswith((" True", " False"))]
    assert [line.split()[0] for line in said] == [name for name in TYPES if name != "Reboot"]

    never = each("unless=False, until=lambda result: False, retries=1, delay=0, ignore_errors=True")
    tried = push(fleet, folder, never.replace("only_if_required=False", "only_if_required=True"))
    failed = {ended.type: ended.failure.message for ended in tried.ended if isinstance(ended, ResourceFailed)}
    assert set(failed) == set(TYPES) - GUARDED
    assert [(name, text) for name, text in failed.items() if "`until` does not hold after 2 tries" not in text] == []

    decided = each('changed_when=True, unless=False, signals="heard", failed_when=False')
    decided = decided.replace("only_if_required=False", "only_if_required=True")
    judged = apply(fleet, folder, decided, handlers='heard=Echo("handled")')
    assert {ended.type: ended.status for ended in judged.ended} == dict.fromkeys(TYPES, "changed") | {
        "Echo": "ok"
    } | dict.fromkeys(GUARDED, "skipped")
    assert judged.outputs.count("handled") == 1
