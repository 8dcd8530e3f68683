"""A host gets the files that its role's rules serve, and no others."""

import os
import threading
from pathlib import Path

import pytest

from opsmop.errors import FileRefusedError
from opsmop.transport.files import FileRules


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A policy's directory, beside something that is none of its hosts' business."""
    folder = tmp_path / "policy"
    for name in (
        "files/app.conf",
        "site.py",
        ".git/config",
        "files/x.bak",
        "keys.bak/key",
        "a/__pycache__/b.bin",
        "templates/t.j2",
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"content of {name}")
    (tmp_path / "secret").write_text("secret")
    return folder


def refusal(rules: FileRules, name: str) -> str:
    with pytest.raises(FileRefusedError) as caught:
        rules.read(name)
    return str(caught.value)


def test_a_file_below_the_policy_is_served_by_its_relative_and_its_absolute_name(policy: Path) -> None:
    rules = FileRules((policy,))
    assert rules.read("files/app.conf") == b"content of files/app.conf"
    assert rules.read("./files/../files/app.conf") == b"content of files/app.conf"
    assert rules.read(str(policy / "templates/t.j2")) == b"content of templates/t.j2"


@pytest.mark.parametrize(
    "name", ["../secret", "files/../../secret", "/etc/passwd", "{outside}", "files/link", "linked/secret"]
)
def test_what_lies_outside_of_the_roots_is_refused_however_it_is_named(policy: Path, name: str) -> None:
    (policy / "files/link").symlink_to(policy.parent / "secret")
    (policy / "linked").symlink_to(policy.parent)
    text = refusal(FileRules((policy,)), name.format(outside=policy.parent / "secret"))
    assert "outside of what this role serves" in text
    assert "allow_fileserving_paths" in text


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("site.py", "*.py"),
        (".git/config", ".git"),
        ("files/x.bak", ".bak"),
        ("keys.bak/key", ".bak"),
        ("a/__pycache__/b.bin", "*__pycache__*"),
    ],
)
def test_the_deny_patterns_of_the_founding_document_hold_by_default(policy: Path, name: str, pattern: str) -> None:
    assert f"deny pattern {pattern!r}" in refusal(FileRules((policy,)), name)


def test_deny_wins_over_allow(policy: Path) -> None:
    assert "deny pattern" in refusal(FileRules((policy,), allow=("*.py", "site.py")), "site.py")
    assert FileRules((policy,), deny=()).read("site.py") == b"content of site.py"


def test_what_no_allow_pattern_matches_is_refused(policy: Path) -> None:
    rules = FileRules((policy,), allow=("*.j2",))
    assert rules.read("templates/t.j2")
    assert "none of the allow patterns" in refusal(rules, "files/app.conf")


def test_an_innocent_link_to_a_denied_file_is_denied(policy: Path) -> None:
    (policy / "harmless.txt").symlink_to(policy / "site.py")
    assert "deny pattern" in refusal(FileRules((policy,)), "harmless.txt")


def test_a_link_within_a_root_is_followed(policy: Path) -> None:
    (policy / "current").symlink_to(policy / "files")
    assert FileRules((policy,)).read("current/app.conf") == b"content of files/app.conf"


def test_what_the_controller_itself_read_is_never_served_by_whatever_name(policy: Path) -> None:
    inventory = policy / "inventory.toml"
    inventory.write_text("secret")
    os.link(inventory, policy / "other name")
    rules = FileRules((policy,), allow=("*",), deny=(), never=frozenset((inventory, policy / "gone")))
    for name in ("inventory.toml", "./inventory.toml", str(inventory), "other name"):
        assert "the controller's own" in refusal(rules, name)


@pytest.mark.parametrize("name", ["", "\0", "a\0b", "missing", "files", "pipe", "x" * 5000])
def test_what_is_no_file_is_refused_and_never_waited_for(policy: Path, name: str) -> None:
    os.mkfifo(policy / "pipe")
    assert refusal(FileRules((policy,)), name)


def test_other_roots_serve_absolute_names_and_relative_ones_stay_with_the_policy(policy: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "large.file").write_text("large")
    rules = FileRules((other,), base=policy)
    assert rules.read(str(other / "large.file")) == b"large"
    assert "outside" in refusal(rules, "files/app.conf")


def test_no_root_serves_nothing(policy: Path) -> None:
    assert "(nothing)" in refusal(FileRules((), base=policy), "files/app.conf")


def test_a_link_put_in_the_way_after_the_look_is_not_followed(policy: Path) -> None:
    from opsmop.transport.files.rules import _open_beneath

    (policy / "files/app.conf").unlink()
    (policy / "files/app.conf").symlink_to(policy.parent / "secret")
    with pytest.raises(FileRefusedError):
        _open_beneath("files/app.conf", policy, Path("files/app.conf"))


def test_a_file_that_is_swapped_all_the_time_gives_its_own_content_or_nothing(policy: Path) -> None:
    swapped, over = policy / "files/app.conf", threading.Event()

    def swap() -> None:
        turn = 0
        while not over.is_set():
            turn += 1
            new = policy / "new"
            if turn % 2:
                new.symlink_to(policy.parent / "secret")
            else:
                new.write_text("its own")
            new.replace(swapped)

    swapper, read = threading.Thread(target=swap), set()
    swapper.start()
    try:
        while not {"its own", "refused"} <= read:
            try:
                read.add(FileRules((policy,)).read("files/app.conf").decode())
            except FileRefusedError:
                read.add("refused")
    finally:
        over.set()
        swapper.join()
    assert "secret" not in read


def test_riders_are_the_literals_that_name_small_servable_files(policy: Path) -> None:
    (policy / "large").write_bytes(b"x" * 300_000)
    strings = [
        "files/app.conf",
        "templates/t.j2",
        "site.py",
        "large",
        "not a file",
        "",
        "hello\nworld",
        "../secret",
        "files",
    ]
    found = FileRules((policy,)).riders(strings, 1 << 20)
    assert found == {"files/app.conf": b"content of files/app.conf", "templates/t.j2": b"content of templates/t.j2"}


def test_riders_keep_to_their_limit_together(policy: Path) -> None:
    for number in range(5):
        (policy / f"part{number}").write_bytes(b"x" * 100)
    found = FileRules((policy,)).riders([f"part{number}" for number in range(5)], 250)
    assert sorted(found) == ["part0", "part1"]


def test_a_literal_that_is_no_name_of_a_file_is_no_rider_and_no_error(policy: Path) -> None:
    sentence = "word " * 70  # longer than any file's name may be, shorter than a path
    assert FileRules((policy,)).riders([sentence, "files/app.conf/x", "\0", "\udcff"], 1 << 20) == {}


@pytest.fixture
def fetched(policy: Path) -> Path:
    """The policy's directory with a file that a host left there."""
    left = policy / "fetched/web/etc/secret.txt"
    left.parent.mkdir(parents=True)
    left.write_text("of web")
    return policy


def test_what_hosts_left_is_served_to_a_role_that_has_a_root_there_and_to_no_other(fetched: Path) -> None:
    name, arriving = "fetched/web/etc/secret.txt", frozenset((fetched / "fetched",))
    (fetched / "files/link").symlink_to("../fetched/web/etc")
    for around in (fetched, fetched.parent):
        rules = FileRules((around,), base=fetched, arriving=arriving)
        assert "where hosts leave files" in refusal(rules, name)
        assert "where hosts leave files" in refusal(rules, "files/link/secret.txt")
        assert rules.riders((name, "files/app.conf"), 1 << 20).keys() == {"files/app.conf"}
    for root in ("fetched", "fetched/web"):
        rules = FileRules((fetched, fetched / root), base=fetched, arriving=arriving)
        assert rules.read(name) == b"of web"


def test_a_directory_with_what_hosts_left_in_it_is_refused_unless_that_is_excluded(fetched: Path) -> None:
    rules = FileRules((fetched,), deny=(), base=fetched, arriving=frozenset((fetched / "fetched",)))
    with pytest.raises(FileRefusedError, match="where hosts leave files"):
        list(rules.walk(".", ()))
    with pytest.raises(FileRefusedError, match="where hosts leave files"):
        list(rules.walk("fetched/web", ()))
    assert "files/app.conf" in {found.entry.path for found in rules.walk(".", ("fetched",))}


def test_what_the_controller_read_is_not_served_after_it_was_replaced_during_the_run(policy: Path) -> None:
    inventory = policy / "inventory.toml"
    inventory.write_text("first")
    rules = FileRules((policy,), deny=(), never=frozenset((inventory,)))
    assert "controller's own" in refusal(rules, "inventory.toml")
    (policy / "new").write_text("second")
    (policy / "new").rename(inventory)
    assert "controller's own" in refusal(rules, "inventory.toml")
    with pytest.raises(FileRefusedError, match="controller's own"):
        list(rules.walk(".", ()))


@pytest.mark.parametrize(("begun", "said"), [("a", "'./a'"), ("files/app.conf", "'./files/link'")])
def test_what_the_system_refuses_in_a_directory_is_an_error_that_names_it(policy: Path, begun: str, said: str) -> None:
    (policy / "files/link").symlink_to("x.bak")
    found = FileRules((policy,), deny=()).walk(".", ())
    next(one for one in found if one.entry.path == begun)
    (policy / "files/link").unlink()
    (policy / "a").rename(policy / "b")
    with pytest.raises(FileRefusedError, match="cannot be read on the control machine: No such file") as caught:
        list(found)
    assert said in str(caught.value)
    assert "excludes=[...]" in caught.value.remedy


def test_a_root_that_is_gone_is_an_error_of_ours(policy: Path) -> None:
    rules = FileRules((policy / "files",), base=policy)
    assert rules.read("files/app.conf")
    (policy / "files").rename(policy / "other")
    (policy / "files").write_text("no directory")
    assert "files" in refusal(rules, "files")
