"""Where a default comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsmop.errors import UsageError
from opsmop.settings import UserDefaults
from opsmop.settings.sources import found


def files(folder: Path, user: str = "", system: str = "") -> tuple[Path, Path]:
    paths = folder / "user.toml", folder / "system.toml"
    for path, text in zip(paths, (user, system), strict=True):
        path.write_text(text)
    return paths


def test_environment_beats_user_beats_system_beats_built_in(tmp_path: Path) -> None:
    paths = files(
        tmp_path,
        '[ssh]\nusername = "user"\nport = 1',
        '[ssh]\nusername = "system"\nport = 2\nkey_file = "/k"\ncheck_host_keys = "accept"',
    )
    defaults = found({"OPSMOP_SSH_PORT": "3"}, *paths)
    names = ("ssh_port", "ssh_username", "ssh_key_file", "ssh_check_host_keys", "ssh_args")
    assert [defaults[name] for name in names] == [3, "user", "/k", "accept-new", ()]
    assert defaults.files == tuple(map(str, paths))


def test_absent_files_are_no_fault(tmp_path: Path) -> None:
    assert found({}, tmp_path / "absent")["sudo_username"] == "root"


def test_unknown_keys_warn_and_name_what_is_close(tmp_path: Path) -> None:
    defaults = found({}, *files(tmp_path, '[ssh]\nuser_name = "x"'))
    assert "[ssh] user_name means nothing. Did you mean 'username'?" in defaults.warnings[0]


def test_a_password_that_others_may_read_warns(tmp_path: Path) -> None:
    paths = files(tmp_path, '[sudo]\npassword = "hidden"')
    paths[0].chmod(0o644)
    assert "others may read it" in found({}, *paths).warnings[0]
    paths[0].chmod(0o600)
    assert found({}, *paths).warnings == ()


@pytest.mark.parametrize(
    ("text", "environment", "message"),
    [
        ("[ssh", {}, "not TOML"),
        ("[ssh]\nport = 99999", {}, "[ssh] port: 99999 is not a port"),
        ("ssh = 3", {}, "ssh is not a section"),
        ("[sudo]\npassword = 7731", {}, "[sudo] password: the value is not a text"),
        ("", {"OPSMOP_SSH_PORT": "x"}, "OPSMOP_SSH_PORT: 'x' is not a port"),
        ("", {"OPSMOP_SSH_PASSWORD": "7731"}, "no place for a password"),
    ],
)
def test_an_impossible_default_is_refused(tmp_path: Path, text: str, environment: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        found(environment, *files(tmp_path, text))
    assert message in str(caught.value)
    assert "7731" not in str(caught.value)


def test_policies_read_the_users_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert UserDefaults.ssh_username() is None
    (tmp_path / ".opsmop").mkdir()
    (tmp_path / ".opsmop" / "defaults.toml").write_text('[ssh]\nusername = "ann"\nport = 2022\n')
    assert (UserDefaults.ssh_username(), UserDefaults.ssh_port()) == ("ann", 2022)
    assert (UserDefaults.sudo_username(), UserDefaults.sudo_password()) == ("root", None)
