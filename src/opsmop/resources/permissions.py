"""Owner, group and mode: what files and directories have in common."""

from __future__ import annotations

from collections.abc import Iterator

from opsmop.errors import FieldError
from opsmop.language.machine import Machine, Status
from opsmop.language.provider import Change
from opsmop.language.resource import Resource

_ALL_BITS = 0o7777
_PLAIN_BITS = 0o777


def mode_bits(mode: int | str | None, resource: Resource) -> int | None:
    """The permission bits that ``mode=`` says: an int such as ``0o644``, or octal digits such as ``"0644"``.

    ``0x755`` for ``0o755`` is a well-known slip and gets a warning; 644 for ``0o644`` is refused.

    :raises FieldError: if it says none
    """
    if mode is None:
        return None
    if isinstance(mode, str):
        digits = mode.removeprefix("0o")
        if not digits or len(digits) > 5 or set(digits) - set("01234567"):  # noqa: PLR2004 - 07777
            raise FieldError(
                f"{resource}: mode={mode!r} is not octal digits", place=resource.place, remedy='Write "0644".'
            )
        mode = int(digits, 8)
    elif _PLAIN_BITS < mode < 1000 and not set(str(mode)) - set("01234567"):  # noqa: PLR2004 - three decimal digits
        raise FieldError(
            f"{resource}: mode={mode} is a decimal number, 0o{mode:o}", place=resource.place, remedy=f"Write 0o{mode}."
        )
    elif len(f"{mode:x}") == 3 and mode > _PLAIN_BITS and not set(f"{mode:x}") - set("01234567"):  # noqa: PLR2004
        resource.warnings.append(f"mode=0x{mode:x} is hexadecimal and means 0o{mode:o}; 0o{mode:x} is probably meant")
    if not 0 <= mode <= _ALL_BITS:
        raise FieldError(f"{resource}: mode={mode} is not between 0o0 and 0o7777", place=resource.place)
    return mode


def octal(mode: int) -> str:
    """A mode as people read it: ``0644``."""
    return f"{mode:04o}"


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
