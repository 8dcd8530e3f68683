"""Settings of the kernel."""

from __future__ import annotations

from opsmop.errors import FieldError, ProviderError
from opsmop.language.fields import field
from opsmop.language.machine import Effect, Machine
from opsmop.language.provider import Change, Provider
from opsmop.language.resource import Resource
from opsmop.resources.editing import Lines
from opsmop.resources.permissions import absolute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_LIVE = "/proc/sys"
# sysctl.d(5): of files with one name the first directory's counts; all are then read in the order of their names.
_DIRECTORIES = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d")
_FILE = "/etc/sysctl.d/90-opsmop.conf"


class Sysctl(Resource):
    """A setting of the kernel, now and after the next boot; or none that is kept (what holds now stays until then)."""

    name: str = field(kw_only=False, doc="the setting: net.ipv4.ip_forward, or net/ipv4/conf/eth0.1/rp_filter")
    value: str | int | None = field(kw_only=False, default=None, doc="its value; several are parted by blanks")
    kept_in: str = field(default=_FILE, doc="where it is kept")
    now: bool = field(default=True, doc="set it in the running kernel too")
    ignore_missing: bool = field(default=False, doc="a kernel that has no such setting is none of its business")
    absent: bool = field(default=False, doc="it is not to be kept in `kept_in`")

    def check(self) -> None:
        """Refuse what contradicts itself."""
        absolute(self, self.kept_in)
        self.exclusive("value", "absent")
        if self.value is None and not self.absent:
            raise FieldError(f"{self}: no value is given", place=self.place)
        if "\n" in f"{self.name}{self.value}" or set(self.name) & set(" \t=#;") or ".." in self.name:
            raise FieldError(f"{self}: this is no name and value of a setting", place=self.place)
        if self.kept_in.rpartition("/")[0] in _DIRECTORIES and not self.kept_in.endswith(".conf"):
            raise FieldError(
                f"{self}: {self.kept_in} is not read at boot", place=self.place, remedy="Names there end in .conf."
            )


def part(name: str) -> str:
    """The path of a setting beneath /proc/sys. Source: sysctl.d(5): the first separator says which one is meant."""
    dot, slash = name.find("."), name.find("/")
    if slash != -1 and (dot == -1 or slash < dot):
        return name
    return name.translate(str.maketrans("./", "/."))


class SetSysctl(Provider, provides=Sysctl, short="sysctl"):
    """Through /proc/sys and sysctl.d."""

    needs = "Linux"

    @classmethod
    def suits(cls, machine: Machine) -> bool:
        """Whether the kernel shows its settings."""
        return machine.status(_LIVE) is not None

    def plan(self) -> Iterator[Change]:
        """The live value, and the line that keeps it."""
        setting = self.resource
        if setting.absent:
            yield from self._kept()
            return
        live = f"{_LIVE}/{part(setting.name)}"
        if self.machine.status(live) is None and not setting.ignore_missing:
            raise ProviderError(
                f"this kernel has no setting {setting.name}",
                remedy="Is its module loaded? ignore_missing=True keeps it for a kernel that has it.",
            )
        self._refuse_loser()
        if setting.now and self.machine.status(live) is not None:
            yield from self._live(live)
        yield from self._kept()

    def _live(self, path: str) -> Iterator[Change]:
        machine, wanted = self.machine, str(self.resource.value).split()
        current: list[str] = machine.look("sysctl", path, lambda: machine.read(path).decode("utf-8", "replace").split())
        if current == wanted:
            return
        if not machine.writable(path):
            raise ProviderError(
                f"{path} cannot be written",
                remedy="Does the role need sudo()? A container's may be read-only: now=False only keeps the setting.",
            )
        yield Change("set", lambda: self._set(path, wanted), before=" ".join(current), after=" ".join(wanted))

    def _set(self, path: str, wanted: list[str]) -> None:
        argv = ["/bin/sh", "-c", 'printf "%s\\n" "$1" > "$2"', "sysctl", " ".join(wanted), path]
        completed = self.machine.run(argv, effects=[Effect("sysctl", path, wanted)])
        if completed.known and completed.rc:
            raise ProviderError(
                f"the kernel does not take {' '.join(wanted)} for {self.resource.name}",
                remedy="Can the setting have that value? A container may be refused what its host may do.",
            )

    def _kept(self) -> Iterator[Change]:
        setting, machine = self.resource, self.machine
        status = machine.status(setting.kept_in)
        if status is not None and status.kind != "file":
            raise ProviderError(f"{setting.kept_in} is a {status.kind}, not a file")
        old = machine.read(setting.kept_in) if status is not None else b""
        new = self._edited(old.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        if new == old:
            return
        if not new.strip():
            yield Change("remove", lambda: machine.remove(setting.kept_in), contents=(old, b""))
            return
        mode = status.mode if status is not None else 0o644
        yield Change(
            "forget" if setting.absent else "keep",
            lambda: machine.write(setting.kept_in, new, mode=mode, owner=None, group=None),
            contents=(old, new),
        )

    def _edited(self, text: str) -> str:
        setting, lines = self.resource, Lines(text)
        found = [number for number, line in enumerate(lines.lines) if _named(line) == part(setting.name)]
        if setting.absent:
            lines.lines = [line for number, line in enumerate(lines.lines) if number not in found]
            return lines.text()
        wanted = str(setting.value).split()
        if not found:
            lines.lines.append(f"{setting.name} = {' '.join(wanted)}")
        elif _value(lines.lines[found[-1]]) != wanted or len(found) > 1:
            lines.lines[found[-1]] = f"{setting.name} = {' '.join(wanted)}"
            lines.lines = [line for number, line in enumerate(lines.lines) if number not in found[:-1]]
        return lines.text()

    def _refuse_loser(self) -> None:
        """Refuse what another file would undo at the next boot.

        :raises ProviderError: if one does
        """
        setting = self.resource
        directory, _, own = setting.kept_in.rpartition("/")
        if directory not in _DIRECTORIES:
            return
        files = self._files()
        if files.get(own, setting.kept_in) in self._before(directory, own):
            raise ProviderError(
                f"{setting.kept_in} is not read at boot: {files[own]}, of the same name, stands for it",
                remedy="Give kept_in= another name, or write there.",
            )
        for name, path in sorted(files.items()):
            if name <= own:
                continue
            text = self.machine.read(path).decode("utf-8", "replace")
            values = [_value(line) for line in text.splitlines() if _named(line) == part(setting.name)]
            if values and values[-1] != str(setting.value).split():
                raise ProviderError(
                    f"{setting.name} would be {' '.join(values[-1])} after the next boot: {path} comes after {own}",
                    remedy="Remove it there, or give kept_in= a name that comes later.",
                )

    @staticmethod
    def _before(directory: str, name: str) -> list[str]:
        """Where a file of that name would be read instead of the one in `directory`."""
        return [f"{each}/{name}" for each in _DIRECTORIES[: _DIRECTORIES.index(directory)]]

    def _files(self) -> dict[str, str]:
        """The files that are read at boot, by name."""
        found: dict[str, str] = {}
        for directory in _DIRECTORIES:
            if self.machine.status(directory, follow=True) is None:
                continue
            for name in self.machine.listing(directory):
                status = self.machine.status(f"{directory}/{name}", follow=True)
                if name.endswith(".conf") and name not in found and status is not None and status.kind == "file":
                    found[name] = f"{directory}/{name}"
        return found


def _named(line: str) -> str:
    """The setting that a line sets; empty if none."""
    name, equals, _ = line.strip().partition("=")
    name = name.strip().lstrip("-")
    return part(name) if equals and not name.startswith(("#", ";")) else ""


def _value(line: str) -> list[str]:
    return line.partition("=")[2].split()
