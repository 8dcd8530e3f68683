"""Archives, unpacked."""

from __future__ import annotations

from opsmop.errors import FieldError, ProviderError
from opsmop.language.fields import field
from opsmop.language.machine import Effect
from opsmop.language.provider import Change, Provider
from opsmop.language.resource import Resource
from opsmop.resources.answers import answer, done
from opsmop.resources.marks import Mark
from opsmop.resources.modes import Mode, mode_of
from opsmop.resources.permissions import absolute, group_name, owner_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, ClassVar

_LISTED = ("strip", "only", "but", "owner", "group")
_LATER = ("mode", "keep_newer")  # what is remembered only where it was asked for
_GROUP_AND_OTHERS = [bits << 3 | others for bits in (0, 1, 4, 5) for others in (0, 1, 4, 5)]  # nobody else may write

_DIGITS = 64  # of a sha256


class Unarchive(Resource):
    """A tar or zip archive, unpacked into a directory that exists. It is unpacked again when the archive is another, or
    when something of it is missing or has another size. What leads out of the directory is refused, as are devices; the
    files belong to who unpacks them, and nobody else may write to them unless `mode` says so.
    """

    name: str = field(kw_only=False, doc="the directory on the target that it is unpacked into")
    from_file: str | None = field(default=None, doc="an archive beside the policy")
    archive: str | None = field(default=None, doc="an archive on the target, such as a Download")
    strip: int = field(default=0, doc="how many parts at the beginning of each name are left away")
    only: list[str] = field(default=[], doc='patterns of what is unpacked, such as "bin/*"; all if none is given')
    but: list[str] = field(default=[], doc="patterns of what is not unpacked")
    owner: str | int | None = field(default=None, doc="the owner's name or number")
    group: str | int | None = field(default=None, doc="the group's name or number")
    mode: int | str | None = field(
        default=None,
        doc='permission bits of all that is unpacked, such as "go=rX"; numbers make executable only what is so in it',
    )
    keep_newer: bool = field(
        default=False, doc="files get the times that stand in the archive, and those that are newer by now stay"
    )
    checksum: str | None = field(default=None, doc='"sha256:<hex>" of the archive: another one is refused')
    creates: str | None = field(default=None, doc="a path; it is unpacked only while nothing stands there")

    elsewhere: ClassVar[dict[str, str]] = {"url": "Download(...) brings it, and archive= names what that brought."}

    def check(self) -> None:
        """Refuse what contradicts itself."""
        absolute(self, self.name)
        for path in (self.archive, self.creates):
            if path is not None:
                absolute(self, path)
        if (self.from_file is None) == (self.archive is None):
            raise FieldError(f"{self}: give from_file= or archive=", place=self.place)
        self.bits = mode_of(self.mode, self)
        self.digest = (self.checksum or "").lower().removeprefix("sha256:")
        if self.checksum is not None and (len(self.digest) != _DIGITS or set(self.digest) - set("0123456789abcdef")):
            raise FieldError(
                f"{self}: checksum={self.checksum!r} is not one",
                place=self.place,
                remedy='Write "sha256:" and 64 digits.',
            )


class Unpack(Provider, provides=Unarchive):
    """With the target's own Python."""

    def plan(self) -> Iterator[Change]:
        """Unpack it, if it is another or something of it is missing."""
        wanted = self.resource
        if wanted.creates and self.machine.status(wanted.creates, follow=True) is not None:
            return
        self._refuse_place()
        if wanted.archive is not None and self._planned(wanted.archive):
            yield Change("unpack", self._model, after=wanted.archive, assumed=True)
            return
        data = self.sources.file(wanted.from_file) if wanted.from_file is not None else None
        request = self._request()
        if self.machine.look("unpacked", self._called, lambda: ({},)) == (request,):
            return  # an earlier resource of this plan does it
        said = answer(self.machine, "unpack", {**request, "act": "look"}, data or b"")
        self._refuse_other(said["digest"])
        known = self._mark().read()
        if said["missing"] or known != self._known(said, request):
            yield Change(
                "unpack",
                lambda: self._unpack(request, data),
                before="another" if known else "",
                after=f"{said['entries']} entries of {wanted.from_file or wanted.archive}",
            )

    def _refuse_other(self, digest: str) -> None:
        wanted = self.resource
        if wanted.digest and digest != wanted.digest:
            raise ProviderError(
                f"{wanted.from_file or wanted.archive} is another archive: its sha256 is {digest}",
                remedy="If that one is meant, write it into checksum=.",
            )

    def _refuse_place(self) -> None:
        path = self.resource.name
        found = self.machine.status(path, follow=True)
        if found is None:
            raise ProviderError(f"{path} does not exist", remedy="Manage it with Directory first.")
        if found.kind != "directory":
            raise ProviderError(f"{path} is a {found.kind}, not a directory")

    def _planned(self, path: str) -> bool:
        """Whether the archive is only planned, so that nobody knows what will be in it."""
        status = self.machine.status(path, follow=True)
        if status is None:
            raise ProviderError(f"there is no archive {path}", remedy="Download brings one, or File(from_file=...).")
        return status.predicted

    def _unpack(self, request: dict[str, Any], data: bytes | None) -> None:
        effects = [Effect("unpacked", self._called, (request,))]
        said = done(self.machine, "unpack", {**request, "act": "unpack"}, effects, data or b"")
        if not said:
            self._model()
            return
        self._mark().write(self._known(said, request))

    def _model(self) -> None:
        """What will stand in the directory is more than check models: looks into it are assumed from now on."""
        before, self.machine.assuming = self.machine.assuming, True
        path = self.resource.name
        status = self.machine.status(path, follow=True)
        self.machine.set_mode(path, status.mode if status is not None else 0o755)
        self.machine.assuming = before

    def _request(self) -> dict[str, Any]:
        wanted = self.resource
        return {
            "archive": wanted.archive or "",
            "into": wanted.name,
            "strip": wanted.strip,
            "only": list(wanted.only),
            "but": list(wanted.but),
            "owner": owner_name(wanted.owner, self.machine),
            "group": group_name(wanted.group, self.machine),
            "modes": self._modes(),
            "keep_newer": wanted.keep_newer,
        }

    def _modes(self) -> dict[str, dict[str, int]]:
        """The bits of files and directories, for each that they may have in the archive; empty: as they are there."""
        bits: Mode | None = self.resource.bits
        if bits is None:
            return {}
        directories = [0o700 | each for each in _GROUP_AND_OTHERS]
        files = [owner | each for owner in (0o600, 0o700) for each in _GROUP_AND_OTHERS]
        return {
            "directory": {str(each): bits.beneath(each, directory=True) for each in directories},
            "file": {str(each): bits.beneath(each, directory=False) for each in files},
        }

    def _known(self, said: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
        """What is remembered of an archive that was unpacked as it is asked for."""
        later = {name: getattr(self.resource, name) for name in _LATER if getattr(self.resource, name)}
        return {"digest": said["digest"], **{name: request[name] for name in _LISTED}, **later}

    @property
    def _called(self) -> str:
        """Several archives may be unpacked into one directory."""
        return f"{self.resource.name}\n{self.resource.from_file or self.resource.archive}"

    def _mark(self) -> Mark:
        return Mark(self.machine, "unpacked", self._called)
