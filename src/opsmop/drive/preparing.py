"""Everything about a run that can be known, and can be wrong, before any host is contacted."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from opsmop.drive.access import Access, route
from opsmop.drive.adding import additions_said
from opsmop.drive.asking import ask, ask_if_defined, variables_said
from opsmop.drive.cargo import Layers
from opsmop.drive.delegating import delegate_of
from opsmop.drive.remembered import recalled, retried
from opsmop.drive.slips import near_misses, refuse_slips, warned
from opsmop.drive.withheld import arriving, private_files
from opsmop.errors import InventoryError, PolicyError, SudoError, TransportError, UsageError, ViaError
from opsmop.events import Warned
from opsmop.inventory import Host, Inventory
from opsmop.inventory.tree import Tree, close
from opsmop.language.additions import Additions
from opsmop.language.policy import Policy, Roles
from opsmop.language.role import Role
from opsmop.schedule import Limits, Stint, Wishes, schedule, tagged
from opsmop.settings import Settings
from opsmop.settings.passwords import Passwords
from opsmop.transport.base import Route
from opsmop.transport.files import DEFAULT_ALLOW, DEFAULT_DENY, Depot, Digests, FileRules
from opsmop.wire.records import dataclass, field, replace


@dataclass(frozen=True)
class Assignment:
    """One role of a run.

    :param stint: the role, and its hosts in batches
    :param routes: how to reach each host, by its name
    :param lost: why there is no way to the others: what their inventory says of it is wrong
    :param rules: which files of the controller the role may have
    :param notes: what its author should know
    """

    stint: Stint
    routes: Mapping[str, Route]
    rules: FileRules
    notes: tuple[str, ...] = ()
    lost: Mapping[str, TransportError] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """A policy about to be run.

    :param id: the run's identifier
    :param policy: the policy
    :param policy_file: its file; relative paths are relative to it
    :param settings: how to run it
    :param policy_layers: the variables that all its roles share, ``(label, variables)`` each
    :param assignments: its roles, in order
    :param additions: what it adds for templates
    :param depot: what all hosts have in common where files are concerned
    :param doubts: what was probably meant otherwise
    """

    id: str
    policy: Policy
    policy_file: Path
    settings: Settings
    policy_layers: Layers
    assignments: tuple[Assignment, ...]
    additions: Additions = field(default_factory=Additions)
    depot: Depot = field(default_factory=lambda: Depot(digests=Digests()))
    doubts: tuple[Warned, ...] = ()


def prepare(policy: Policy, policy_file: Path, settings: Settings) -> Run:
    """Ask the policy for everything that it says on the control machine before a role starts.

    :raises OpsMopError: if the policy, the inventory or the settings are wrong
    """
    refuse_slips(policy)
    everyone = _roles(policy)
    roles = tagged(everyone, settings.tags, settings.skip_tags)
    for role in roles:
        refuse_slips(role)
    layers = own_layers(policy, variables_said(policy))
    if settings.reach == "push":
        left = {directory for role in everyone for directory, _ in _fetched(policy, role)}
        assignments = _pushed(policy, roles, policy_file, settings, left)
    else:
        assignments = _local(policy, roles, policy_file, settings)
    return Run(
        os.urandom(8).hex(), policy, policy_file, settings, layers, assignments, additions_said(policy),
        doubts=tuple(map(warned, near_misses(policy, roles))),
    )  # fmt: skip


def own_layers(owner: Policy | Role, said: dict[str, Any]) -> Layers:
    """The layers of a policy or a role: what its `set_variables()` said, then what it was constructed with."""
    name = type(owner).__name__
    return ((f"{name}.set_variables()", said), (f"{name}(...)", owner.constructor_variables))


def _roles(policy: Policy) -> Roles:
    roles = ask(policy, "set_roles")
    if isinstance(roles, Roles):
        return roles
    raise PolicyError(
        f"{policy.name}.set_roles() returned {type(roles).__name__}, not Roles",
        remedy="Return Roles(MyRole(), ...).",
    )


def _pushed(
    policy: Policy, roles: tuple[Role, ...], policy_file: Path, settings: Settings, left: set[str]
) -> tuple[Assignment, ...]:
    inventories = [_inventory(role) for role in roles]
    hosts = [inventory.require_hosts(f"role {role.name}") for role, inventory in zip(roles, inventories, strict=True)]
    wishes = [_wishes(role, settings) for role in roles]
    known = {host.name: host for of_role in hosts for host in of_role}
    limits = Limits(settings.limit_groups, recalled(settings.limit_hosts, policy_file, known))
    if settings.retry:
        limits = retried(limits, policy_file, known)
    assigned = list(zip(roles, hosts, wishes, strict=True))
    stints = schedule(assigned, limits, settings.defaults["push_serial"])
    passwords = Passwords(settings.defaults, settings.typed_passwords)
    ways = [_ways(stint, settings, passwords) for stint in stints]
    private = private_files(inventories, [found for found, _ in ways], settings)
    rules = FileRules(
        (), never=private, base=policy_file.parent, arriving=arriving(policy_file.parent, left, inventories)
    )
    return tuple(
        Assignment(stint, found, _rules(policy, stint.role, rules), lost=lost)
        for stint, (found, lost) in zip(stints, ways, strict=True)
    )


def _wishes(role: Role, settings: Settings) -> Wishes:
    serial = ask_if_defined(role, "serial")
    if serial is not None:  # of one that has no batches, it only says how many at a time
        serial = settings.defaults.pressed("push_serial") or serial
    return Wishes(
        settings.serial or serial,
        ask_if_defined(role, "max_failures"),
        ask_if_defined(role, "on_unreachable"),
    )


def _inventory(role: Role) -> Inventory:
    inventory = ask(role, "inventory")
    if isinstance(inventory, Inventory):
        return inventory
    if inventory is None:
        raise PolicyError(
            f"role {role.name} does not say which hosts it is for",
            remedy="Define it: def inventory(self): return inventory.filter(groups='...'), or run with --local.",
        )
    raise PolicyError(
        f"{role.name}.inventory() returned {type(inventory).__name__}, not an inventory",
        remedy="Return an Inventory, for example TomlInventory(path).filter(groups='...').",
    )


def _ways(stint: Stint, settings: Settings, passwords: Passwords) -> tuple[dict[str, Route], dict[str, TransportError]]:
    """How to reach each host, and why there is no way to the others."""
    access = Access.of(stint.role)
    does_it = {host.name: delegate_of(stint.role, host) or host for host in stint.hosts}
    found: dict[str, Route] = {}
    lost: dict[str, TransportError] = {}
    for name, host in does_it.items():
        try:
            found[name] = route(host, access, settings.defaults, passwords)
        except InventoryError as error:  # a matter of this host alone: the others are worked with
            lost[name] = ViaError(error.message, host=name, place=error.place, remedy=error.remedy)
        except SudoError as error:
            lost[name] = error
    return found, lost


def _rules(policy: Policy, role: Role, of_all: FileRules) -> FileRules:
    def said(method: str, otherwise: tuple[str, ...]) -> tuple[str, ...]:
        for owner in (role, policy):
            answer = ask_if_defined(owner, method)
            if answer is not None:
                return _texts(owner, method, answer)
        return otherwise

    roots = said("allow_fileserving_paths", (".",))
    allow = said("allow_fileserving_patterns", DEFAULT_ALLOW)
    deny = said("deny_fileserving_patterns", DEFAULT_DENY)
    return replace(
        of_all,
        roots=tuple(of_all.origin / root for root in roots),
        allow=allow,
        deny=deny,
        fetched=_fetched(policy, role),
    )


def _fetched(policy: Policy, role: Role) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What hosts may leave here: directories, each with patterns of paths."""
    for owner in (role, policy):
        said = ask_if_defined(owner, "allow_fetching")
        if isinstance(said, dict) and all(isinstance(directory, str) for directory in said):
            return tuple((directory, _texts(owner, "allow_fetching", patterns)) for directory, patterns in said.items())
        if said is not None:
            raise PolicyError(
                f"{owner.name}.allow_fetching() did not return a dict",
                remedy="Return directories with lists of paths: {'fetched': ['/etc/hostname']}.",
            )
    return ()


def _texts(owner: Policy | Role, method: str, said: Any) -> tuple[str, ...]:
    if isinstance(said, (list, tuple)) and all(isinstance(text, (str, os.PathLike)) for text in said):
        return tuple(str(text) for text in said)
    raise PolicyError(f"{owner.name}.{method}() did not return a list of texts", remedy="Return a list: ['.']")


def _local(policy: Policy, roles: tuple[Role, ...], policy_file: Path, settings: Settings) -> tuple[Assignment, ...]:
    if settings.limit_groups or settings.limit_hosts:
        raise UsageError("--limit-groups and --limit-hosts mean nothing with --local", remedy="Use --push.")
    inventories = [ask(role, "inventory") for role in roles]
    _refuse_unknown_name([found for found in inventories if isinstance(found, Inventory)], settings.host)
    here = FileRules((Path("/"),), deny=(), base=policy_file.parent)  # the role may read here what its user may
    return tuple(
        _local_assignment(role, _this_machine(inventory, settings.host), replace(here, fetched=_fetched(policy, role)))
        for role, inventory in zip(roles, inventories, strict=True)
    )


def _refuse_unknown_name(inventories: list[Inventory], name: str) -> None:
    names = {host.name for inventory in inventories for host in inventory.whole.hosts()}
    if name and inventories and name not in names:
        raise UsageError(f"--host {name!r} is not in the inventory", remedy=close(name, names))


def _this_machine(inventory: Any, name: str) -> Host:
    here = os.uname().nodename
    if not isinstance(inventory, Inventory):
        return Host(name or here, Tree(()))
    for known in (name,) if name else (here, here.partition(".")[0]):
        found = inventory.whole.host(known)
        if found is not None:
            return found.fresh()
    return inventory.whole.stranger(name or here)


def _local_assignment(role: Role, host: Host, rules: FileRules) -> Assignment:
    stint = Stint(role, ((host,),), 1)
    notes: tuple[str, ...] = ()
    if os.geteuid() != 0 and ask(role, "sudo"):
        notes = (f"{role.name}.sudo() is ignored with --local: this runs as you, not as root",)
    return Assignment(stint, {host.name: Route(host.name, local=True)}, rules, notes)
