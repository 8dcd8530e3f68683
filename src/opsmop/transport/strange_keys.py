"""Host keys that are not what they should be, as errors of ours: how to look at them, and to accept or forget them."""

from __future__ import annotations

import re

from opsmop.errors import HostKeyError
from opsmop.events.wire import clean
from opsmop.transport.base import Route
from opsmop.transport.citing import by_hand
from opsmop.transport.configured import configured
from opsmop.wire.lean import quoted

_OFFENDING = r"Offending \S+ key in ([^\r\n]+)"
_USUAL = "~/.ssh/known_hosts"


def why_key_changed(route: Route, complaint: str) -> HostKeyError:
    """The host's key is another one than what is known.

    :param complaint: what ssh said of it
    """
    told = re.search(_OFFENDING, complaint)
    place = clean(told.group(1)).strip() if told else ""
    file = quoted(place.rpartition(":")[0]) if ":" in place else _known_hosts(route)
    before = f"{by_hand(route.via)} " if route.via is not None else ""
    return HostKeyError(
        f"the host key of {route.host} ({route.place}) is not the one that is known."
        + (f" The known one is in {place}." if place else ""),
        host=route.host,
        remedy="Someone may be in between. If the host was really made anew, forget the old key with: "
        f"{before}ssh-keygen -R '{_known_as(route)}' -f {file}",
    )


def why_key_unknown(route: Route) -> HostKeyError:
    """The host's key is not known."""
    accepting = '(or let check_host_keys() return "accept", which accepts new keys and refuses changed ones)'
    port = f"-p {route.port} " if route.port else ""
    if route.via is not None:
        return HostKeyError(
            f"the host key of {route.host} ({route.place}) is unknown on {route.via.host}, from which it is reached",
            host=route.host,
            remedy=f"Remember it there, as the login user: {by_hand(route.via)} "
            f"'ssh-keyscan {port}{route.target} >> {_USUAL}' {accepting}",
        )
    return HostKeyError(
        f"the host key of {route.host} ({route.place}) is unknown",
        host=route.host,
        remedy="`opsmop hosts scan -i INVENTORY` shows its fingerprint, asks and remembers it"
        f"{_by_keyscan(route)} {accepting}",
    )


def _by_keyscan(route: Route) -> str:
    """How to do it without us; nothing where ssh-keyscan would not meet the host, or by another name."""
    meant = configured(route)
    if meant.jump or meant.command or meant.alias:
        return ""
    port = f"-p {meant.port} " if meant.port not in ("", "22") else ""
    return f". By hand: ssh-keyscan {port}{meant.address or route.target} >> {_known_hosts(route)}"


def _known_as(route: Route) -> str:
    """The name by which ssh looks for the host's key, by the configuration of the machine where that ssh runs."""
    meant = configured(route).known_as if route.via is None else ""
    return meant or (f"[{route.target}]:{route.port}" if route.port else route.target)


def _known_hosts(route: Route) -> str:
    meant = configured(route).known_hosts if route.via is None else ""
    return quoted(meant) if meant else route.known_hosts or _USUAL
