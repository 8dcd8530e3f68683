"""Who is contacted when: from roles, hosts and limits to batches. Pure: nothing is read, contacted or reported."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from opsmop.errors import PolicyError, UsageError
from opsmop.inventory import Host
from opsmop.inventory.tree import close, names_matching
from opsmop.language.role import Role


@dataclass(frozen=True)
class Limits:
    """Which hosts the command line leaves in.

    :param groups: fnmatch patterns; empty for no limit
    :param hosts: fnmatch patterns; empty for no limit
    """

    groups: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()

    def take(self, host: Host) -> bool:
        """Whether `host` is left in."""
        if self.groups and not any(names_matching(self.groups, host.groups())):
            return False
        return not self.hosts or any(names_matching(self.hosts, (host.name,)))


@dataclass(frozen=True)
class Stint:
    """A role with the hosts that it goes to.

    :param role: the role
    :param batches: hosts; a batch begins when the one before has ended without a failure
    :param window: how many hosts of a batch are worked with at a time
    """

    role: Role
    batches: tuple[tuple[Host, ...], ...]
    window: int

    @property
    def hosts(self) -> tuple[Host, ...]:
        """All hosts, in order."""
        return tuple(host for batch in self.batches for host in batch)


def tagged(roles: Iterable[Role], tags: tuple[str, ...], skip_tags: tuple[str, ...]) -> tuple[Role, ...]:
    """The roles that ``--tags`` and ``--skip-tags`` leave in.

    :raises UsageError: if a tag is on no role, or no role is left
    """
    roles = tuple(roles)
    known = {tag for role in roles for tag in role.tags}
    for tag in (*tags, *skip_tags):
        if tag not in known:
            raise UsageError(f"no role has the tag {tag!r}", remedy=close(tag, known))
    wanted = [role for role in roles if not tags or set(tags) & set(role.tags)]
    left = tuple(role for role in wanted if not set(skip_tags) & set(role.tags))
    if roles and not left:
        raise UsageError("--tags and --skip-tags leave no role", remedy=close("", known))
    return left


def schedule(assigned: Sequence[tuple[Role, tuple[Host, ...], Any]], limits: Limits, window: int) -> tuple[Stint, ...]:
    """The stints of a run, in order.

    :param assigned: each role, its hosts, and what its ``serial()`` said: None, a number, a percentage like ``"25%"``,
        or a list of these of which the last holds for the rest
    :param limits: which hosts the command line leaves in
    :param window: how many hosts are worked with at a time where nothing says otherwise
    :raises UsageError: if a limit matches nothing
    :raises PolicyError: if `serial()` said something else
    """
    _refuse_idle_limits([host for _, hosts, _ in assigned for host in hosts], limits)
    return tuple(
        _stint(role, tuple(host.fresh() for host in hosts if limits.take(host)), serial, window)
        for role, hosts, serial in assigned
    )


def _refuse_idle_limits(hosts: list[Host], limits: Limits) -> None:
    groups = dict.fromkeys(group for host in hosts for group in host.groups())
    for option, patterns, names in (
        ("--limit-groups", limits.groups, groups),
        ("--limit-hosts", limits.hosts, dict.fromkeys(host.name for host in hosts)),
    ):
        for pattern in patterns:
            if not any(names_matching((pattern,), names)):
                raise UsageError(f"{option} {pattern!r} matches nothing in any role", remedy=close(pattern, names))
    if (limits.groups or limits.hosts) and not any(limits.take(host) for host in hosts):
        raise UsageError("--limit-groups and --limit-hosts together leave no host")


def _stint(role: Role, hosts: tuple[Host, ...], serial: Any, window: int) -> Stint:
    if serial is None:
        return Stint(role, (hosts,) if hosts else (), window)
    sizes = [_size(role, step, len(hosts)) for step in (serial if isinstance(serial, (list, tuple)) else [serial])]
    if not sizes:
        raise PolicyError(f"{role.name}.serial() returned an empty list", remedy="Return a number of hosts.")
    batches: list[tuple[Host, ...]] = []
    while hosts:
        size = sizes[min(len(batches), len(sizes) - 1)]
        batches.append(hosts[:size])
        hosts = hosts[size:]
    return Stint(role, tuple(batches), max(map(len, batches), default=1))


def _size(role: Role, step: Any, hosts: int) -> int:
    if isinstance(step, int) and not isinstance(step, bool) and step > 0:
        return step
    if isinstance(step, str) and step.endswith("%") and step[:-1].isdecimal() and 0 < int(step[:-1]) <= 100:  # noqa: PLR2004
        return max(1, hosts * int(step[:-1]) // 100)
    raise PolicyError(
        f"{role.name}.serial() returned {step!r}",
        remedy="Return a number of hosts above 0, a percentage like '25%', or a list of these.",
    )
