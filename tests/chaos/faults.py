"""What goes wrong in the middle of a run: how it is made, what must be said of it, and how it is mended."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.links import Link
from tests.fleet.harness import Host

AGENT = "pgrep -f '[O]PSMOP-READY'"
WAITING_SECONDS = 60
MEMORY = Path("/sys/fs/cgroup/memory")  # of cgroups version 1, beside which the containers use version 2


@dataclass
class Case:
    """A host, the link to it, and the controller that is at work on it."""

    host: Host
    link: Link
    controller: subprocess.Popen[str] | None = None

    @property
    def busy(self) -> bool:
        """Whether the host is in the middle of its role."""
        return (self.host.root / "srv/busy").exists()


def nothing(_: Case) -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    :param name: what it is
    :param status: how the contact with the host must end
    :param why: what the reason must say (a regular expression)
    :param before: makes it before the run begins
    :param during: makes it while the host is in the middle of its role, which it is then kept in
    :param mend: undoes it
    :param link: how the link to the host misbehaves by itself
    :param variables: the host's own variables
    """

    name: str
    status: str
    why: str = ""
    before: Callable[[Case], None] = nothing
    during: Callable[[Case], None] | None = None
    mend: Callable[[Case], None] = nothing
    link: dict[str, int] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)


def on_host(command: str) -> Callable[[Case], None]:
    """Running a command on the host, as root."""

    def act(case: Case) -> None:
        case.host.run(command)

    return act


def kill_ssh_client(case: Case) -> None:
    """Kill the ssh of this machine that leads to the host, which the controller started."""
    assert case.controller is not None
    for number in _children(case.controller.pid):
        if any(str(case.link.port) in word for word in _arguments(number)):
            os.kill(number, signal.SIGKILL)


def kill_sshd(case: Case) -> None:
    """Kill every sshd of the host, the one that listens and those that serve; systemd starts the first again."""
    for number in _sshds(case.host):
        os.kill(number, signal.SIGKILL)


def cut_at_the_end(case: Case) -> None:
    """Cut the link once all resources are done, and before the role has ended."""
    (case.host.root / "srv/hold").unlink()
    deadline = time.monotonic() + WAITING_SECONDS
    while not (case.host.root / "srv/work/last").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    case.link.cut()


def power_off(case: Case) -> None:
    case.host.kill()


def power_on(case: Case) -> None:
    case.host.start()


def limit_memory(case: Case) -> None:
    """Let the host's logins have 200 MB from now on."""
    folder = MEMORY / f"opsmop-chaos-{os.getpid()}-{case.host.name}"
    folder.mkdir()
    (folder / "memory.limit_in_bytes").write_text(str(200 << 20))
    for number in _sshds(case.host):
        (folder / "cgroup.procs").write_text(str(number))


def free_memory(case: Case) -> None:
    folder = MEMORY / f"opsmop-chaos-{os.getpid()}-{case.host.name}"
    for number in (folder / "cgroup.procs").read_text().split():
        with suppress(ProcessLookupError, OSError):
            (MEMORY / "cgroup.procs").write_text(number)
    folder.rmdir()


def starve_agent(case: Case) -> None:
    """Let what takes all memory begin, with the agent as what the kernel ends first."""
    # sudo, the agent and its role have the same arguments; sudo and the role lead sessions of their own
    case.host.run(
        f"for n in $({AGENT}); do "
        'test "$(ps -o sid= $n)" -eq $n || test "$(ps -o comm= $n)" = sudo || echo 1000 > /proc/$n/oom_score_adj; done'
    )
    (case.host.root / "srv/hold").unlink()


def install_clock(case: Case) -> None:
    """Make Python see a clock that a file moves; only what the clock says, not how fast time passes."""
    case.host.run(
        "apt-get install -qqy --no-install-recommends libfaketime >/dev/null && "
        "printf '%s\\n' '#!/bin/sh' "
        "'export LD_PRELOAD=$(echo /usr/lib/*/faketime/libfaketime.so.1) FAKETIME_NO_CACHE=1 "
        "FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_TIMESTAMP_FILE=/srv/clock' "
        "'exec /usr/bin/python3 \"$@\"' > /usr/local/bin/clocked-python && "
        "chmod 755 /usr/local/bin/clocked-python && echo +0 > /srv/clock"
    )


FAULTS = (
    Fault("nothing", "ok"),
    Fault("a slow link", "ok", link={"rate": 6 << 20}),
    Fault(
        "the clock jumps by ten days",
        "ok",
        before=install_clock,
        during=on_host("echo +10d > /srv/clock"),
        variables={"opsmop_python_path": "/usr/local/bin/clocked-python"},
    ),
    Fault(
        "the agent is killed",
        "lost",
        "the connection to .* ended before the role did",
        during=on_host(f"kill -9 $({AGENT})"),
    ),
    Fault(
        "the agent is stopped",
        "lost",
        "has said nothing for 12 seconds",
        during=on_host(f"kill -STOP $({AGENT})"),
        mend=on_host(
            f"for n in 1 2 3; do kill -CONT $({AGENT}); sleep 0.5; done; true"
        ),  # sudo stops again with its child
    ),
    Fault("ssh is killed", "lost", "the connection to .* ended before the role did", during=kill_ssh_client),
    Fault(
        "sshd is killed",
        "lost",
        "the connection to .* ended before the role did",
        during=kill_sshd,
    ),
    Fault(
        "the host loses its power",
        "lost",
        "the connection to .* ended before the role did",
        during=power_off,
        mend=power_on,
    ),
    Fault("the link is cut while connecting", "unreachable", "cannot be reached", link={"cut_after": 600}),
    Fault(
        "the link is cut while the code travels",
        "lost|unreachable",
        "cannot be reached|ended before",
        link={"cut_after": 60_000},
    ),
    Fault(
        "the link is cut in the middle of a command",
        "lost",
        "the connection to .* ended before the role did",
        during=lambda case: case.link.cut(),
    ),
    Fault(
        "the link is cut in the middle of a file",
        "lost",
        "the connection to .* ended before the role did",
        link={"cut_after": 12 << 20},
    ),
    Fault("the link freezes while connecting", "unreachable", ".", link={"freeze_after": 600}),
    Fault(
        "the link freezes in the middle of a command",
        "lost",
        "has said nothing for 12 seconds",
        during=lambda case: case.link.freeze(),
    ),
    Fault(
        "the link freezes in the middle of a file",
        "lost",
        "has said nothing for 12 seconds",
        link={"freeze_after": 12 << 20},
    ),
    Fault(
        "the link is cut at the end",
        "lost",
        "the connection to .* ended before the role did",
        during=cut_at_the_end,
        variables={"linger": True},
    ),
    Fault(
        "the disk is full",
        "failed",
        "No space left",
        before=on_host("mkdir -p /srv/work && mount -t tmpfs -o size=4m tmpfs /srv/work"),
        mend=on_host("umount /srv/work"),
    ),
    Fault(
        "the file system is read-only",
        "failed",
        "[Rr]ead-only",
        during=on_host("mount --bind /srv/work /srv/work && mount -o remount,bind,ro /srv/work"),
        mend=on_host("umount /srv/work"),
    ),
    Fault(
        "memory runs out",
        "failed",
        "exit status 137",
        before=limit_memory,
        mend=free_memory,
        variables={"memory": "in a command"},
    ),
    Fault(
        "memory runs out for the role",
        "lost",
        "the role's process on .* was killed by the kernel, as memory ran out there",
        before=limit_memory,
        mend=free_memory,
        variables={"memory": "in the role"},
    ),
    Fault(
        "memory runs out for the agent",
        "lost",
        "ended before the role did[^:]*\n.*did memory run out there",
        before=limit_memory,
        during=starve_agent,
        mend=free_memory,
        variables={"memory": "in a command"},
    ),
    Fault(
        "sudo hangs",
        "unreachable|failed",
        "sudo",
        before=on_host(
            "mv /usr/bin/sudo /usr/bin/sudo.real && printf '#!/bin/sh\\nsleep 3600\\n' > /usr/bin/sudo && chmod 755 /usr/bin/sudo"
        ),
        # a sudo that hears no hang-up is the host's own; nothing of ours has started behind it
        mend=on_host("pkill -x sleep; mv /usr/bin/sudo.real /usr/bin/sudo"),
    ),
)


def _children(parent: int) -> list[int]:
    numbers = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            status = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(status[1]) == parent:
                numbers.append(int(entry.name))
    return numbers


def _arguments(number: int) -> list[str]:
    with suppress(OSError):
        return Path(f"/proc/{number}/cmdline").read_text().split("\0")
    return []


def _sshds(host: Host) -> list[int]:
    """The numbers on this machine of the sshds of a host."""
    numbers = [int(text) for path in host._cgroup.rglob("cgroup.procs") for text in path.read_text().split()]
    return [number for number in numbers if _arguments(number)[0].startswith(("/usr/sbin/sshd", "sshd:"))]
