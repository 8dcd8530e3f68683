"""The mirror and the apt settings of this machine, read from its own apt configuration.

Both formats of sources.list(5) are read: the one-line and the deb822 one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import commands
from .errors import FleetError
from .releases import RELEASES, Release

APT = Path("/etc/apt")
DEBIAN_SUITES = {*RELEASES, "stable", "oldstable", "testing", "unstable", "sid", "forky"}
# What reaching the mirror may need: proxies, certificates, and leave to accept its dates.
SETTINGS = re.compile(r'^(Acquire::(?:Check-[\w-]+|https?::[^ ]+) "[^"]*";)$', re.MULTILINE)


@dataclass(frozen=True)
class Source:
    """One line of sources: where, which suites, which components."""

    address: str
    suites: tuple[str, ...]
    components: tuple[str, ...]


@dataclass(frozen=True)
class Mirror:
    """Where this machine finds Debian, and its security updates if it has any."""

    debian: str
    security: str | None
    settings: str

    def sources_for(self, release: Release) -> str:
        """Return the text of a sources.list for that release."""
        lines = [f"deb {self.debian} {release.name} main"]
        if release.updates:
            lines.append(f"deb {self.debian} {release.name}-updates main")
        if release.updates and self.security:
            lines.append(f"deb {self.security} {release.name}-security main")
        return "\n".join(lines) + "\n"


def machine_mirror() -> Mirror:
    """Return the mirror that this machine itself uses, or raise FleetError when it names none."""
    sources = [source for source in machine_sources(APT) if "main" in source.components]
    debian = next((source.address for source in sources if DEBIAN_SUITES & set(source.suites)), None)
    if debian is None:
        raise FleetError(f"no Debian mirror is named below {APT}; add one to {APT}/sources.list")
    security = (source.address for source in sources if any(suite.endswith("-security") for suite in source.suites))
    settings = SETTINGS.findall(commands.run("apt-config", "dump"))
    return Mirror(debian, next(security, None), "".join(f"{line}\n" for line in settings))


def machine_sources(apt: Path) -> Iterator[Source]:
    """Read every binary source below an /etc/apt: the one-line files first, then the deb822 ones."""
    for path in [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*.list"))]:
        if path.exists():
            yield from _one_line_sources(path.read_text())
    for path in sorted((apt / "sources.list.d").glob("*.sources")):
        yield from _deb822_sources(path.read_text())


def _one_line_sources(text: str) -> Iterator[Source]:
    for line in text.splitlines():
        words = re.sub(r"#.*|\[[^]]*\]", "", line).split()
        if len(words) > 3 and words[0] == "deb":  # type, address, suite, first component
            yield Source(_address(words[1]), (words[2],), tuple(words[3:]))


def _deb822_sources(text: str) -> Iterator[Source]:
    without_comments = re.sub(r"^#.*\n?", "", text, flags=re.MULTILINE)
    for stanza in re.split(r"\n\s*\n", without_comments):
        fields = {name.lower(): value.split() for name, value in _fields(stanza)}
        if "deb" not in fields.get("types", []) or fields.get("enabled", ["yes"])[0] == "no":
            continue
        for address in fields.get("uris", [])[:1]:
            yield Source(_address(address), tuple(fields.get("suites", [])), tuple(fields.get("components", [])))


def _fields(stanza: str) -> Iterator[tuple[str, str]]:
    for match in re.finditer(r"^([\w-]+):(.*(?:\n[ \t].*)*)", stanza, re.MULTILINE):
        yield match[1], match[2]


def _address(address: str) -> str:
    # Cloud images keep the address in a file of its own (apt-transport-mirror(1)).
    listed = address.removeprefix("mirror+file:")
    if listed == address:
        return address.rstrip("/")
    first = next(line for line in Path(listed).read_text().splitlines() if line.strip() and line[0] != "#")
    return first.split()[0].rstrip("/")
