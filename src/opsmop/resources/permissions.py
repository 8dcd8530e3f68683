"""Owner, group, mode, label and attributes: what files and directories have in common."""

from __future__ import annotations

from opsmop.errors import FieldError
from opsmop.language.fields import field
from opsmop.language.machine import Machine, Status
from opsmop.language.provider import Change
from opsmop.language.resource import Resource
from opsmop.resources.modes import octal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

ATTRIBUTES = (
    'what chattr(1) sets: "+i", "-i", or "=i" for these and no others; while it is changed, i and a are taken off'
)


class Labelled(Resource):
    """What has an SELinux label, of which parts may be named. On a machine without SELinux they mean nothing."""

    seuser: str | None = field(
        default=None, doc='the user in its SELinux label, such as "system_u"; stays if not given'
    )
    serole: str | None = field(default=None, doc='the role in it, such as "object_r"; stays if not given')
    setype: str | None = field(
        default=None, doc='the type in it, such as "httpd_sys_content_t", until somebody relabels; stays if not given'
    )
    selevel: str | None = field(default=None, doc='the level in it, such as "s0:c1"; stays if not given')

    @property
    def labelled(self) -> bool:
        """Whether a part of the label is named."""
        return bool(self.seuser or self.serole or self.setype or self.selevel)

    def check_label(self) -> None:
        """Refuse what is no part of a label.

        :raises FieldError: naming it
        """
        if self.labelled:
            from opsmop.resources.labels import named  # only where one is named

            named(self)


def label_of(resource: Labelled, machine: Machine, path: str) -> str:
    """The label that what stands at `path`, or will, is to get; empty if it has what is asked for, or nothing is.

    :raises ProviderError: if the machine's policy does not know it
    """
    if not resource.labelled:
        return ""
    from opsmop.resources.labels import missing  # as above

    return missing(resource, machine, path)[1]


def label_changes(resource: Labelled, machine: Machine, path: str) -> Iterator[Change]:
    """What has to change of the label of what stands at `path`, if a part of it is named."""
    if resource.labelled:
        from opsmop.resources.labels import changes  # as above

        yield from changes(resource, machine, path)


def flags_of(text: str | None, resource: Resource) -> Any:
    """What ``attributes=`` says; None if it is not given.

    :raises FieldError: if it says nothing
    """
    if text is None:
        return None
    from opsmop.resources.attributes import attributes_of  # only where they are named

    return attributes_of(text, resource)


def while_free(machine: Machine, path: str, resource: Any, changes: Iterable[Change]) -> Iterable[Change]:
    """Changes of what stands at `path`, made while no attribute hinders them, and that of its attributes, if some are named."""
    if resource.flags is None:
        return changes
    from opsmop.resources.attributes import with_attributes  # as above

    return with_attributes(machine, path, resource.flags, changes, absent=resource.absent)


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
    if isinstance(path, str) and "\0" in path:
        raise FieldError(f"{type(resource).__name__}: no path has a NUL in it: {path!r}", place=resource.place)
    if isinstance(path, str) and not path.startswith("/"):
        raise FieldError(
            f"{type(resource).__name__} takes an absolute path, not {path!r}",
            place=resource.place,
            remedy="A role has no working directory on its target: write the whole path.",
        )
