"""Everything that can be found wrong with a policy without contacting a host or running `main()`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from opsmop.drive.asking import ask, variables_said
from opsmop.drive.cargo import ship
from opsmop.drive.preparing import Run, own_layers, prepare
from opsmop.drive.reading.calls import calls_in, faults_of
from opsmop.drive.reading.code import Code, codes_of
from opsmop.drive.reading.handlers import unknown_handlers
from opsmop.drive.reading.returns import wrong_returns
from opsmop.drive.reading.templates import Sources
from opsmop.drive.reading.unknown import unknown_calls
from opsmop.drive.results import NoResultError, seeing
from opsmop.drive.slips import near_misses, slips_of
from opsmop.errors import InventoryError, OpsMopError, ShipError
from opsmop.inventory import Inventory
from opsmop.language.additions import Additions
from opsmop.language.policy import Policy, Roles
from opsmop.language.role import Role
from opsmop.schedule import tagged
from opsmop.settings import Settings
from opsmop.target.templates import Reader
from opsmop.transport.files import FileRules
from opsmop.wire.records import dataclass, field, replace

# Hooks may attach values to the contact, under any name.
_ATTACHING = ("before_connect", "before_contact")


@dataclass
class Findings:
    """What was found.

    :ivar wrong: what would fail
    :ivar doubtful: what may
    :ivar roles: the roles that were looked at
    """

    wrong: list[OpsMopError] = field(default_factory=list)
    doubtful: list[OpsMopError] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)

    def note(self, errors: Iterable[OpsMopError]) -> None:
        """Add what is wrong, each once."""
        said = {(error.place, error.message) for error in self.wrong}
        for error in errors:
            if (error.place, error.message) not in said:
                said.add((error.place, error.message))
                self.wrong.append(error)


def validate(policy: Policy, policy_file: Path, settings: Settings) -> Findings:
    """Look at every branch of every role.

    :returns: everything that was found
    """
    found = Findings()
    try:
        roles = _roles(policy, policy_file, settings)
    except OpsMopError as error:
        found.note([error])
        return found
    found.doubtful += near_misses(policy, roles)
    for role in roles:
        found.roles.append(role.name)
        _look_at(role, policy, policy_file, settings, found)
    return found


def _roles(policy: Policy, policy_file: Path, settings: Settings) -> tuple[Role, ...]:
    said = ask(policy, "set_roles")
    if not isinstance(said, Roles):  # the preparation of a run says best what is wrong with it
        prepare(policy, policy_file, settings)
    return tagged(said, settings.tags, settings.skip_tags)


def _look_at(role: Role, policy: Policy, policy_file: Path, settings: Settings, found: Findings) -> None:
    found.note([*slips_of(role), *_lost_hosts(role)])
    run: Run | None = None
    try:
        run = prepare(_only(policy, role), policy_file, _unlimited(settings))
    except OpsMopError as error:
        found.note([error])
    said, errors = _said(role)
    found.note(errors)
    if run is not None and settings.reach == "push":
        found.note(run.assignments[0].lost.values())
        found.note(_of_cargo(role, run, said or {}))
    codes = codes_of(role)
    found.note([*wrong_returns(role), *unknown_handlers(role, codes)])
    sources = _sources(role, run, said, policy_file, codes)
    for code in codes:
        found.note(unknown_calls(code))
        for call in calls_in(code):
            found.note(faults_of(call))
            found.note(sources.faults(call))
    found.doubtful += sources.warned


def _sources(role: Role, run: Run | None, said: dict[str, Any] | None, policy_file: Path, codes: list[Code]) -> Sources:
    if run is None:
        return Sources(Reader(Additions()), FileRules((policy_file.parent,)), None)
    known = _known(role, run, codes) if said is not None else None
    if known is not None:
        known |= set(said or {})
    return Sources(Reader(run.additions), run.assignments[0].rules, known)


def _only(policy: Policy, role: Role) -> Policy:
    """The same policy with one role, so that what is wrong with one does not hide what is wrong with the others."""
    one = type(type(policy).__name__, (type(policy),), {"set_roles": lambda _: Roles(role)})
    made: Policy = object.__new__(one)
    vars(made).update(vars(policy))
    return made


def _unlimited(settings: Settings) -> Settings:
    return replace(settings, tags=(), skip_tags=(), limit_groups=(), limit_hosts=())


def _said(role: Role) -> tuple[dict[str, Any] | None, list[OpsMopError]]:
    """What `set_variables()` answers, and what is wrong with it; None if only a run would tell."""
    try:
        with seeing(role, {}):
            return variables_said(role), []
    except NoResultError:  # it depends on what an earlier role returns, which nobody knows before it ran
        return None, []
    except OpsMopError as error:
        return None, [error]


def _of_cargo(role: Role, run: Run, said: dict[str, Any]) -> Iterator[OpsMopError]:
    try:
        ship(role, (*run.policy_layers, *own_layers(role, said)), run.additions)
    except ShipError as error:
        first = ShipError(error.message, place=error.place, remedy=error.also[0].remedy) if error.also else error
        yield from (first, *error.also)
    except OpsMopError as error:
        yield error


def _known(role: Role, run: Run, codes: list[Code]) -> set[str] | None:
    """Every name that could be defined for the templates of a role; None if that cannot be told."""
    from opsmop.facts import by_name  # with the facts' own code

    if any(hasattr(role, hook) for hook in _ATTACHING):
        return None
    known = {*run.settings.extra, *by_name(), *run.additions.facts, *role.constructor_variables}
    known.update(name for _, values in run.policy_layers for name in values)
    for host in run.assignments[0].stint.hosts:
        known.update(name for _, values in host.layers() for name in values)
    for code in codes:
        known |= code.local_names
        for call in calls_in(code):
            if call.open_ended or not isinstance(call.values.get("register", ""), str):
                return None
            known.add(call.values.get("register", ""))
    return known - {""} | {"rc", "data", "stdout", "stderr", "result"}


def _lost_hosts(role: Role) -> Iterator[OpsMopError]:
    """Hosts that are reached through others which are not there, or through each other in a circle."""
    try:
        inventory = role.inventory()
        if not isinstance(inventory, Inventory):
            return
        chosen = inventory.hosts()
    except Exception:  # noqa: BLE001 - whatever the author's code raises, the preparation tells it with its place
        return
    for host in chosen:
        try:
            host.way()
        except InventoryError as error:
            yield error
