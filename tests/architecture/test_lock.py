"""The lock file pins what running OpsMop needs: every dependency, all that those need, and nothing else."""

from __future__ import annotations

import re
import runpy
import tomllib
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
NEEDS = [Requirement(text) for text in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]]
PINNED = {
    name: (version, re.findall(r"--hash=sha256:([0-9a-f]{64})", rest))
    for name, version, rest in re.findall(
        r"^([a-z0-9-]+)==(\S+)((?: \\\n +\S+)+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE
    )
}


def needed(names: set[str]) -> set[str]:
    """The names, and those of all that they need in turn."""
    more = {
        need.name.lower()
        for name in names
        for need in map(Requirement, requires(name) or ())
        if need.marker is None or need.marker.evaluate({"extra": ""})
    }
    return names if more <= names else needed(names | more)


def test_every_dependency_is_pinned_with_its_digests() -> None:
    for need in NEEDS:
        version, digests = PINNED[need.name]
        assert need.specifier.contains(version)
        assert digests


def test_what_the_dependencies_need_is_pinned_and_nothing_else() -> None:
    assert set(PINNED) == needed({need.name for need in NEEDS})
    assert all(digests for _, digests in PINNED.values())


def test_what_could_not_be_audited_does_not_pass_for_safe() -> None:
    verdict = runpy.run_path(str(ROOT / "bin" / "audit"))["verdict"]
    safe, skipped = {"name": "a", "version": "1", "vulns": []}, {"name": "b", "skip_reason": "not found"}
    unsafe = {"name": "c", "version": "1", "vulns": [{"id": "CVE-1"}]}
    assert [verdict([safe]), verdict([safe, skipped]), verdict([safe, skipped, unsafe])] == [0, 2, 1]
