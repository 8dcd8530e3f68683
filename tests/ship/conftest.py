"""Carries policies from one Python to others that have nothing but what is sent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

from opsmop.ship.bundle import code_bundle

HERE = Path(__file__).parent
SOURCE = HERE.parents[1] / "src"
CANDIDATES = [f"python3.{minor}" for minor in range(9, 15)]
BOOT = (SOURCE / "opsmop" / "wire" / "boot.py").read_bytes()  # what a host runs before anything of ours is there
TARGET_PROGRAM = (HERE / "driver" / "target.py").read_text(encoding="utf-8")


def interpreters() -> dict[str, str]:
    """Every Python that can be a target, by its version, oldest first."""
    named = os.environ.get("OPSMOP_TARGET_PYTHONS", "").split()
    found = named or [
        *(str(path) for path in sorted(Path("~/.pyenv/versions").expanduser().glob("3.*/bin/python3"))),
        *CANDIDATES,
    ]
    versions = {}
    for python in [sys.executable, *found]:
        version = version_of(python)
        if version >= (3, 9):
            versions.setdefault(version, python)
    return {".".join(map(str, version)): versions[version] for version in sorted(versions)}


def version_of(python: str) -> tuple[int, int]:
    program = "import sys; print(*sys.version_info[:2])"
    try:
        ran = subprocess.run([python, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return (0, 0)
    major, minor = ran.stdout.split()
    return int(major), int(minor)


TARGETS = interpreters()


def controllers() -> list[str]:
    """The running Python, and the newest of the others that can be a controller."""
    able = [python for version, python in TARGETS.items() if int(version.split(".")[1]) >= 11]
    return list(dict.fromkeys([sys.executable, able[-1]]))


@dataclass
class Sent:
    """What one controller packed."""

    answer: dict

    @property
    def error(self) -> str:
        assert "error" in self.answer, "it was packed although it cannot travel"
        return self.answer["error"]

    @property
    def payload(self) -> bytes:
        assert "error" not in self.answer, self.answer["error"]
        return bytes.fromhex(self.answer["payload"])

    @property
    def packages(self) -> bytes:
        assert "error" not in self.answer, self.answer["error"]
        return bytes.fromhex(self.answer["bundle"])


class Travel:
    """Packs policies as `python3 site.py` on controllers, and evaluates them on targets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paths: list[Path] = []
        self.runs = 0
        self.targets = TARGETS

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")

    def send(
        self, policy: str, value: str = "Site()", *, python: str = sys.executable, options: str = "", **files: str
    ) -> Sent:
        self.write(files)
        ending = f'\nif __name__ == "__main__":\n    import deliver\n    deliver.parcel({value}{options})\n'
        self.write({"site.py": textwrap.dedent(policy) + ending})
        self.runs += 1
        out = self.folder / f"parcel{self.runs}.json"
        paths = [SOURCE, HERE / "driver", *self.paths]
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(map(str, paths)), PYTHONDONTWRITEBYTECODE="1")
        command = [python, "-W", "error", "site.py", str(out)]
        ran = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        return Sent(json.loads(out.read_text(encoding="utf-8")))

    def evaluate(self, sent: Sent, python: str) -> subprocess.CompletedProcess[bytes]:
        parts = [BOOT, code_bundle().raw(), sent.packages, sent.payload]
        head = json.dumps([len(part) for part in parts]).encode() + b"\n"
        command = [python, "-I", "-S", "-c", TARGET_PROGRAM]
        return subprocess.run(command, input=head + b"".join(parts), capture_output=True, check=False)

    def results(self, policy: str, value: str = "Site()", *, on: list[str] | None = None, **files: str) -> dict:
        """What main() returned, by (controller, target)."""
        found = {}
        for controller in controllers():
            sent = self.send(policy, value, python=controller, **files)
            for version, python in TARGETS.items():
                if on is None or version in on:
                    ran = self.evaluate(sent, python)
                    assert ran.returncode == 0, f"{version}: {ran.stderr.decode()}"
                    found[controller, version] = json.loads(ran.stdout)
        return found

    def everywhere(self, policy: str, expected: object, value: str = "Site()", **files: str) -> None:
        """main() returns the same on every target, whichever controller sent it."""
        results = self.results(policy, value, **files)
        assert results == dict.fromkeys(results, expected)


@pytest.fixture
def travel(tmp_path: Path) -> Travel:
    """A folder for a policy, and the ways out of it."""
    return Travel(tmp_path)
