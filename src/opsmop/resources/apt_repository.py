"""Repositories of apt: sources.list(5), the deb822 style."""

from __future__ import annotations

import re

from opsmop.errors import FieldError, ProviderError
from opsmop.language.fields import field
from opsmop.language.machine import Machine
from opsmop.language.provider import ACT, Change, Provider
from opsmop.language.resource import Resource
from opsmop.resources.apt_sources import Entry, each, entries
from opsmop.resources.package import running
from opsmop.resources.permissions import absolute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_SOURCES = "/etc/apt/sources.list.d"
_KEYS = "/etc/apt/keyrings"  # where the administrator's keys are: sources.list(5), Signed-By
_MODE = 0o644
_LOCK_SECONDS = 300
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")  # apt ignores files of other names
_ARMOR = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"


class AptRepository(Resource):
    """A repository that apt installs from, with the key that has to have signed it. The package lists are refreshed when
    something about it has changed, and only then.
    """

    name: str = field(kw_only=False, doc="a word for it: NAME.sources and the key's file are called so")
    uris: str | list[str] = field(default=[], doc="where it is: https://..., or file:/...")
    suites: str | list[str] = field(
        default=[], doc='its suites; the codename of the release if none; "./" of a flat one'
    )
    components: str | list[str] = field(default=[], doc='its components, such as "main"; none of a flat one')
    types: str | list[str] = field(default=["deb"], doc='"deb", "deb-src" or both')
    architectures: str | list[str] = field(default=[], doc="only these; those of the machine if none")
    key: str | None = field(default=None, doc="the public key that signs it, armored, as text")
    key_file: str | None = field(
        default=None, doc="the public key that signs it, armored or not: a file beside the policy"
    )
    signed_by: str | None = field(
        default=None, doc="the path of a key that is on the machine already, as Debian's own below /usr/share/keyrings"
    )
    trusted: bool = field(default=False, doc="True takes it without any signature: for one on the machine itself")
    absent: bool = field(default=False, doc="there is to be no such repository, nor its key")
    refresh: bool = field(default=True, doc="refresh the package lists when it has changed")

    def check(self) -> None:
        """Refuse what contradicts itself, and what anyone could feed packages into."""
        self.exclusive("key", "key_file", "signed_by", "trusted")
        if not _NAME.fullmatch(self.name):
            raise FieldError(
                f"{self}: apt reads no file of that name",
                place=self.place,
                remedy="Letters, digits, - and _ alone.",
            )
        if self.absent:
            return
        if not self.uris:
            raise FieldError(f"{self}: uris= says where it is", place=self.place)
        if self.signed_by is not None:
            absolute(self, self.signed_by)
        if not (self.key or self.key_file or self.signed_by or self.trusted):
            raise FieldError(
                f"{self}: nothing says whose signature it has to have",
                place=self.place,
                remedy="Give key=, key_file= or signed_by=; trusted=True takes it without one.",
            )

    def each(self, name: str) -> list[str]:
        """A parameter that is one text or several, as several."""
        value = getattr(self, name)
        return [value] if isinstance(value, str) else list(value)


class WriteSources(Provider, provides=AptRepository, short="apt"):
    """Through files below /etc/apt, and apt-get update."""

    needs = "apt-get"

    @classmethod
    def suits(cls, machine: Machine) -> bool:
        """Whether there is an apt-get."""
        return machine.which("apt-get") is not None

    def plan(self) -> Iterator[Change]:
        """Write or remove its key and its sources, and refresh the lists if any of it changed."""
        name = self.resource.name
        wanted = {f"{_KEYS}/{name}.{ending}": None for ending in ("asc", "gpg")}
        wanted[f"{_SOURCES}/{name}.sources"] = None
        changes = list(self._changes({**wanted, **({} if self.resource.absent else self._files())}))
        if not changes:
            return
        if self.machine.real_user() != "root":
            raise ProviderError("apt's repositories are root's to change", remedy="Does the role need sudo()?")
        yield from changes
        if self.resource.refresh:
            yield Change("refresh lists", self._refresh, ACT)

    def _changes(self, files: dict[str, bytes | None]) -> Iterator[Change]:
        for path, content in files.items():
            status = self.machine.status(path)
            current = self.machine.read(path) if status is not None else None
            if content is None and status is not None:
                yield Change("remove", lambda path=path: self.machine.remove(path), before=path)  # type: ignore[misc]
            elif content is not None and current != content:
                yield Change(
                    "write",
                    lambda path=path, content=content: self._write(path, content),  # type: ignore[misc]
                    after=path,
                    contents=(current or b"", content) if path.endswith(".sources") else None,
                )

    def _write(self, path: str, content: bytes) -> None:
        folder = path.rpartition("/")[0]
        if self.machine.status(folder, follow=True) is None:
            self.machine.make_directory(folder, mode=0o755)
        self.machine.write(path, content, mode=_MODE, owner=None, group=None)

    def _files(self) -> dict[str, bytes | None]:
        name, files = self.resource.name, {}
        key = self._key()
        signed_by = self.resource.signed_by or ""
        if key is not None:
            signed_by = f"{_KEYS}/{name}.{'asc' if key.lstrip().startswith(_ARMOR) else 'gpg'}"
            files[signed_by] = key
        self._refuse_what_apt_would(signed_by)
        return {**files, f"{_SOURCES}/{name}.sources": self._stanza(signed_by).encode()}

    def _key(self) -> bytes | None:
        wanted = self.resource
        if wanted.trusted or wanted.signed_by:
            return None
        key = wanted.key.strip().encode() + b"\n" if wanted.key else self.sources.file(wanted.key_file)
        binary = key[:1] in (b"\x98", b"\x99", b"\xc6")  # a public-key packet: RFC 4880, 4.2
        if not binary and not key.lstrip().startswith(_ARMOR):
            raise ProviderError(
                f"what is given as the key of {wanted.name} is no public key of OpenPGP",
                remedy="It begins with -----BEGIN PGP PUBLIC KEY BLOCK-----, or is what gpg --export writes.",
            )
        return bytes(key)

    def _stanza(self, signed_by: str) -> str:
        wanted = self.resource
        lines = {
            "Types": wanted.each("types"),
            "URIs": wanted.each("uris"),
            "Suites": self._suites(),
            "Components": wanted.each("components"),
            "Architectures": wanted.each("architectures"),
            "Signed-By": [signed_by] if signed_by else [],
            "Trusted": ["yes"] if wanted.trusted else [],
        }
        text = "\n".join(f"{name}: {' '.join(values)}" for name, values in lines.items() if values)
        return f"# Written by OpsMop\n{text}\n"

    def _suites(self) -> list[str]:
        return self.resource.each("suites") or [self._codename()]

    def _codename(self) -> str:
        text = self.machine.read("/etc/os-release").decode("utf-8", "replace")
        said = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        codename = said.get("VERSION_CODENAME", "").strip('"')
        if not codename:
            raise ProviderError(
                f"the release says no codename, and {self.resource.name} no suite", remedy="Give suites=."
            )
        return codename

    def _refuse_what_apt_would(self, signed_by: str) -> None:
        """What another file has too is read twice, of which apt complains each time; and one release that is to be signed
        by two is more than complained of: apt reads none of its sources any more.
        """
        wanted = self.resource
        own = f"{_SOURCES}/{wanted.name}.sources"
        kinds, uris, components = (wanted.each(name) for name in ("types", "uris", "components"))
        ours = list(each(kinds, uris, self._suites(), components, signed_by, "yes" if wanted.trusted else ""))
        theirs = [(path, entry) for path in self._other_files(own) for entry in self._entries(path)]
        whats, releases = {one.what for one in ours}, {one.release for one in ours}
        for path, entry in theirs:
            if entry.what in whats:
                self._refuse_twice(path, entry)
        for path, entry in theirs:
            if entry.release in releases and not _agree(ours[0], entry, after=path < own):
                self._refuse_other_signature(path, entry)

    def _entries(self, path: str) -> Iterator[Entry]:
        return entries(self.machine.read(path).decode("utf-8", "replace"), path)

    def _refuse_twice(self, path: str, entry: Entry) -> None:
        remedy = "Remove it there first: File(..., absent=True), or Line."
        if self.resource.each("architectures"):
            remedy += " Further architectures of one are named together, in architectures=[...] of one AptRepository."
        raise ProviderError(f"{path} has {_written(entry)} already", remedy=remedy)

    def _refuse_other_signature(self, path: str, entry: Entry) -> None:
        """See `_refuse_what_apt_would`."""
        remedy = "Remove it there first: File(..., absent=True), or Line."
        if entry.signed_by.startswith("/"):
            remedy = f'signed_by="{entry.signed_by}" takes the key that is there, or remove it there first.'
        said = entry.signed_by.partition("\n")[0] or ("nobody" if entry.trusted else "whoever apt trusts")
        raise ProviderError(
            f"{path} has {_written(entry)}, signed by {said}: apt reads no sources at all where one release is to be "
            "signed by others elsewhere",
            remedy=remedy,
        )

    def _other_files(self, own: str) -> list[str]:
        names = self.machine.listing(_SOURCES) if self.machine.status(_SOURCES) is not None else []
        paths = ["/etc/apt/sources.list", *(f"{_SOURCES}/{name}" for name in names)]
        known = [path for path in paths if path != own and path.endswith((".list", ".sources"))]
        return [path for path in known if self.machine.status(path) is not None]

    def _refresh(self) -> None:
        running.refresh(self.machine, lock_timeout=_LOCK_SECONDS)


def _agree(ours: Entry, theirs: Entry, *, after: bool) -> bool:
    """Whether apt reads both: of one release (address and suite), each says the same of its signature.

    :param after: whether ours is read after theirs, and may then say what theirs leaves open
    """
    signed = ours.signed_by == theirs.signed_by or (after and not theirs.signed_by)
    return signed and ours.trusted == theirs.trusted


def _written(entry: Entry) -> str:
    return f"{entry.uri} {entry.suite} {entry.component}".strip()
