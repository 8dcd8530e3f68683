"""npm for real, with a registry of a test's own on loopback."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.providers.web import Page, Web, serving

from opsmop import Directory, File, Package

Evaluate = Callable[..., Any]
assert shutil.which("npm"), "these tests need npm (Debian: apt-get install npm)"


def offer(web: Web, name: str, *versions: str) -> None:
    """A package without code: what a registry answers (npm/registry, docs/responses/package-metadata.md)."""
    found = {}
    for version in versions:
        described = {"name": name, "version": version}
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w:gz") as archive:
            text = json.dumps(described).encode()
            info = tarfile.TarInfo("package/package.json")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text))
        path = f"/files/{name.replace('/', '-')}-{version}.tgz"
        web.pages[path] = Page(data.getvalue())
        found[version] = {
            **described,
            "dist": {"tarball": web.url + path, "shasum": hashlib.sha1(data.getvalue()).hexdigest()},
        }
    answer = {"name": name, "dist-tags": {"latest": versions[-1]}, "versions": found}
    web.pages["/" + name.replace("/", "%2f")] = Page(
        json.dumps(answer).encode(), headers={"Content-Type": "application/json"}
    )


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A project whose registry offers two packages."""
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with serving() as web:
        offer(web, "opsmop-probe", "1.0.0", "1.1.0", "2.0.0")
        offer(web, "@opsmop/other", "3.0.0")
        (tmp_path / "home" / ".npmrc").write_text(f"registry={web.url}/\nprefix={tmp_path / 'all'}\n")
        (tmp_path / "project").mkdir()
        yield str(tmp_path / "project")


def changes(evaluated: Any) -> list[str]:
    return [change.name + "?" * change.assumed for event in evaluated.finished for change in event.changes]


def package(*names: Any, **parameters: Any) -> Callable[[object], None]:
    def main(_: object) -> None:
        Package(*names, method="npm", **parameters)

    return main


@pytest.mark.parametrize("where", ["project", "all users"])
def test_packages_come_at_versions_and_go(where: str, project: str, evaluate: Evaluate) -> None:
    place = {"directory": project} if where == "project" else {}
    main = package(["opsmop-probe", "@opsmop/other"], **place)
    assert changes(evaluate(main, "check")) == ["install"]
    assert list(Path(project).iterdir()) == []
    assert changes(evaluate(main)) == ["install"]
    for done in (main, package("opsmop-probe", latest=True, **place), package("opsmop-probe", version="2.*", **place)):
        assert changes(evaluate(done)) == changes(evaluate(done, "check")) == []
    older = package("opsmop-probe", version="1.1.0", **place)
    assert changes(evaluate(older, "check")) == changes(evaluate(older)) == ["upgrade"]
    assert changes(evaluate(older)) == []
    newest = package("opsmop-probe", latest=True, **place)
    assert changes(evaluate(newest, "check")) == changes(evaluate(newest)) == ["upgrade"]
    gone = package(["opsmop-probe", "@opsmop/other"], absent=True, **place)
    assert changes(evaluate(gone, "check")) == changes(evaluate(gone)) == ["remove"]
    assert changes(evaluate(gone)) == []


def test_what_the_registry_lacks_is_named_in_check_too(project: str, evaluate: Evaluate) -> None:
    for mode in ("check", "apply"):
        failure = evaluate(package("opsmop-nothing", directory=project), mode).failure
        assert "npm knows no package 'opsmop-nothing'" in failure.message
        wrong = evaluate(package("opsmop-probe", version="9.0.0", directory=project), mode).failure
        assert "npm offers no version 9.0.0 of opsmop-probe" in wrong.message
        assert "is not the name" in evaluate(package("Opsmop", directory=project), mode).failure.message
        assert "does not exist" in evaluate(package("opsmop-probe", directory="/no/where"), mode).failure.message


def test_a_package_of_a_planned_project_is_announced(project: str, evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        Directory(f"{project}/new")
        File(f"{project}/new/package.json", from_content="{}\n")
        Package("opsmop-probe", method="npm", directory=f"{project}/new")

    announced = [name.rstrip("?") for name in changes(evaluate(main, "check"))]
    assert announced == changes(evaluate(main)) == ["create", "create", "install"]
