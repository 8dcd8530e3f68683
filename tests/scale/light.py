"""Many light hosts: an ssh that is an agent by itself, and a policy for as many hosts as are wanted."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

from opsmop.events import EvaluationFinished, EvaluationStarted, Event, ResourceFinished, ResourceStarted
from opsmop.events.wire import to_wire
from opsmop.wire import frames

HERE = Path(__file__).parent
RESOURCES = 25  # of the role, each with a start and an ending

POLICY = """\
from opsmop import *


class Light(Role):
    def inventory(self):
        return TomlInventory("inventory.toml").filter(groups="light")

    def main(self):
        Echo("said by the light agent itself")


class Site(Policy):
    def set_roles(self):
        return Roles(Light(), Light())


if __name__ == "__main__":
    Cli(Site())
"""


def make_site(folder: Path, hosts: int) -> None:
    """Write a policy of two roles for so many light hosts, and the ssh that leads to them."""
    (folder / "site.py").write_text(POLICY)
    names = "".join(f'light{number:04} = "opsmop_host=127.0.0.9"\n' for number in range(hosts))
    (folder / "inventory.toml").write_text(f"[groups.light.hosts]\n{names}")
    (folder / "bin").mkdir()
    shutil.copy(HERE / "light_ssh.pl", folder / "bin" / "ssh")
    (folder / "bin" / "ssh").chmod(0o755)
    (folder / "frames").write_bytes(_answer())


def environment(folder: Path) -> dict[str, str]:
    """What the policy is run with: its ssh found first, and places of its own for what is kept."""
    places = {name: str(folder / "kept") for name in ("HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")}
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, **places, "PATH": path, "OPSMOP_LIGHT_FRAMES": str(folder / "frames")}


def _answer() -> bytes:
    said: list[Event] = [EvaluationStarted(mode="apply", python="3.13.0")]
    for number in range(1, RESOURCES + 1):
        name = f"/srv/light/file{number}"
        said.append(ResourceStarted(id=number, type="File", name=name))
        status = "ok" if number % 5 else "changed"
        said.append(ResourceFinished(id=number, type="File", name=name, status=status))
    said.append(EvaluationFinished())
    told = b"".join(
        frames.frame(frames.EVENT, to_wire(replace(event, seq=number))) for number, event in enumerate(said, 1)
    )
    return told + frames.frame(frames.ENDED, bytes((frames.EXITED, 0)))
