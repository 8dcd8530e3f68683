"""Host keys that ssh does not know yet: asked for by the user's own ssh, and remembered where ssh looks."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from opsmop.errors import ConnectError, HostKeyError, OpsMopError, UsageError
from opsmop.transport.base import Route
from opsmop.transport.configured import configured
from opsmop.transport.diagnosis import why_no_connection
from opsmop.transport.openssh import ssh_arguments
from opsmop.wire.records import dataclass, replace

_PATIENCE = 10.0  # seconds beyond ssh's own limit
# The login is not wanted: the key is checked, and told, before it. Nor is a banner, which a host may send without end.
_NO_LOGIN = tuple(
    word
    for option in ("PreferredAuthentications=none", "HashKnownHosts=no", "ControlPath=none", "LogLevel=ERROR")
    for word in ("-o", option)
)


@dataclass(frozen=True)
class Scanned:
    """What became of one host.

    :param host: its name
    :param place: where it was met
    :param file: the file in which ssh remembers its key
    :param line: the line to be added there; empty if the key is known already, or there is an error
    :param fingerprint: the key's kind and fingerprint
    :param error: why there is no key: it has changed (`HostKeyError`), or the host was not met
    """

    host: str
    place: str
    file: str = ""
    line: str = ""
    fingerprint: str = ""
    error: OpsMopError | None = None


def scan(route: Route) -> Scanned:
    """Meet a host, without logging in. It goes the way that a role would, jump hosts and all."""
    if route.via is not None:
        return Scanned(route.host, route.place, error=_elsewhere(route, route.via))
    try:
        error = _met(route)
        if error is None:
            return Scanned(route.host, route.place)
        if not isinstance(error, HostKeyError) or "is unknown" not in error.message:
            return Scanned(route.host, route.place, error=error)
        return _unknown(route)
    except OpsMopError as error:
        return Scanned(route.host, route.place, error=error)


def remember(scanned: Iterable[Scanned]) -> None:
    """Add the lines of hosts to the files that ssh looks into.

    :raises UsageError: if one cannot be written
    """
    for file, line in dict.fromkeys((each.file, each.line) for each in scanned if each.line):
        path = Path(file)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+b") as known:
                before = known.read()
                known.write((b"" if before.endswith(b"\n") or not before else b"\n") + line.encode() + b"\n")
        except OSError as error:
            raise UsageError(f"the host key cannot be remembered: {error.strerror}", place=file) from None


def _elsewhere(route: Route, via: Route) -> OpsMopError:
    port = f"-p {route.port} " if route.port else ""
    return ConnectError(
        f"{route.host} is reached from {via.host}, which must know its key",
        host=route.host,
        remedy=f"Log in there and say: ssh-keyscan {port}{route.target} >> ~/.ssh/known_hosts",
    )


def _met(route: Route) -> OpsMopError | None:
    """What ssh has against the host; None if it would go on to the login."""
    checked = replace(route, check_host_keys="yes", ssh_password=None, ssh_args=(*_NO_LOGIN, *route.ssh_args))
    ended = _run(ssh_arguments(checked, "true"), route)
    if not ended.returncode:
        return None
    error = why_no_connection(checked, ended.stderr, ended.returncode)
    # A refusal of the login comes after the key was found to be right.
    return None if type(error).__name__ == "AuthenticationError" else error


def _unknown(route: Route) -> Scanned:
    with tempfile.TemporaryDirectory(prefix="opsmop-") as folder:
        fresh = Path(folder) / "known_hosts"
        # What the user's own arguments say of this file would win over ours.
        arguments = ("-o", f"UserKnownHostsFile={fresh}", *_NO_LOGIN, *route.ssh_args)
        accepting = replace(route, check_host_keys="accept-new", known_hosts="", ssh_password=None, ssh_args=arguments)
        ended = _run(ssh_arguments(accepting, "true"), route)
        if not fresh.exists():
            return Scanned(route.host, route.place, error=why_no_connection(accepting, ended.stderr, ended.returncode))
        line = fresh.read_text().strip()
        words = _run(["ssh-keygen", "-lf", str(fresh)], route).stdout.split()
    fingerprint = f"{words[-1].strip('()')} {words[1]}"
    return Scanned(route.host, route.place, _file(route), line, fingerprint)


def _file(route: Route) -> str:
    """The file that this ssh adds new keys to."""
    return str(Path(configured(route).known_hosts or "~/.ssh/known_hosts").expanduser())


def _run(words: list[str], route: Route) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603 - an argument list, never a shell string
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env={**os.environ, "LC_ALL": "C"},
            timeout=route.connect_timeout + _PATIENCE,
            check=False,
            start_new_session=True,
        )
    except OSError as error:
        raise ConnectError(f"{words[0]} cannot be started on this machine: {error.strerror}", host=route.host) from None
    except subprocess.TimeoutExpired:
        raise ConnectError(f"{route.host} ({route.place}) did not answer in time", host=route.host) from None
