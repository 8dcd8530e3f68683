"""What dpkg and apt print, as values."""

from __future__ import annotations

from opsmop.wire.records import dataclass

STATUS_FORMAT = "${Package}\\t${Architecture}\\t${db:Status-Abbrev}\\t${Version}\\n"
PROVIDES_FORMAT = "${db:Status-Abbrev}\\t${Provides}\\n"

# The second letter of dpkg-query(1)'s db:Status-Abbrev.
_INSTALLED = "iWt"  # installed, or installed with triggers still to run
_HALF_DONE = "HUF"  # half-installed, unpacked, half-configured
_CONFIG_FILES = "c"
_HOLD = "h"  # its first letter
_STATUS_FIELDS = 4


@dataclass(frozen=True)
class Record:
    """What dpkg knows of a package.

    :param version: as dpkg writes it, with epoch and revision
    :param wanted: what its operator wants of it: the first letter of its status
    :param state: the second letter
    """

    version: str
    wanted: str
    state: str

    @property
    def installed(self) -> bool:
        """Whether it is wholly installed."""
        return self.state in _INSTALLED

    @property
    def half_done(self) -> bool:
        """Whether an installation or removal stopped in the middle."""
        return self.state in _HALF_DONE

    @property
    def leftovers(self) -> bool:
        """Whether it is removed and its configuration is not."""
        return self.state == _CONFIG_FILES

    @property
    def on_hold(self) -> bool:
        """Whether the operator has put it on hold (apt-mark(8))."""
        return self.wanted == _HOLD


def records(text: str, native: str) -> dict[str, Record]:
    """What dpkg-query printed in `STATUS_FORMAT`, by name: ``libc6``, or ``libc6:i386`` if not of `native` kind."""
    found = {}
    for line in text.splitlines():
        parts = line.split("\t")
        if len(parts) != _STATUS_FIELDS or len(parts[2]) < 2:  # noqa: PLR2004 - two letters
            continue
        name, architecture, status, version = parts
        key = name if architecture in (native, "all") else f"{name}:{architecture}"
        found[key] = Record(version, status[0], status[1])
    return found


def provided_names(text: str) -> set[str]:
    """The names that installed packages provide, from what dpkg-query printed in `PROVIDES_FORMAT`."""
    names: set[str] = set()
    for line in text.splitlines():
        status, _, provides = line.partition("\t")
        if status[1:2] and status[1:2] in _INSTALLED:
            names.update(entry.split()[0] for entry in provides.split(",") if entry.strip())
    return names


@dataclass(frozen=True)
class Offer:
    """What the package lists offer of a package: the version that would be installed, and all there are."""

    candidate: str | None
    versions: tuple[str, ...]


def offers(text: str) -> dict[str, Offer]:
    """What ``apt-cache policy`` printed, by name. A version that only the installed package has is none on offer."""
    found: dict[str, Offer] = {}
    name = ""
    for line in text.splitlines():
        if not line.startswith(" "):
            name = line.rstrip(":")
            found[name] = Offer(None, ())
        elif name:
            found[name] = _with_line(found[name], line)
    return found


def _with_line(offer: Offer, line: str) -> Offer:
    words = line.split()
    if words[:1] == ["Candidate:"]:
        return Offer(None if words[1] == "(none)" else words[1], offer.versions)
    # A version's line is "     2.10-3 500" or " *** 2.10-3 500"; its sources are indented further.
    indented = len(line) - len(line.lstrip(" "))
    if words[0] == "***":
        return Offer(offer.candidate, (*offer.versions, words[1]))
    if indented == 5 and len(words) == 2:  # noqa: PLR2004
        return Offer(offer.candidate, (*offer.versions, words[0]))
    return offer


def foreseen(text: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """What ``apt-get --simulate`` printed: the version of each package that comes, by name, and those that go."""
    arriving: dict[str, str] = {}
    leaving: list[str] = []
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["Inst"]:
            version = next((word[1:] for word in words[2:] if word.startswith("(")), "")
            arriving[words[1]] = version
        elif words[:1] and words[0] in ("Remv", "Purg"):
            leaving.append(words[1])
    return arriving, tuple(dict.fromkeys(leaving))
