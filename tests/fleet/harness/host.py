"""A host of a fleet."""

import shlex
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from . import snapshot
from .containers import Container
from .errors import CommandError, FleetError
from .login import Login
from .network import Cable

BOOT_SECONDS = 90


class Machine(Protocol):
    """One boot of a host: a container, or a virtual machine."""

    def wants_reboot(self) -> bool: ...
    def is_running(self) -> bool: ...
    def console_tail(self, lines: int = 30) -> str: ...
    def halt(self) -> None: ...
    def end(self) -> None: ...


class Host:
    """A Debian system with systemd and sshd at an address of its own.

    `name` is its host name, `release` its Debian release, `address` where its sshd listens (port 22), `root` its whole
    file system as seen from this machine, `upper` what differs from its base, `cable` what leads to it if it has a network
    of its own. All tell of the host while it runs and while it is stopped. It must boot within `boot_seconds`.
    """

    boot_seconds: float = BOOT_SECONDS

    def __init__(
        self,
        *,
        name: str,
        release: str,
        address: str,
        folder: Path,
        base: Path,
        cgroup: Path,
        login: Login,
        cable: Cable | None = None,
    ) -> None:
        self.name = name
        self.release = release
        self.address = address
        self.root = folder / "root"
        self.upper = folder / "upper"
        self._base = base
        self._console = folder / "console.log"
        self._cgroup = cgroup
        self._login = login
        self.cable = cable
        self._before = cable.words if cable is not None else []
        self._container: Machine | None = None

    def __repr__(self) -> str:
        return f"<Host {self.name} {self.address}>"

    def run(
        self,
        command: str | Sequence[str],
        *,
        check: bool = True,
        input: str | None = None,  # noqa: A002 - the name that subprocess.run gives it
        user: str | None = None,
        timeout: float = 300,
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command by ssh, as root or as `user`, and return its `CompletedProcess` (text).

        A list is an argument list, a text goes to the login shell. `timeout` is in seconds. With `check`, a status
        other than 0 raises CommandError; a timeout raises FleetError.
        """
        text = command if isinstance(command, str) else shlex.join(command)
        arguments = self._login.arguments(self.address, user or "root", self._before)
        standard_input = {"stdin": subprocess.DEVNULL} if input is None else {"input": input}
        try:
            result = subprocess.run(
                [*arguments, text],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout,
                check=False,
                **standard_input,
            )
        except subprocess.TimeoutExpired as error:
            raise FleetError(f"{self.name}: {text!r} did not end within {timeout} seconds") from error
        result.args = text
        if check and result.returncode:
            raise CommandError(self.name, result)
        return result

    def start(self) -> None:
        """Boot, and wait until sshd answers and systemd is up; FleetError shows the console if that takes too long."""
        self.boot()
        self.await_boot()

    def boot(self) -> None:
        """Start booting, without waiting."""
        if self.is_running():
            raise FleetError(f"{self.name} is running already")
        if self._container is not None:  # it ended by itself
            self._container.end()
        machine = f"{self._cgroup.parent.name}-{self.name}"
        network = self.cable.path if self.cable is not None else None
        self._container = Container(machine, self.name, self.root, self._console, self._cgroup, network)

    @contextmanager
    def restarting(self) -> Iterator[None]:
        """Boot again when the system reboots, as a machine does; it has rebooted once when this ends."""
        rebooted = threading.Event()
        over = threading.Event()

        def look_after() -> None:
            while not over.wait(0.05):
                if self._running_container().wants_reboot():
                    self.boot()
                    rebooted.set()

        watch = threading.Thread(target=look_after)
        watch.start()
        try:
            yield
            if not rebooted.wait(self.boot_seconds):
                raise FleetError(f"{self.name} has not rebooted")
            self.await_boot()
        finally:
            over.set()
            watch.join()

    def await_boot(self) -> None:
        """Wait until sshd answers and systemd is up (running or degraded), `boot_seconds` at most."""
        deadline = time.monotonic() + self.boot_seconds
        while not self._login.answers(self.address, self._before):
            self._refuse_to_wait(deadline, "its sshd does not answer")
            time.sleep(0.05)
        state = ""
        while state not in ("running", "degraded"):
            self._refuse_to_wait(deadline, f"systemd says {state!r}")
            state = self.run(
                "systemctl is-system-running --wait", check=False, timeout=self.boot_seconds
            ).stdout.strip()

    def stop(self) -> None:
        """Shut down in order, as `systemctl poweroff` would; the disk stays."""
        self._running_container().halt()
        self._container = None

    def kill(self) -> None:
        """Take the power away, with no goodbye to anyone; the disk stays."""
        self._running_container().end()
        self._container = None

    def is_running(self) -> bool:
        """Say whether the host was started and is up or booting."""
        return self._container is not None and self._container.is_running()

    def snapshot(self, ignore: Sequence[str] = ()) -> dict[str, snapshot.Entry]:
        """Return what is on its disk beside the base, for `difference`; /run is not on disk, /tmp is.

        `ignore` adds fnmatch patterns of absolute paths to those that a running system writes by itself.
        """
        return snapshot.take(self.upper, self._base, (*snapshot.WRITTEN_BY_THE_SYSTEM, *ignore))

    def _running_container(self) -> Machine:
        if self._container is None:
            raise FleetError(f"{self.name} is not running")
        return self._container

    def _refuse_to_wait(self, deadline: float, symptom: str) -> None:
        if self._container is None or not self._container.is_running():
            symptom = "its machine ended"
        elif time.monotonic() < deadline:
            return
        tail = self._container.console_tail() if self._container else ""
        raise FleetError(f"{self.name} ({self.release}, {self.address}) did not boot: {symptom}. Its console:\n{tail}")
