"""What a look at a host means: the judgement of ``opsmop doctor``. Pure: nothing is contacted or shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from opsmop.events import Failure

_CLOCK_NOTED, _CLOCK_WRONG = 5.0, 60.0  # seconds; Kerberos refuses five minutes (RFC 4120), make(1) less
_SPACE_NOTED, _SPACE_WRONG = 500 << 20, 50 << 20  # bytes
_INODES_WRONG = 0.01  # of all
# What `opsmop.commands.errands.policy.Health` tells, as `opsmop.commands.answered` wants it.
_DISK = dict.fromkeys(("free", "size", "nodes", "nodes_free"), int)
HEALTH = {
    **dict.fromkeys(("user", "python", "executable", "home"), str),
    **dict.fromkeys(("home_writable", "reboot"), bool),
    "time": float,
    "uid": int,
    "disks": {str: _DISK},
}
_LINKS = {"HostKeyError": "host key", "AuthenticationError": "login", "SudoError": "sudo"}


class Finding(NamedTuple):
    """One thing that was looked at.

    :param grade: ``ok``, ``note`` or ``wrong``
    :param what: in a word
    :param said: how it is
    :param remedy: what to do about it
    """

    grade: str
    what: str
    said: str
    remedy: str = ""


# What ssh says (openssh's ssh.c and misc.c; getaddrinfo(3)), and what that mostly means.
_HINTS = (
    ("Could not resolve hostname", "No DNS and no /etc/hosts knows that name; opsmop_host gives an address."),
    ("Connection refused", "Nothing listens there: is sshd running, and is the port right (opsmop_ssh_port)?"),
    ("timed out", "Nothing answers: a firewall, a wrong address, or a host that is off."),
    ("No route to host", "This machine has no way there: a firewall, a VPN that is down, or a host that is off."),
)


def unmet(failure: Failure) -> Finding:
    """Why the host could not be worked with at all."""
    what = "Python" if "Python" in failure.message.partition("\n")[0] else "connection"
    hints = [hint for text, hint in _HINTS if text in failure.message]
    remedy = "\n".join(text for text in (*hints, failure.remedy) if text)
    return Finding("wrong", _LINKS.get(failure.error, what), " ".join(failure.message.split()), remedy)


def judged(reading: Mapping[str, Any], before: float, after: float) -> list[Finding]:
    """What there is to say of what a host told.

    :param reading: as `opsmop.commands.errands.policy.Health` tells it
    :param before: when the host was asked, in seconds since the epoch; it told its own time between then and `after`
    """
    return [_clock(reading["time"], before, after), *_disks(reading["disks"]), *_home(reading), *_reboot(reading)]


def _clock(told: float, before: float, after: float) -> Finding:
    apart = max(before - told, told - after, 0.0)
    if apart < _CLOCK_NOTED:
        return Finding("ok", "clock", "agrees with this machine's")
    grade = "wrong" if apart >= _CLOCK_WRONG else "note"
    ahead = "ahead of" if told > after else "behind"
    return Finding(
        grade,
        "clock",
        f"{apart:.0f} seconds {ahead} this machine's",
        "Let it keep time: timedatectl set-ntp true (systemd-timesyncd, or chrony).",
    )


def _disks(disks: Mapping[str, Mapping[str, int]]) -> Iterator[Finding]:
    for path, disk in disks.items():
        free, nodes = disk["free"], disk["nodes"]
        few_nodes = bool(nodes) and disk["nodes_free"] < nodes * _INODES_WRONG
        said = f"{path} has {_size(free)} free of {_size(disk['size'])}"
        if few_nodes:
            yield Finding(
                "wrong",
                "disk",
                f"{path} has room for {disk['nodes_free']} more files",
                "Find them: du --inodes -x / | sort -n | tail",
            )
        elif free < _SPACE_WRONG:
            yield Finding("wrong", "disk", said, f"Find what fills it: du -x -d2 {path} | sort -n | tail")
        else:
            yield Finding("note" if free < _SPACE_NOTED else "ok", "disk", said)


def _size(count: int) -> str:
    for unit, bytes_each in (("TB", 1 << 40), ("GB", 1 << 30), ("MB", 1 << 20)):
        if count >= bytes_each:
            return f"{count / bytes_each:.1f} {unit}"
    return f"{count} bytes"


def _home(reading: Mapping[str, Any]) -> Iterator[Finding]:
    if not reading["home_writable"]:
        yield Finding(
            "note",
            "home",
            f"{reading['home'] or 'the home'} cannot be written to",
            "Code is sent anew each time, and there is no log. Give the login user a home of its own.",
        )


def _reboot(reading: Mapping[str, Any]) -> Iterator[Finding]:
    if reading["reboot"]:
        yield Finding("note", "reboot", "its packages ask for one (/run/reboot-required)")
