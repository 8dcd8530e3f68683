"""Owner, group and mode: what files and directories have in common."""

from __future__ import annotations

from collections.abc import Iterator

from opsmop.errors import FieldError
from opsmop.language.machine import Machine, Status
from opsmop.language.provider import Change
from opsmop.language.resource import Resource
from opsmop.resources.modes import octal


def owner_name(owner: str | int | None, machine: Machine) -> str | None:
    """The name of the account that `owner` (a name or a number) says, as a look at a file would give it."""
    if owner is None:
        return None
    account = machine.account(owner)
    return account.name if account else str(owner)


def group_name(group: str | int | None, machine: Machine) -> str | None:
    """The name of the group that `group` (a name or a number) says, as a look at a file would give it."""
    if group is None:
        return None
    entry = machine.account_group(group)
    return entry.name if entry else str(group)


def ownership_changes(
    path: str, status: Status, machine: Machine, owner: str | None, group: str | None, mode: int | None
) -> Iterator[Change]:
    """What has to change of owner, group and mode of what stands at `path`; owner first, since it drops setuid."""
    if owner is not None and owner != status.owner:
        yield Change("owner", lambda: machine.set_owner(path, owner, None), before=status.owner, after=owner)
    if group is not None and group != status.group:
        yield Change("group", lambda: machine.set_owner(path, None, group), before=status.group, after=group)
    if mode is not None and mode != status.mode:
        yield Change("mode", lambda: machine.set_mode(path, mode), before=octal(status.mode), after=octal(mode))


def absolute(resource: Resource, path: str) -> None:
    """Refuse a path of the target that is not absolute: there is no directory that it could be relative to.

    :raises FieldError: if it is not
    """
    if isinstance(path, str) and not path.startswith("/"):
        raise FieldError(
            f"{type(resource).__name__} takes an absolute path, not {path!r}",
            place=resource.place,
            remedy="A role has no working directory on its target: write the whole path.",
        )
