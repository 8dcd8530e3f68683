"""The demonstration itself: check, apply, apply again, each looked at afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

from opsmop.demo.hosts import FILES, HOSTS, lay_out, operator_environment, snapshot, write_connections
from opsmop.demo.sshd import PrivateSshd
from opsmop.errors import OpsMopError
from opsmop.report.look import forget_reader, tell_color
from opsmop.wire.records import dataclass

_GRACE = 10.0  # seconds that a push gets to end after a signal
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal ended the demonstration.

    :param number: the signal's
    """

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(number)


@dataclass(frozen=True)
class Step:
    """One command of the demonstration.

    :param title: what it answers
    :param words: two lines about it
    :param arguments: of the policy
    :param result: what its last line must be
    :param touches: whether the hosts must differ afterwards (or must not)
    :param lesson: what it shows, if it went as it should
    :param files: what must be there afterwards, below the hosts' folder
    """

    title: str
    words: str
    arguments: tuple[str, ...]
    result: str
    touches: bool
    lesson: str
    files: tuple[str, ...] = ()


STEPS = (
    Step(
        "What would change?",
        "A check looks at every host over SSH and plans. A later resource sees what an earlier one would do,\n"
        "so a file in a folder that is only planned is a plan too. Nothing on the hosts is touched.",
        ("--push", "--check"),
        "RESULT failed=0 unreachable=0 changed=3 ok=0 skipped=0",
        touches=False,
        lesson="the check touched nothing",
    ),
    Step(
        "Change it.",
        "The same objects that were planned now act, role by role, on all hosts of a role at once.\n"
        "Each role went to each host in one trip; nothing of OpsMop is installed there.",
        ("--push", "--apply"),
        "RESULT failed=0 unreachable=0 changed=3 ok=0 skipped=0",
        touches=True,
        lesson="all three hosts have what was announced",
        files=FILES,
    ),
    Step(
        "Once more.",
        "A policy says how things should be, so what is right already is left alone.\n"
        "The configuration did not change, so nothing is restarted either.",
        ("--push", "--apply"),
        "RESULT failed=0 unreachable=0 changed=0 ok=3 skipped=0",
        touches=False,
        lesson="the second apply changed nothing",
        files=FILES,
    ),
)


def show(*, keep: bool, color: str) -> int:
    """Run the demonstration and return its exit status; see `opsmop.demo.run`.

    :param keep: whether to leave the hosts' folders and the policy to be looked at
    :param color: ``auto``, ``always`` or ``never``
    """
    try:
        with _signals_as_exceptions():
            return _demonstrate(keep=keep, color=tell_color(color, sys.stdout, os.environ))
    except OpsMopError as error:
        print(f"opsmop demo: {error}", file=sys.stderr)
        return 2
    except Interrupted as interruption:
        return 128 + interruption.number
    except BrokenPipeError:
        forget_reader(sys.stdout)
        return 1


def _demonstrate(*, keep: bool, color: bool) -> int:
    with ExitStack() as stack:
        folder = stack.enter_context(_folder(keep=keep))
        lay_out(folder)
        sshd = stack.enter_context(PrivateSshd(addresses=tuple(HOSTS.values()), home=folder / "home"))
        write_connections(folder, sshd)
        _say(f"Three hosts, {', '.join(HOSTS)}: folders in {folder}/hosts behind a private sshd on port {sshd.port}.")
        _say(f"The policy is {folder}/policy/site.py.")
        environment = operator_environment(folder, os.environ, color=color)
        for number, step in enumerate(STEPS, 1):
            if faults_of(number, step, folder, environment):
                _say("", "The demonstration did NOT go as it should.")
                return 1
        _say("", "All of it went as it should.")
        return 0


def faults_of(number: int, step: Step, folder: Path, environment: dict[str, str]) -> list[str]:
    """Take one step, say what it shows, and return what went wrong."""
    _say("", f"--- {number}. {step.title}", *step.words.splitlines(), "")
    before = snapshot(folder)
    status, lines = _pushed(folder, step.arguments, environment)
    touched = snapshot(folder) != before
    last = next((line for line in reversed(lines) if line.startswith("RESULT")), "no RESULT line")
    faults = []
    if status != 0:
        faults.append(f"the exit status is {status}, not 0")
    if last != step.result:
        faults.append(f"the last line should be: {step.result}")
    if missing := [name for name in step.files if not (folder / "hosts" / name).is_file()]:
        faults.append(f"there is no {', no '.join(missing)}")
    if touched != step.touches:
        faults.append("the hosts were touched" if touched else "the hosts are as they were before")
    _say(
        "",
        *(f"WRONG: {fault}" for fault in faults),
        *([] if faults else [f"Seen in the hosts' folders: {step.lesson}."]),
    )
    return faults


def _pushed(folder: Path, arguments: tuple[str, ...], environment: dict[str, str]) -> tuple[int, list[str]]:
    """Run the policy, show what it prints as it comes, and return its exit status and lines."""
    _say(" ".join(("$ python3 site.py", *arguments)))
    process = subprocess.Popen(  # noqa: S603 - our own example
        (sys.executable, "site.py", *arguments),
        cwd=folder / "policy",
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        process_group=0,  # a terminal's Ctrl-C reaches us alone, and from us it gets exactly one
    )
    lines = []
    with process:
        try:
            for line in process.stdout or ():
                _say(line.rstrip("\n"))
                lines.append(line.rstrip("\n"))
        except BaseException as error:
            _stop(process, error.number if isinstance(error, Interrupted) else signal.SIGTERM)
            raise
    return process.returncode, lines


def _stop(process: subprocess.Popen[str], number: int) -> None:
    """Let the push end as a person's Ctrl-C would, with what it has to say about it."""
    process.send_signal(number)
    try:
        said, _ = process.communicate(timeout=_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        said, _ = process.communicate()
    try:
        _say(*(said or "").splitlines())
    except BrokenPipeError:
        forget_reader(sys.stdout)


@contextmanager
def _folder(*, keep: bool) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="opsmop-demo-"))
    try:
        yield folder
    finally:
        if keep:
            _say(f"Kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _signals_as_exceptions() -> Iterator[None]:
    """Let the first signal end the demonstration, cleaning up; those that follow may not end the cleaning."""

    def interrupt(number: int, _: FrameType | None) -> None:
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise Interrupted(number)

    before = {number: signal.signal(number, interrupt) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(*lines: str) -> None:
    for line in lines:
        print(line, flush=True)
