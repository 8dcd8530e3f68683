"""Where defaults are written: the environment, the project, the user's files, the system's file."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from opsmop.errors import UsageError
from opsmop.inventory.tree import close
from opsmop.settings.defaults import DEFAULTS, Defaults, read, variable_of

PROJECT_FILE = "opsmop.toml"
SYSTEM_FILE = Path("/etc/opsmop/defaults.toml")
_PREFIX = "OPSMOP_"
_ALMOST = 0.85  # as alike as a slip of the finger is


def usual(folder: Path) -> Defaults:
    """The defaults of this user on this machine, for what is in `folder`.

    :raises UsageError: as `found`
    """
    project = project_file(folder)
    ignored = distrust(project) if project else ""
    files = ([project] if project and not ignored else []) + [*user_files(), SYSTEM_FILE]
    warnings = [ignored] if ignored else []
    if _open_to_all(folder) and (project is None or project.parent != folder):
        warnings.append(f"everybody may write to {folder}, and so decide what runs as you; chmod o-w {folder}")
    return found(os.environ, *files).with_environment({}, tuple(warnings))


def user_files() -> tuple[Path, ...]:
    """The defaults files of the user, the strongest first: below the configuration folder of the XDG Base Directory
    rules 0.8, then OpsMop's own.
    """
    said = os.environ.get("XDG_CONFIG_HOME", "")
    configuration = Path(said) if said.startswith("/") else Path.home() / ".config"
    return configuration / "opsmop" / "defaults.toml", Path.home() / ".opsmop" / "defaults.toml"


def project_file(folder: Path) -> Path | None:
    """The nearest ``opsmop.toml`` at or above `folder`, looked for no higher than where a repository or a home begins."""
    home = Path.home()
    for each in (folder, *folder.parents):
        if (each / PROJECT_FILE).is_file():
            return each / PROJECT_FILE
        if each == home or (each / ".git").exists():
            return None
    return None


def distrust(path: Path) -> str:
    """Why a project's file is not believed: its options of ssh could run commands as whoever believes them."""
    caller = os.environ.get("SUDO_UID", "")
    trusted = {0, os.geteuid(), int(caller) if caller.isdecimal() else 0}
    file = path.stat()
    if file.st_uid not in trusted:
        return f"{path} is ignored: it belongs to another user (id {file.st_uid})"
    if file.st_mode & 0o002:
        return f"{path} is ignored: everybody may write to it; chmod o-w {path}"
    if _open_to_all(path.parent):
        return f"{path} is ignored: everybody may write to its folder; chmod o-w {path.parent}"
    return ""


def _open_to_all(folder: Path) -> bool:
    """Whether everybody may replace what is in `folder`: in a sticky one nobody replaces another's file."""
    mode = folder.stat().st_mode if folder.is_dir() else 0
    return bool(mode & 0o002) and not mode & 0o1000


def found(environment: Mapping[str, str], *files: Path) -> Defaults:
    """Read `files`, the strongest first, and the environment, which is stronger still.

    :raises UsageError: if a file cannot be read, is not TOML, or a value is not what it should be
    """
    defaults = Defaults()
    for path in reversed(files):
        if path.is_file():
            defaults = defaults.with_file(path, *_file_values(path))
    return defaults.with_environment(_environment_values(environment), tuple(_slips(environment)))


def _file_values(path: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    values: dict[str, Any] = {}
    warnings = []
    for section, table in _document(path).items():
        if not isinstance(table, dict):
            raise UsageError(f"{section} is not a section", place=str(path), remedy=f"Write it under [{section}].")
        for key, value in table.items():
            name = f"{section}_{key}"
            if name in DEFAULTS:
                values[name] = _placed(name, read(name, value, f"[{section}] {key}", str(path)), path.parent)
            else:
                warnings.append(f"{path}: [{section}] {key} means nothing. {_meant(section, key)}")
    if any(DEFAULTS[name].private for name in values) and path.stat().st_mode & 0o077:
        warnings.append(f"{path} holds a password and others may read it; chmod 600 {path}")
    return values, tuple(warnings)


def _meant(section: str, key: str) -> str:
    """What the author of a defaults file may have meant, as it is written there."""
    keys = [name.removeprefix(f"{section}_") for name in DEFAULTS if name.startswith(f"{section}_")]
    return close(key, keys) if keys else close(section, {name.partition("_")[0] for name in DEFAULTS})


def _placed(name: str, value: Any, folder: Path) -> Any:
    """A relative path is relative to the file that says it."""
    if not DEFAULTS[name].is_path or not value or value.startswith("~"):
        return value
    return str(folder.absolute() / value)


def _document(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"the defaults cannot be read: {error.strerror}", place=str(path)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"the defaults are not TOML: {error}", place=str(path)) from None


def _environment_values(environment: Mapping[str, str]) -> dict[str, Any]:
    values = {}
    for name, default in DEFAULTS.items():
        variable = variable_of(name)
        if variable not in environment:
            continue
        if default.private:
            raise UsageError(
                f"{variable} is set: the environment is no place for a password",
                remedy=f"Unset it, and put the password into {user_files()[-1]} with mode 0600.",
            )
        values[name] = read(name, environment[variable], variable, "environment")
    return values


def _slips(environment: Mapping[str, str]) -> Iterator[str]:
    """Variables that are almost ours. Others may use the prefix for what they like."""
    known = [variable_of(name) for name in DEFAULTS]
    for variable in sorted(environment):
        if variable.startswith(_PREFIX) and variable not in known:
            from difflib import get_close_matches  # only for what is nearly one of ours

            near = get_close_matches(variable, known, n=1, cutoff=_ALMOST)
            if near:
                yield f"{variable} is set and means nothing. Did you mean {near[0]!r}?"
