"""A private OpenSSH server on loopback, for the current user, that leaves nothing behind."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from opsmop.demo.processes import end_processes, marked_or_descending
from opsmop.errors import OpsMopError

_PLACES = "/usr/sbin:/usr/local/sbin:/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/sbin"
_START_LIMIT = 10.0  # seconds until it must listen
_PORT_TRIES = 5  # another process may take a port between our look and sshd's
# sshd.c of OpenSSH: privilege separation's empty folder as Debian builds it; only a root sshd needs it.
_PRIVILEGE_FOLDER = Path("/run/sshd")
_MARK = "OPSMOP_PRIVATE_SSHD"  # in the environment of whatever its sessions start
_NO_LOGIN = ("nologin", "false")

_CONFIG = """\
{listen}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AllowUsers {user}
PermitUserRC no
PermitUserEnvironment no
X11Forwarding no
AllowAgentForwarding no
PrintMotd no
PrintLastLog no
MaxStartups 200
MaxSessions 100
LogLevel VERBOSE
SetEnv {environment}
{extra}
"""


class SshdError(OpsMopError):
    """The private sshd cannot start here."""


class PrivateSshd:
    """OpenSSH's sshd on free loopback addresses, as the current user, with keys of its own.

    A context manager: it listens once entered; on leaving, it and whatever its sessions started are ended and its
    folder is gone. It reads no file of the user's; a session's HOME is `home`. For root it makes ``/run/sshd``, which
    OpenSSH wants there and which stays, for other servers of OpenSSH may be using it by then.

    :param addresses: loopback addresses to listen on, at most 16 (OpenSSH's limit)
    :param home: HOME of the sessions; a folder of its own if not given
    :param extra: further lines of its configuration
    :param search: folders in which OpenSSH's programs are looked for; PATH and the usual ones if not given

    `port`, `addresses`, `address` (the first), `user`, `key_file`, `known_hosts`, `ssh_args` (what an ssh client needs
    besides), `home`, `log` and `folder` describe it.
    """

    def __init__(
        self,
        *,
        addresses: tuple[str, ...] = ("127.0.0.1",),
        home: Path | None = None,
        extra: str = "",
        search: str = "",
    ) -> None:
        self.addresses = addresses
        self.address = addresses[0]
        self.port = 0
        self._given_home = home
        self._extra = extra
        self._search = search or os.pathsep.join((os.environ.get("PATH", ""), _PLACES))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Make the keys and start listening.

        :raises SshdError: if OpenSSH is missing, the user cannot log in, or sshd does not start
        """
        programs = _programs(self._search)
        self.user = _login_name()
        self.folder = Path(tempfile.mkdtemp(prefix="opsmop-sshd-"))
        try:
            self._prepare(programs["ssh-keygen"])
            self._start(programs["sshd"])
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it, its sessions and what they started; remove its folder."""
        self._end()

    @property
    def key_file(self) -> Path:
        """The key that it lets in."""
        return self.folder / "client_key"

    @property
    def known_hosts(self) -> Path:
        """A ``known_hosts`` file with its host key at all its addresses."""
        return self.folder / "known_hosts"

    @property
    def log(self) -> Path:
        """What it has to say."""
        return self.folder / "log"

    @property
    def home(self) -> Path:
        """HOME of its sessions."""
        return self._given_home or self.folder / "home"

    @property
    def ssh_args(self) -> tuple[str, ...]:
        """Arguments that keep an ssh client away from the user's own configuration, agent and known hosts."""
        options = (
            f"UserKnownHostsFile={self.known_hosts}",
            "GlobalKnownHostsFile=/dev/null",
            "IdentitiesOnly=yes",
            "IdentityAgent=none",
            "ControlPath=none",
        )
        return ("-F", "/dev/null", *(word for option in options for word in ("-o", option)))

    def processes(self) -> tuple[int, ...]:
        """The ids of its own processes and of all that its sessions have started and that still run."""
        return marked_or_descending(f"{_MARK}={self.folder}", self._process.pid if self._process else 0)

    def _prepare(self, keygen: str) -> None:
        self.home.mkdir(mode=0o700, exist_ok=True)
        for name in ("host_key", "client_key"):
            command = (keygen, "-q", "-t", "ed25519", "-N", "", "-C", f"opsmop {name}", "-f", str(self.folder / name))
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL)  # noqa: S603 - a fixed program
        shutil.copyfile(self.folder / "client_key.pub", self.folder / "authorized_keys")

    def _start(self, sshd: str) -> None:
        if os.geteuid() == 0:
            _PRIVILEGE_FOLDER.mkdir(mode=0o755, exist_ok=True)
        for _ in range(_PORT_TRIES):
            self.port = _free_port(self.addresses)
            self._write_port()
            # sshd insists on an absolute path of its own: it starts itself again for every connection.
            command = (sshd, "-D", "-f", str(self.folder / "config"), "-E", str(self.log))
            self._process = subprocess.Popen(  # noqa: S603 - a fixed program
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                cwd="/", start_new_session=True,
            )  # fmt: skip
            if self._listens():
                return
        raise SshdError(
            f"{sshd} does not start", place=f"port {self.port}", remedy=self._last_words() or "It says nothing."
        )

    def _write_port(self) -> None:
        listen = "\n".join(f"ListenAddress {address}:{self.port}" for address in self.addresses)
        environment = f'HOME="{self.home}" "{_MARK}={self.folder}"'
        text = _CONFIG.format(
            listen=listen, folder=self.folder, user=self.user, environment=environment, extra=self._extra
        )
        (self.folder / "config").write_text(text)
        key = (self.folder / "host_key.pub").read_text().strip()
        self.known_hosts.write_text("".join(f"[{address}]:{self.port} {key}\n" for address in self.addresses))

    def _listens(self) -> bool:
        assert self._process is not None
        limit = time.monotonic() + _START_LIMIT
        while time.monotonic() < limit and self._process.poll() is None:
            if all(_answers(address, self.port) for address in self.addresses):
                return True
            time.sleep(0.02)
        end_processes((self._process.pid,))
        self._process.wait()
        return False

    def _last_words(self) -> str:
        return self.log.read_text(errors="replace")[-2000:].strip() if self.log.exists() else ""

    def _end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGSTOP)  # no session may start between the look and the end
            sessions = self.processes()
            self._process.kill()
            self._process.wait()
            end_processes(sessions)
        end_processes(self.processes())
        shutil.rmtree(self.folder, ignore_errors=True)


def _programs(path: str) -> dict[str, str]:
    found = {}
    for name, package in (("sshd", "openssh-server"), ("ssh", "openssh-client"), ("ssh-keygen", "openssh-client")):
        program = shutil.which(name, path=path)
        if program is None:
            raise SshdError(f"OpenSSH's {name} is not installed", remedy=f"apt-get install {package}")
        found[name] = os.path.realpath(program)
    return found


def _login_name() -> str:
    try:
        entry = pwd.getpwuid(os.geteuid())
    except KeyError:
        raise SshdError(
            f"user id {os.geteuid()} has no name, so that no sshd lets it in", remedy="Give it a line in /etc/passwd."
        ) from None
    if Path(entry.pw_shell).name in _NO_LOGIN:
        raise SshdError(
            f"{entry.pw_name} cannot log in: the shell is {entry.pw_shell}",
            remedy="Run this as a user with a login shell, such as /bin/sh.",
        )
    return entry.pw_name


def _free_port(addresses: tuple[str, ...]) -> int:
    while True:
        with socket.socket() as first:
            first.bind((addresses[0], 0))
            port: int = first.getsockname()[1]
            if all(_is_free(address, port) for address in addresses[1:]):
                return port


def _is_free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def _answers(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=2) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False
