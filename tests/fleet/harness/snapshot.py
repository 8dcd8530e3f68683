"""What is on a host's disk, as a value that can be compared: proof that something changed nothing, or only this."""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

# What a running system writes by itself, without anybody changing it.
WRITTEN_BY_THE_SYSTEM = (
    "/run/*",
    "/dev/*",
    "/var/log/*",
    "/var/lib/systemd/*",
    "/var/lib/private/*",
    "/var/lib/wtmpdb/*",
    "/var/lib/lastlog/*",
    "/tmp/systemd-private-*",
    "/var/tmp/systemd-private-*",
    "/etc/.pwd.lock",
)

KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "link",
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "block device",
    stat.S_IFCHR: "character device",
}


class Entry(NamedTuple):
    """One path: its kind, permission bits, owner and group numbers, size in bytes and content.

    `content` is the sha256 of a file or the target of a link. Kinds beside the usual ones are `removed` (a path of
    the base that is gone) and `replaced directory` (a directory of the base that was removed and made anew).
    """

    kind: str
    mode: int
    uid: int
    gid: int
    size: int
    content: str

    def __str__(self) -> str:
        text = f"{self.kind} {self.mode:04o} {self.uid}:{self.gid}"
        if self.kind == "link":
            return f"{text} -> {self.content}"
        return f"{text} {self.size} bytes sha256 {self.content[:12]}" if self.kind == "file" else text


Snapshot = Mapping[str, Entry]


def take(upper: Path, lower: Path, ignore: tuple[str, ...] = WRITTEN_BY_THE_SYSTEM) -> dict[str, Entry]:
    """Return what an overlay's upper directory says, by absolute path on the host.

    Directories that only lead to something, as they are in the base, are left out. `ignore` holds fnmatch patterns
    of absolute paths (`*` crosses slashes). File times are not compared; a file of the base that was rewritten with the
    same content still shows.
    """
    found = {}
    for name in _below(upper, ""):
        if any(fnmatchcase(name, pattern) for pattern in ignore):
            continue
        entry = _entry(Path(f"{upper}{name}"))
        if entry is not None and not (entry.kind == "directory" and entry == _entry(Path(f"{lower}{name}"))):
            found[name] = entry
    return found


def difference(before: Snapshot, after: Snapshot) -> list[str]:
    """Return one line per path that differs, sorted by path: `+` new, `-` gone, `~` changed; empty when nothing does."""
    lines = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old is None:
            lines.append(f"+ {name}: {new}")
        elif new is None:
            lines.append(f"- {name}: {old}")
        elif old != new:
            lines.append(f"~ {name}: {old} became {new}")
    return lines


def _below(folder: Path, prefix: str) -> Iterator[str]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:  # the host removed it meanwhile
        return
    for entry in entries:
        name = f"{prefix}/{entry.name}"
        yield name
        if entry.is_dir(follow_symlinks=False):
            yield from _below(folder / entry.name, name)


def _entry(path: Path) -> Entry | None:
    try:
        status = path.lstat()
        kind, size, content = _content(path, status)
    except FileNotFoundError:
        return None
    return Entry(kind, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, size, content)


def _content(path: Path, status: os.stat_result) -> tuple[str, int, str]:
    kind = KINDS[stat.S_IFMT(status.st_mode)]
    if kind == "file":
        return kind, status.st_size, hashlib.sha256(path.read_bytes()).hexdigest()
    if kind == "link":
        return kind, status.st_size, str(path.readlink())
    # https://docs.kernel.org/filesystems/overlayfs.html: a removed path is a character device 0/0, a directory that
    # hides the one beneath it carries an attribute.
    if kind == "character device" and status.st_rdev == 0:
        return "removed", 0, ""
    if kind == "directory" and _is_opaque(path):
        return "replaced directory", 0, ""
    return kind, 0, str(status.st_rdev) if kind.endswith("device") else ""


def _is_opaque(path: Path) -> bool:
    try:
        return os.getxattr(path, "trusted.overlay.opaque", follow_symlinks=False) == b"y"
    except OSError:  # the attribute is not there
        return False
