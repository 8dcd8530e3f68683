"""pip for real: a virtual environment, and wheels of a test's own."""

from __future__ import annotations

import base64
import hashlib
import shutil
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsmop import Package

Evaluate = Callable[..., Any]


def wheel(folder: Path, name: str, version: str) -> None:
    """A wheel without code: the binary distribution format, as packaging.python.org describes it."""
    plain = name.replace("-", "_")
    info = f"{plain}-{version}.dist-info"
    files = {
        f"{plain}.py": f"version = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nProvides-Extra: more\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = []
    with zipfile.ZipFile(folder / f"{plain}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            lines.append(f"{path},sha256={digest},{len(text)}")
            archive.writestr(path, text)
        archive.writestr(f"{info}/RECORD", "\n".join([*lines, f"{info}/RECORD,,", ""]))


@pytest.fixture
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where an environment is to be; pip finds the wheels of two packages by its own configuration."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for version in ("1.0", "1.1", "2.0"):
        wheel(wheels, "Opsmop.Probe", version)
    wheel(wheels, "opsmop-other", "3.0")
    home = tmp_path / "home"
    (home / ".config" / "pip").mkdir(parents=True)
    (home / ".config" / "pip" / "pip.conf").write_text(f"[global]\nno-index = true\nfind-links = {wheels}\n")
    monkeypatch.setenv("HOME", str(home))
    return str(tmp_path / "venv")


def changes(evaluated: Any) -> list[str]:
    return [change.name + "?" * change.assumed for event in evaluated.finished for change in event.changes]


def package(*names: Any, **parameters: Any) -> Callable[[object], None]:
    def main(_: object) -> None:
        Package(*names, method="pip", **parameters)

    return main


def test_packages_come_into_an_environment_at_versions_and_go(venv: str, evaluate: Evaluate) -> None:
    main = package(["opsmop_probe[more]", "opsmop-other"], venv=venv)
    assert changes(evaluate(main, "check")) == ["create environment", "install"]
    assert not Path(venv).exists()
    assert changes(evaluate(main)) == ["create environment", "install"]
    assert (Path(venv) / "bin" / "pip").exists()
    for done in (
        main,
        package("OPSMOP.PROBE", venv=venv, latest=True),
        package("opsmop-probe", venv=venv, version="2.*"),
    ):
        assert changes(evaluate(done)) == changes(evaluate(done, "check")) == []
    older = package("opsmop-probe", venv=venv, version="1.*")
    announced = evaluate(older, "check")
    assert changes(announced) == ["upgrade"]
    assert changes(evaluate(older)) == ["upgrade"]
    assert changes(evaluate(older)) == []
    assert [change.before for change in announced.last.changes] == ["opsmop-probe 2.0"]
    newest = package("opsmop-probe", venv=venv, latest=True)
    assert changes(evaluate(newest, "check")) == ["upgrade"]
    assert changes(evaluate(newest)) == ["upgrade"]
    gone = package(["opsmop_probe", "opsmop_other"], venv=venv, absent=True)
    assert changes(evaluate(gone, "check")) == ["remove"]
    assert changes(evaluate(gone)) == ["remove"]
    assert changes(evaluate(gone)) == []


def test_absent_from_an_environment_that_is_not_there_is_no_change(venv: str, evaluate: Evaluate) -> None:
    assert changes(evaluate(package("x", venv=venv, absent=True))) == []


def test_what_the_index_lacks_is_named_in_check_too(venv: str, evaluate: Evaluate) -> None:
    evaluate(package("opsmop-other", venv=venv))
    for mode in ("check", "apply"):
        assert (
            "pip knows no package 'opsmop-nothing'"
            in evaluate(package("opsmop-nothing", venv=venv), mode).failure.message
        )
        wrong = evaluate(package("opsmop-probe", venv=venv, version="9"), mode).failure
        assert "pip offers no version 9 of opsmop-probe" in wrong.message
        assert "It offers 2.0, 1.1, 1.0" in wrong.remedy


def test_a_python_that_its_package_manager_manages_is_left_to_it(
    venv: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evaluate: Evaluate
) -> None:
    """The mark of PEP 668 is put into the standard library of a Python that is a copy of links to this one's."""
    real = Path(sysconfig.get_path("stdlib"))
    prefix = tmp_path / "managed"
    library = prefix / "lib" / real.name
    library.mkdir(parents=True)
    for path in real.iterdir():
        (library / path.name).symlink_to(path)
    (library / "EXTERNALLY-MANAGED").write_text("[externally-managed]\nError=managed\n")
    (prefix / "bin").mkdir()
    shutil.copy(Path(sys.executable).resolve(), prefix / "bin" / "python3")
    monkeypatch.setenv("PATH", f"{prefix / 'bin'}:/usr/bin:/bin")
    for mode in ("check", "apply"):
        failure = evaluate(package("opsmop-probe"), mode).failure
        assert "(PEP 668)" in failure.message
        assert 'venv="/opt/..."' in failure.remedy


def test_an_environment_of_its_own_goes_with_pip_alone(evaluate: Evaluate) -> None:
    assert 'venv= goes with method="pip"' in evaluate(lambda _: Package("x", venv="/opt/x")).failure.message
    assert 'directory= goes with method="npm"' in evaluate(lambda _: Package("x", directory="/opt/x")).failure.message
