"""Who is contacted when: from roles, hosts and limits to batches. Pure: nothing is read, contacted or reported."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import Any

from opsmop.errors import PolicyError, UsageError
from opsmop.inventory import Host
from opsmop.inventory.tree import close, names_matching
from opsmop.language.role import Role
from opsmop.wire.records import dataclass, replace


@dataclass(frozen=True)
class Limits:
    """Which hosts the command line leaves in.

    A limit is a list of fnmatch patterns, of which one must match and none with a ``!`` before it may; empty for no
    limit.

    :param groups: patterns of groups
    :param hosts: patterns of names
    """

    groups: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()

    def take(self, host: Host) -> bool:
        """Whether `host` is left in."""
        return _taken(self.groups, host.groups()) and _taken(self.hosts, (host.name,))


def _taken(patterns: tuple[str, ...], names: tuple[str, ...]) -> bool:
    wanted = tuple(pattern for pattern in patterns if not pattern.startswith("!"))
    unwanted = tuple(pattern[1:] for pattern in patterns if pattern.startswith("!"))
    return (not wanted or any(names_matching(wanted, names))) and not any(names_matching(unwanted, names))


@dataclass(frozen=True)
class Wishes:
    """What a role says of how it goes through its hosts, as it said it; None where it says nothing.

    :param serial: a number of hosts, a percentage like ``"25%"``, or a list of these of which the last holds for the
        rest
    :param max_failures: how many hosts may fail before the run stops: a number or a percentage of the role's hosts
    :param on_unreachable: ``"fail"`` or ``"skip"``
    """

    serial: Any = None
    max_failures: Any = None
    on_unreachable: Any = None


@dataclass(frozen=True)
class Stint:
    """A role with the hosts that it goes to.

    :param role: the role
    :param batches: hosts; a batch begins when the one before has ended without a failure
    :param window: how many hosts of a batch are worked with at a time
    :param allowed: how many hosts may fail and the run goes on without them
    :param skips_unreachable: whether a host that cannot be reached does not count as failed
    """

    role: Role
    batches: tuple[tuple[Host, ...], ...]
    window: int
    allowed: int = 0
    skips_unreachable: bool = False

    @property
    def hosts(self) -> tuple[Host, ...]:
        """All hosts, in order."""
        return tuple(host for batch in self.batches for host in batch)

    def without(self, names: Container[str]) -> Stint:
        """The same batches without the hosts of these names."""
        left = (tuple(host for host in batch if host.name not in names) for batch in self.batches)
        return replace(self, batches=tuple(batch for batch in left if batch))


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


def schedule(
    assigned: Sequence[tuple[Role, tuple[Host, ...], Wishes]], limits: Limits, window: int
) -> tuple[Stint, ...]:
    """The stints of a run, in order.

    :param assigned: each role, its hosts, and how it goes through them
    :param limits: which hosts the command line leaves in
    :param window: how many hosts are worked with at a time where nothing says otherwise
    :raises UsageError: if a limit matches nothing
    :raises PolicyError: if a role wishes something that cannot be
    """
    refuse_idle_limits([host for _, hosts, _ in assigned for host in hosts], limits)
    return tuple(
        _stint(role, tuple(host.fresh() for host in hosts if limits.take(host)), wishes, window)
        for role, hosts, wishes in assigned
    )


def refuse_idle_limits(hosts: list[Host], limits: Limits) -> None:
    """Refuse limits that leave none of `hosts`, or of which one matches nothing.

    :raises UsageError: naming the limit, and what is close to it
    """
    groups = dict.fromkeys(group for host in hosts for group in host.groups())
    for option, patterns, names in (
        ("--limit-groups", limits.groups, groups),
        ("--limit-hosts", limits.hosts, dict.fromkeys(host.name for host in hosts)),
    ):
        for pattern in patterns:
            bare = pattern.removeprefix("!")
            if not any(names_matching((bare,), names)):
                raise UsageError(f"{option} {pattern!r} matches nothing", remedy=close(bare, names))
    if (limits.groups or limits.hosts) and not any(limits.take(host) for host in hosts):
        raise UsageError("--limit-groups and --limit-hosts together leave no host")


def _stint(role: Role, hosts: tuple[Host, ...], wishes: Wishes, window: int) -> Stint:
    batches: tuple[tuple[Host, ...], ...] = (hosts,) if hosts else ()
    size = window
    if wishes.serial is not None:
        batches = _batches(role, hosts, wishes.serial)
        size = max(map(len, batches), default=1)
    return Stint(role, batches, size, _allowed(role, wishes.max_failures, len(hosts)), _skips(role, wishes))


def _batches(role: Role, hosts: tuple[Host, ...], serial: Any) -> tuple[tuple[Host, ...], ...]:
    sizes = [_size(role, step, len(hosts)) for step in (serial if isinstance(serial, (list, tuple)) else [serial])]
    if not sizes:
        raise PolicyError(f"{role.name}.serial() returned an empty list", remedy="Return a number of hosts.")
    batches: list[tuple[Host, ...]] = []
    while hosts:
        size = sizes[min(len(batches), len(sizes) - 1)]
        batches.append(hosts[:size])
        hosts = hosts[size:]
    return tuple(batches)


def _size(role: Role, step: Any, hosts: int) -> int:
    size = _share(step, hosts)
    if size is None or not _share(step, 100):
        raise PolicyError(
            f"{role.name}.serial() returned {step!r}",
            remedy="Return a number of hosts above 0, a percentage like '25%', or a list of these.",
        )
    return max(1, size)


def _allowed(role: Role, said: Any, hosts: int) -> int:
    allowed = 0 if said is None else _share(said, hosts)
    if allowed is None:
        raise PolicyError(
            f"{role.name}.max_failures() returned {said!r}",
            remedy="Return how many hosts may fail, or a percentage of them like '10%'.",
        )
    return allowed


def _skips(role: Role, wishes: Wishes) -> bool:
    if wishes.on_unreachable not in (None, "fail", "skip"):
        raise PolicyError(
            f"{role.name}.on_unreachable() returned {wishes.on_unreachable!r}", remedy="Return 'fail' or 'skip'."
        )
    return bool(wishes.on_unreachable == "skip")


def _share(said: Any, hosts: int) -> int | None:
    """A number, or a percentage of `hosts`; None if `said` is neither."""
    if isinstance(said, int) and not isinstance(said, bool) and said >= 0:
        return said
    if isinstance(said, str) and said.endswith("%") and said[:-1].isdecimal() and int(said[:-1]) <= 100:  # noqa: PLR2004
        return hosts * int(said[:-1]) // 100
    return None
