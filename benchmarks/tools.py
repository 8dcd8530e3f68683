"""The bound and OpsMop as tools: what each needs in its folder, and the command that does a job."""

from __future__ import annotations

import json
import os
import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.grounds import PYTHON, Grounds, Target
from benchmarks.jobs import Job, variables

SSH_OPTIONS = ("-oBatchMode=yes", "-oLogLevel=ERROR", "-T")


@dataclass(frozen=True)
class Command:
    """How a tool does a job.

    :param words: the command
    :param folder: where it runs
    :param environment: environment variables besides the plain ones
    :param check: the command that only says what it would do; none if the tool is not asked that
    """

    words: tuple[str, ...]
    folder: Path
    environment: tuple[tuple[str, str], ...] = ()
    check: tuple[str, ...] = ()

    def for_phase(self, phase: str) -> Command | None:
        """The command of a phase; None if it has none."""
        if phase != "check":
            return self
        return replace(self, words=self.check) if self.check else None


def bound(grounds: Grounds, job: Job, targets: tuple[Target, ...], folder: Path) -> Command:
    """The least that could do it."""
    job.lay_out(folder)
    ssh = ["ssh", *grounds.ssh_args, *SSH_OPTIONS, "-l", grounds.user, "-i", str(grounds.key_file)]
    hosts = [
        {"address": target.address, "port": target.port, "variables": variables(target.number, str(target.root))}
        for target in targets
    ]
    commands = [job.command(number, "ROOT") for number in range(job.commands)]
    plan = {"hosts": hosts, "folders": job.folders, "commands": commands, "ssh": ssh, "work": str(folder)}
    (folder / "plan.json").write_text(json.dumps({**plan, "python": PYTHON}))
    return Command((sys.executable, str(Path(__file__).parent / "bound.py"), "plan.json"), folder)


def opsmop(grounds: Grounds, job: Job, targets: tuple[Target, ...], folder: Path, *, tree: bool = False) -> Command:
    """OpsMop, as its command line.

    :param tree: whether the hosts are behind another one
    """
    job.lay_out(folder)
    (folder / "site.py").write_text(policy(job))
    (folder / "inventory.toml").write_text(inventory(grounds, targets) + (_behind(targets[0]) if tree else ""))
    home = folder / "operator"
    home.mkdir(exist_ok=True)
    words = (sys.executable, "site.py", "--push")
    return Command((*words, "--apply"), folder, (("HOME", str(home)),), (*words, "--check"))


def policy(job: Job) -> str:
    """A policy that does `job`, as its author would write it: with literal names."""
    body = [f'Directory(f"{{root}}/{name}", mode=0o755)' for name in job.folders]
    body += [f'File(f"{{root}}/{name}", from_file="files/{name}", mode=0o644)' for name in job.files]
    body += [f'File(f"{{root}}/{name}", from_file="copies/{name}", mode=0o644)' for name in job.copies]
    body += [f'File(f"{{root}}/{name}", from_template="templates/{name}.j2", mode=0o644)' for name in job.templates]
    commands = (job.command(number, "{root}") for number in range(job.commands))
    body += [f'Shell(f"{command}", changed_when=False)' for command in commands]
    return _POLICY + "".join(f"        {line}\n" for line in body) + _POLICY_END


_POLICY = """\
from opsmop import Cli, Directory, File, Policy, Role, Roles, Shell, TomlInventory


class Work(Role):
    def inventory(self):
        return TomlInventory("inventory.toml").filter(groups="work")

    def main(self):
        root = self.vars.root
"""
_POLICY_END = """

class Site(Policy):
    def set_roles(self):
        return Roles(Work())


if __name__ == "__main__":
    Cli(Site())
"""


def inventory(grounds: Grounds, targets: tuple[Target, ...]) -> str:
    """The hosts, for OpsMop."""
    connection = {
        "opsmop_ssh_username": grounds.user,
        "opsmop_ssh_key_file": str(grounds.key_file),
        "opsmop_ssh_args": shlex.join(grounds.ssh_args),
        "opsmop_python_path": PYTHON,
    }
    # A JSON value is a TOML value for what stands here (toml.io, v1.0.0).
    lines = ["[groups.all.vars]"]
    lines += [f"{name} = {json.dumps(value)}" for name, value in connection.items()]
    for target in targets:
        own = {"opsmop_host": target.address, "opsmop_ssh_port": target.port}
        lines += ["", f"[groups.work.hosts.{target.name}]"]
        lines += [f"{name} = {json.dumps(value)}" for name, value in {**own, **_own(target)}.items()]
    return "\n".join(lines) + "\n"


def _behind(first: Target) -> str:
    """One more host, through which the others are reached: an sshd stands in for both ends of a way as well."""
    own = {"opsmop_host": first.address, "opsmop_ssh_port": first.port}
    lines = ["", "[groups.work.vars]", 'opsmop_via = "bastion"', "", "[groups.ways.hosts.bastion]"]
    return "\n".join([*lines, *(f"{name} = {json.dumps(value)}" for name, value in own.items())]) + "\n"


def _own(target: Target) -> dict[str, object]:
    return variables(target.number, str(target.root))


def plain_environment() -> dict[str, str]:
    """The environment of every tool: nothing of the operator's."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "PYTHONPATH": str(Path(__file__).parents[1] / "src"),
    }
