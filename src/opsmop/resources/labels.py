"""The SELinux label of a file: of its parts those that the policy names, and nothing else."""

from __future__ import annotations

import posixpath

from opsmop.errors import FieldError, ProviderError
from opsmop.language.evaluation import current
from opsmop.language.labels import filled, joined, parted, whole
from opsmop.language.machine import Machine
from opsmop.language.provider import Change

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsmop.resources.permissions import Labelled

NAMES = ("seuser", "serole", "setype", "selevel")
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
_TOLD = "labels left alone"


def named(resource: Labelled) -> str:
    """The label that a resource asks for, its other parts unsaid.

    :raises FieldError: for a part that is none
    """
    parts = [getattr(resource, name) or "" for name in NAMES]
    for name, part in zip(NAMES, parts):
        if set(part) - (_LETTERS if name != "selevel" else _LETTERS | set(":,")):
            raise FieldError(
                f"{resource}: {name}={part!r} is no part of a label",
                place=resource.place,
                remedy='Each part has its own parameter, as in setype="httpd_sys_content_t".',
            )
    return joined(parts)


def missing(resource: Labelled, machine: Machine, path: str) -> tuple[str, str]:
    """The label of what stands at `path`, and the one that it is to get: empty if none.

    On a machine without SELinux there is none to be set, which is told once in a role.

    :raises ProviderError: if the machine's policy does not know the label
    """
    asked, has = named(resource), machine.label(path)
    if has is None:
        _tell_once(resource)
        return "", ""
    if all(part in ("", there) for part, there in zip(parted(asked), parted(has))):
        return has, ""
    label = filled(asked, has or _of_policy(machine, path))
    if whole(label) and not machine.takes_label(label):
        raise ProviderError(
            f"{path}: the machine's SELinux policy does not know the label {label}",
            remedy="Is something misspelled, or does a policy module have to be installed before? `seinfo -t` lists types.",
        )
    return has, label


def changes(resource: Labelled, machine: Machine, path: str) -> Iterator[Change]:
    """What has to change of the label of what stands at `path`."""
    has, label = missing(resource, machine, path)
    if label:
        yield Change("label", lambda: machine.set_label(path, label), before=has, after=label)


def _of_policy(machine: Machine, path: str) -> str:
    """What the policy gives a file of that name: matchpathcon(8); empty if nobody can be asked."""

    def found() -> str:
        if machine.which("matchpathcon") is None:
            return ""
        said = machine.ask(["matchpathcon", "-n", posixpath.normpath(path)], cwd="/")
        label = said.stdout.strip()
        return label if said.rc == 0 and whole(label) else ""  # <<none>> for what is to have no label of its own

    return str(machine.look("label of policy", path, found))


def _tell_once(resource: Labelled) -> None:
    evaluation = current()
    if evaluation is not None and evaluation.remembered.setdefault(_TOLD, resource) is resource:
        text = (
            "this machine has no SELinux, so that labels are left alone here (told once);"
            " `if Platform.selinux():` asks before"
        )
        if text not in resource.warnings:
            resource.warnings.append(text)
