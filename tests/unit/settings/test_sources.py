"""Where settings are written, and whose word wins."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from opsmop.settings.sources import found, project_file, usual


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of somebody who has set something in each place."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("OPSMOP_SSH_USERNAME", "env")
    written = {
        ".opsmop": '[ssh]\nusername = "own"\nkey_file = "/own"\nconfig = "/own"\n[python]\npath = "own"\n',
        ".config/opsmop": '[ssh]\nusername = "xdg"\nkey_file = "/xdg"\nconfig = "/xdg"\n',
    }
    for folder, text in written.items():
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "defaults.toml").write_text(text)
    (tmp_path / "site" / "deep").mkdir(parents=True)
    (tmp_path / "site" / "opsmop.toml").write_text('[ssh]\nusername = "project"\nkey_file = "/project"\n')
    return tmp_path


def test_the_environment_beats_the_project_beats_xdg_beats_the_own_folder(home: Path) -> None:
    defaults = usual(home / "site" / "deep")
    values = [defaults[name] for name in ("ssh_username", "ssh_key_file", "ssh_config", "python_path")]
    assert values == ["env", "/project", "/xdg", "own"]
    names = [
        defaults.origin(name) for name in ("ssh_username", "ssh_key_file", "ssh_config", "python_path", "ssh_args")
    ]
    places = ["site/opsmop.toml", ".config/opsmop/defaults.toml", ".opsmop/defaults.toml"]
    assert names == ["OPSMOP_SSH_USERNAME", *(str(home / place) for place in places), "built in"]
    assert defaults.files == tuple(str(home / place) for place in places)


def test_an_option_beats_them_all_and_wins_over_policies_as_the_environment_does(home: Path) -> None:
    defaults = usual(home / "site").overridden({"ssh_username": ("--user", "ann"), "ssh_port": ("--port", None)})
    assert (defaults["ssh_username"], defaults.origin("ssh_username")) == ("ann", "--user")
    assert [defaults.pressed(name) for name in ("ssh_username", "ssh_key_file", "ssh_port")] == ["ann", None, None]


def test_the_configuration_folder_may_be_elsewhere(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "c" / "opsmop").mkdir(parents=True)
    (home / "c" / "opsmop" / "defaults.toml").write_text('[ssh]\nconfig = "/elsewhere"\n')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "c"))
    assert usual(home)["ssh_config"] == "/elsewhere"


def test_a_project_is_not_looked_for_above_a_repository_or_a_home(home: Path) -> None:
    (home / "site" / "deep" / ".git").mkdir()
    assert project_file(home / "site" / "deep") is None
    assert project_file(home / "site") == home / "site" / "opsmop.toml"
    (home.parent / "opsmop.toml").write_text("")
    assert project_file(home) is None


@pytest.mark.parametrize(
    ("path", "mode", "said"),
    [
        ("site/opsmop.toml", 0o666, "everybody may write to it"),
        ("site", 0o777, "everybody may write to its folder"),
        ("site", 0o1777, ""),
        ("site", 0o775, ""),
    ],
)
def test_a_project_that_everybody_may_write_to_is_ignored_and_reported(
    home: Path, path: str, mode: int, said: str
) -> None:
    (home / path).chmod(mode)
    defaults = usual(home / "site")
    assert defaults["ssh_key_file"] == ("/xdg" if said else "/project")
    assert [said in warning and "is ignored" in warning for warning in defaults.warnings] == ([True] if said else [])


def test_a_folder_that_everybody_may_write_to_is_reported_without_a_file_of_settings_too(home: Path) -> None:
    (home / "site" / "deep").chmod(0o777)
    assert usual(home / "site" / "deep")["ssh_key_file"] == "/project", "that file is elsewhere"
    assert "so decide what runs as you" in usual(home / "site" / "deep").warnings[0]
    (home / "site" / "deep").chmod(0o755)
    assert usual(home / "site" / "deep").warnings == ()


def test_a_project_file_of_somebody_else_is_ignored_and_reported(home: Path) -> None:
    # Only root can give a file away.
    if os.geteuid() == 0:
        os.chown(home / "site" / "opsmop.toml", 4711, -1)
        defaults = usual(home / "site")
        assert defaults["ssh_key_file"] == "/xdg"
        assert "belongs to another user (id 4711)" in defaults.warnings[0]


def test_a_path_is_relative_to_the_file_that_says_it(home: Path) -> None:
    text = '[ssh]\nkey_file = "keys/a"\nconfig = "~/c"\n[inventory]\nfile = "hosts.toml"\n[log]\npath = "x"\n'
    (home / "site" / "opsmop.toml").write_text(text)
    defaults = usual(home / "site")
    names = ("ssh_key_file", "ssh_config", "inventory_file", "log_path")
    assert [defaults[name] for name in names] == [f"{home}/site/keys/a", "~/c", f"{home}/site/hosts.toml", "x"]


def test_a_slip_in_a_variables_name_warns_and_another_variable_does_not() -> None:
    environment = {"OPSMOP_SSH_USRNAME": "x", "OPSMOP_MY_OWN_THING": "y"}
    warnings = found(environment).warnings
    assert warnings == ("OPSMOP_SSH_USRNAME is set and means nothing. Did you mean 'OPSMOP_SSH_USERNAME'?",)


@pytest.mark.parametrize(("text", "value"), [("true", True), ("0", False), ("False", False)])
def test_the_environment_says_yes_and_no_in_words(text: str, value: bool) -> None:
    assert found({"OPSMOP_REPORT_DIFF": text})["report_diff"] is value
