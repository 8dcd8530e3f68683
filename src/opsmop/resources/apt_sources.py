"""What apt's sources say, one entry at a time: sources.list(5), both styles."""

from __future__ import annotations

import re

from opsmop.wire.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LISTS = ("types", "uris", "suites", "components")
_OFF = ("no", "false", "0", "off", "without", "disable")  # apt's StringToBool
_YES = ("yes", "true", "1", "on", "with", "enable")


@dataclass(frozen=True)
class Entry:
    """One component of one suite at one address.

    :param kind: ``deb`` or ``deb-src``
    :param uri: without the slash at its end
    :param component: empty of a flat repository
    :param signed_by: whose signature it has to have, as it is written; empty if anybody's whom apt trusts
    :param trusted: whether it does without: yes, no, or apt's own choice if None
    """

    kind: str
    uri: str
    suite: str
    component: str
    signed_by: str
    trusted: bool | None

    @property
    def what(self) -> tuple[str, str, str, str]:
        """What apt reads of it."""
        return self.kind, self.uri, self.suite, self.component

    @property
    def release(self) -> tuple[str, str]:
        """Of which apt has one signature to check, whatever else is read of it."""
        return self.uri, self.suite


def entries(text: str, path: str) -> Iterator[Entry]:
    """Each entry that is switched on in a file of apt's sources."""
    return _of_lines(text) if path.endswith(".list") else _of_stanzas(text)


def _of_lines(text: str) -> Iterator[Entry]:
    for line in text.splitlines():
        said = line.partition("#")[0]
        words = re.sub(r"\[[^]]*\]", "", said).split()
        if len(words) >= 3 and words[0] in ("deb", "deb-src"):  # noqa: PLR2004 - type, address, suite
            options = re.search(r"\[([^]]*)\]", said)
            given = dict(word.split("=", 1) for word in (options[1].split() if options else ()) if "=" in word)
            yield from each(
                words[:1], words[1:2], words[2:3], words[3:], given.get("signed-by", ""), given.get("trusted", "")
            )


def _of_stanzas(text: str) -> Iterator[Entry]:
    without_comments = re.sub(r"^#.*\n?", "", text, flags=re.MULTILINE)
    for stanza in re.split(r"\n\s*\n", without_comments):
        found = re.findall(r"^([A-Za-z-]+):[ \t]*(.*(?:\n[ \t]+.*)*)", stanza, re.MULTILINE)
        said = {name.lower(): value.strip() for name, value in found}
        if said.get("enabled", "yes").lower() not in _OFF:
            types, uris, suites, components = (said.get(name, "").split() for name in _LISTS)
            yield from each(types, uris, suites, components, said.get("signed-by", ""), said.get("trusted", ""))


def each(
    types: Iterable[str],
    uris: Iterable[str],
    suites: Iterable[str],
    components: Iterable[str],
    signed_by: str = "",
    trusted: str = "",
) -> Iterator[Entry]:
    """All of them with each other; a flat repository has no components."""
    from itertools import product  # only here

    word = trusted.lower()
    without = True if word in _YES else False if word in _OFF else None
    for kind, uri, suite, component in product(types, uris, suites, list(components) or [""]):
        yield Entry(kind, uri.rstrip("/"), suite, component, signed_by, without)
