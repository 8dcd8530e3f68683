"""Keys for ssh: known by themselves, limited by options, and never cut in two."""

from __future__ import annotations

import getpass
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsmop import AuthorizedKey

Evaluate = Callable[..., Any]
ME = getpass.getuser()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Three public keys, without comments."""
    folder = tmp_path_factory.mktemp("keys")
    found = []
    for kind in ("ed25519", "ecdsa", "rsa"):
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", folder / kind], check=True)
        found.append((folder / f"{kind}.pub").read_text().strip())
    return found


@pytest.fixture
def edit(tmp_path: Path, evaluate: Evaluate) -> Callable[..., str]:
    """Apply to a file twice, as check foretold; the second time must change nothing."""

    def edited(text: str, *args: Any, **given: Any) -> str:
        path = tmp_path / "authorized_keys"
        path.write_text(text)
        path.chmod(0o600)
        files = given.pop("files", {})
        main = lambda _: AuthorizedKey(ME, *args, path=path, **given) and None  # noqa: E731 - shorter than a function
        checked, applied = evaluate(main, "check", files=files), evaluate(main, files=files)
        assert checked.changes() == applied.changes()
        assert evaluate(main, files=files).changes() == []
        return path.read_text()

    return edited


def test_a_key_is_added_once_and_its_comment_says_nothing(keys: list[str], edit: Callable[..., str]) -> None:
    one, two, _ = keys
    assert edit("# mine\n", f"{one} ana@laptop") == f"# mine\n{one} ana@laptop\n"
    assert edit(f"{one} ana@laptop\n", f"{one} ana@other") == f"{one} ana@laptop\n"
    assert edit(f"{one} a\n", [one, two, f"{two} again"]) == f"{one} a\n{two}\n"
    assert edit(f"{one}", two) == f"{one}\n{two}\n", "a missing end of the last line costs no key"


def test_options_are_asked_for_or_stay(keys: list[str], edit: Callable[..., str]) -> None:
    one, two, _ = keys
    limited = f'from="10.0.0.0/8, host",command="echo \\"a b\\"" {one} ana'
    assert edit(f"{limited}\n", one) == f"{limited}\n"
    assert edit(f"{one} ana\n", one, options=["no-pty", 'from="10.*"']) == f'no-pty,from="10.*" {one} ana\n'
    assert edit(f"{limited}\n", one, options="restrict") == f"restrict {one} ana\n"
    assert edit("", f"restrict {two}") == f"restrict {two}\n"


def test_a_key_that_stands_twice_is_left_once(keys: list[str], edit: Callable[..., str]) -> None:
    one, two, _ = keys
    assert edit(f"{one} a\n{two}\nno-pty {one} b\n", one) == f"{one} a\n{two}\n"


def test_only_lets_no_other_key_in_and_leaves_comments(keys: list[str], edit: Callable[..., str]) -> None:
    one, two, three = keys
    text = f"# of old\n{three} gone\n\n{one} a\n"
    assert edit(text, [one, two], only=True) == f"# of old\n\n{one} a\n{two}\n"


@pytest.mark.parametrize("mode", ["check", "apply"])
def test_who_will_not_get_in_any_more_is_told(keys: list[str], tmp_path: Path, mode: str, evaluate: Evaluate) -> None:
    one, two, three = keys
    path = tmp_path / "authorized_keys"
    path.write_text(f"{one} ana@laptop\n{two}\n")
    done = evaluate(lambda _: AuthorizedKey(ME, f"{three} bo", path=path, only=True) and None, mode)
    ((_, _, name, before, after),) = [change for change in done.changes() if change[2] not in ("mode", "owner")]
    assert (name, before, after) == ("withdraw", f"ana@laptop, ecdsa-sha2-nistp256 ...{two[-8:]}", "bo")


def test_absent_withdraws_a_key_whatever_its_options(keys: list[str], edit: Callable[..., str]) -> None:
    one, two, _ = keys
    assert edit(f"no-pty {one} a\n{two}\n{one}\n", one, absent=True) == f"{two}\n"


def test_keys_may_stand_in_a_file_beside_the_policy(keys: list[str], edit: Callable[..., str]) -> None:
    one, two, _ = keys
    text = f"# the team\n{one} ana\n\nno-pty {two} bo\n"
    assert edit("", from_file="keys", files={"keys": text.encode()}) == f"{one} ana\nno-pty {two} bo\n"


@pytest.mark.parametrize("only", [False, True])
def test_a_file_without_a_key_locks_nobody_out(
    keys: list[str], tmp_path: Path, evaluate: Evaluate, *, only: bool
) -> None:
    path = tmp_path / "authorized_keys"
    path.write_text(f"{keys[0]}\n")
    failure = evaluate(
        lambda _: AuthorizedKey(ME, path=path, from_file="keys", only=only) and None, files={"keys": b"# nobody yet\n"}
    ).failure
    assert "keys holds no key" in failure.message
    assert path.read_text() == f"{keys[0]}\n"


def test_a_new_file_is_its_owners_alone_and_a_mode_that_sshd_distrusts_is_mended(
    keys: list[str], tmp_path: Path, evaluate: Evaluate
) -> None:
    path = tmp_path / "keys"
    evaluate(lambda _: AuthorizedKey(ME, keys[0], path=path) and None)
    path.chmod(0o666)
    done = evaluate(lambda _: AuthorizedKey(ME, keys[0], path=path) and None)
    assert [change[2] for change in done.changes()] == ["mode"]
    assert stat.S_IMODE(path.stat().st_mode) in (0o600, 0o644)


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "AAAA",
        "ssh-ed25519",
        "ssh-ed25519 AAAA",
        "ssh-new AAAAC3NzaC1lZDI1NTE5",
        "# ssh-ed25519 x",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nabc",
    ],
)
def test_what_is_no_whole_key_is_refused(wrong: str, evaluate: Evaluate) -> None:
    failure = evaluate(lambda _: AuthorizedKey(ME, wrong, path="/keys") and None).failure
    assert failure.error == "FieldError"


def test_a_key_that_was_cut_or_has_another_type_is_refused(keys: list[str], evaluate: Evaluate) -> None:
    kind, body = keys[0].split()
    for wrong in (f"{kind} {body[:-8]}", f"ssh-rsa {body}", f"{kind} {body}\n{keys[1]}"):
        failure = evaluate(lambda _: AuthorizedKey(ME, wrong, path="/keys") and None).failure  # noqa: B023 - at once
        assert "is no public key of ssh" in failure.message


def test_who_does_not_exist_gets_no_key(keys: list[str], evaluate: Evaluate) -> None:
    failure = evaluate(lambda _: AuthorizedKey("no-such-user", keys[0]) and None).failure
    assert "there is no user 'no-such-user'" in failure.message
    assert evaluate(lambda _: AuthorizedKey("no-such-user", keys[0], absent=True) and None).changes() == []


def test_keys_that_come_without_encryption_are_refused(evaluate: Evaluate) -> None:
    failure = evaluate(lambda _: AuthorizedKey(ME, from_url="http://ann:hidden@host/ann.keys") and None).failure
    assert failure.message == f"AuthorizedKey {ME}: 'http://host/ann.keys' is not https://"
