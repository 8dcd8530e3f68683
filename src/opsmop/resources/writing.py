"""Putting a new content in the place of an old one: proved first, and the old one kept if that is asked for."""

from __future__ import annotations

import time

from opsmop.errors import FieldError, ProviderError
from opsmop.language.machine import Content, Machine
from opsmop.language.resource import Resource

VALIDATE = "a command in which %s is the path of the new content: it must succeed before the content takes its place"
BACKUP = "keep what is replaced or removed, as NAME.TIME~ beside it"


def refuse_validate(resource: Resource, validate: str | None) -> None:
    """Refuse a command that would not look at the new content.

    :raises FieldError: if it has no ``%s``
    """
    if isinstance(validate, str) and "%s" not in validate:
        raise FieldError(
            f"{resource}: validate={validate!r} has no %s",
            place=resource.place,
            remedy="%s stands for the file's path.",
        )


def put(
    machine: Machine,
    path: str,
    content: bytes | Content,
    *,
    mode: int,
    owner: str | None = None,
    group: str | None = None,
    validate: str | None = None,
    backup: bool = False,
    label: str = "",
) -> None:
    """Write `content` in the place of what stands at `path`.

    :raises ProviderError: if that is refused; then all is as it was
    """
    kept = keep(machine, path) if backup else ""
    try:
        labelled = {"label": label} if label else {}
        machine.write(path, content, mode=mode, owner=owner, group=group, validate=validate or "", **labelled)
    except ProviderError:
        if kept:
            machine.remove(kept)
        raise


def keep(machine: Machine, path: str) -> str:
    """Keep the file at `path` beside itself, under a name that no daemon takes for configuration.

    The name ends in ``~``, as run-parts(8), sudoers(5) and the patterns of most ``conf.d`` directories leave out.

    :returns: that name; empty if there was nothing to keep
    """
    status = machine.status(path)
    if status is None or status.kind == "directory":
        return ""
    stem = f"{path}.{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    name, number = f"{stem}~", 1
    while machine.status(name) is not None:
        name, number = f"{stem}.{number}~", number + 1
    try:
        machine.make_hard_link(
            name, path
        )  # the very file, with all that belongs to it: a replaced one is not written to
    except ProviderError:  # a mount point, or a file system without hard links
        machine.write(name, machine.read(path), mode=status.mode, owner=status.owner, group=status.group)
    return name
