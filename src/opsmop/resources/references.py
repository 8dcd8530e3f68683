"""What a git repository has under a name. Only what is wanted is asked for: a repository can have more references than
is kept of what a command prints.
"""

from __future__ import annotations

import re
from typing import Callable

from opsmop.errors import ProviderError
from opsmop.language.fields import nearest
from opsmop.language.machine import Completed
from opsmop.wire.records import dataclass

_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_HEADS, _TAGS = "refs/heads/", "refs/tags/"
_SYMBOLIC = " ->"  # after the name of what is another's name
Ask = Callable[..., Completed]


@dataclass(frozen=True)
class Wanted:
    """What is to be checked out.

    :param commit: its full name
    :param reference: where the repository has it: ``refs/heads/main``; empty for a commit that is named itself
    """

    commit: str
    reference: str

    @property
    def branch(self) -> str:
        """The branch; empty for a tag or a commit."""
        return self.reference[len(_HEADS) :] if self.reference.startswith(_HEADS) else ""


def wanted(ask: Ask, url: str, version: str | None) -> Wanted:
    """What the repository has under the version's name: a branch before a tag of the same name.

    :param ask: says what ``git ls-remote --symref`` prints for the patterns that it is given; all of it, unless
        ``whole=False`` says that its end will do
    :param version: a branch, a tag, a whole reference or a commit; None for the repository's own HEAD
    :raises ProviderError: if there is no such thing, with what there is
    """
    if version is None:
        return _head(ask, url)
    whole = [version] if version.startswith("refs/") or version == "HEAD" else []
    names = [_HEADS + version, _TAGS + version, *whole]
    offered = read(ask(*names, *(f"{name}^{{}}" for name in names[1:])).stdout)
    for name in names:
        if name in offered:
            return Wanted(offered.get(f"{name}^{{}}", offered[name]), name)
    if _SHA.fullmatch(version):
        return Wanted(version, "")
    there = read(ask(f"{_HEADS}*", f"{_TAGS}*", whole=False).stdout)
    names = [name.split("/", 2)[2] for name in there if name.count("/") > 1 and not name.endswith("^{}")]
    raise ProviderError(
        f"{url} has no branch or tag {version!r}",
        remedy=nearest(version, names, "It has") + " A commit is named in full, by 40 digits.",
    )


def _head(ask: Ask, url: str) -> Wanted:
    """What HEAD is: the first branch with its commit, where the repository does not say which."""
    offered = read(ask("HEAD").stdout)
    if "HEAD" not in offered:
        raise ProviderError(f"{url} has no HEAD: it is empty, or bare of it", remedy="Give version=.")
    commit = offered["HEAD"]
    if "HEAD" + _SYMBOLIC in offered:
        return Wanted(commit, offered["HEAD" + _SYMBOLIC])
    branches = [name for name, at in read(ask(f"{_HEADS}*").stdout).items() if at == commit]
    usual = [name for name in branches if name in (f"{_HEADS}main", f"{_HEADS}master")]
    return Wanted(commit, next(iter(usual or branches), ""))


def read(text: str) -> dict[str, str]:
    """The commit of each reference of a list, by name; under ``HEAD ->`` the branch that HEAD is: git-ls-remote(1)."""
    offered = {}
    for line in text.splitlines():
        value, _, name = line.partition("\t")
        if value.startswith("ref: "):
            offered[name + _SYMBOLIC] = value[len("ref: ") :]
        elif name:
            offered[name] = value
    return offered
