"""Lists or unpacks an archive: tar (plain, gzip, bzip2, xz) or zip. What would lead out of its directory is refused.

A request has ``act`` (``look`` or ``unpack``), ``archive`` (a path; empty if the archive comes by standard input),
``into``, ``strip`` (parts of each name that go), ``only`` and ``but`` (patterns), ``owner``, ``group``, ``modes`` (what
becomes of each mode, by kind), ``keep_newer``.
"""

from __future__ import annotations

import contextlib
import fnmatch
import hashlib
import io
import json
import lzma
import os
import stat
import sys
import tarfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from opsmop.target.programs.ground import Ground, Refusal, held

_PIECE = 1 << 20  # bytes
_LONGEST_NAME = 255  # bytes: limits.h, NAME_MAX
_KEPT_BITS = 0o755  # no setuid, no sticky bit, and nobody else may write
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError)


class Entry(NamedTuple):
    """One thing in an archive; `kind` is ``file``, ``directory``, ``link`` or ``hard link``; `key` is the archive's own.

    `time` is when it was changed last, in seconds of the epoch.
    """

    name: str
    kind: str
    mode: int
    size: int
    target: str
    time: float
    key: Any


class Tar:
    """A tar archive."""

    def __init__(self, file: Any) -> None:
        self._tar = tarfile.open(fileobj=file)  # noqa: SIM115 - it lives as long as the program

    def entries(self) -> Iterator[Entry]:
        """All that is in it."""
        for member in self._tar:
            kind = "file" if member.isreg() else "directory" if member.isdir() else "link" if member.issym() else ""
            kind = "hard link" if member.islnk() else kind
            if not kind:
                raise Refusal(f"the archive holds {member.name!r}, which is a device or the like")
            yield Entry(member.name, kind, member.mode, member.size, member.linkname, member.mtime, member)

    def content(self, entry: Entry) -> Any:
        """The content of a file, to be read."""
        return self._tar.extractfile(entry.key)


class Zip:
    """A zip archive."""

    def __init__(self, file: Any) -> None:
        self._zip = zipfile.ZipFile(file)

    def entries(self) -> Iterator[Entry]:
        """All that is in it. Unix modes stand in the upper half of the external attributes, if it was made on Unix."""
        for info in self._zip.infolist():
            if info.flag_bits & 1:  # APPNOTE.TXT of PKWARE, 4.4.4
                raise Refusal(f"the archive holds {info.filename!r}, which is encrypted", "Give one that is not.")
            mode = info.external_attr >> 16
            link = stat.S_ISLNK(mode)
            kind = "link" if link else "directory" if info.is_dir() else "file"
            target = self._zip.read(info).decode("utf-8", "surrogateescape") if link else ""
            plain = 0o755 if kind == "directory" else 0o644
            yield Entry(
                info.filename,
                kind,
                stat.S_IMODE(mode) or plain,
                info.file_size,
                target,
                time.mktime((*info.date_time, 0, 0, -1)),
                info,
            )

    def content(self, entry: Entry) -> Any:
        """The content of a file, to be read."""
        return self._zip.open(entry.key)


def _digest(file: Any) -> str:
    found = hashlib.sha256()
    while piece := file.read(_PIECE):
        found.update(piece)
    return found.hexdigest()


def _archive(file: Any) -> Any:
    is_zip = zipfile.is_zipfile(file)
    file.seek(0)
    return Zip(file) if is_zip else Tar(file)


def _chosen(request: dict[str, Any], entries: Iterator[Entry]) -> list[Entry]:
    """What is to be unpacked, under its final name."""
    chosen, passed = [], ""
    for entry in entries:
        name = passed = _inner(entry.name, entry.name) or passed
        parts = name.split("/")[request["strip"] :] if name else []
        name = "/".join(parts)
        if not name or not _wanted(request, name):
            continue
        if entry.kind == "link":
            _refuse_way_back(entry)
            _inner(entry.target, entry.name, name.rpartition("/")[0])
        target = entry.target
        if entry.kind == "hard link":
            target = "/".join(_inner(entry.target, entry.name).split("/")[request["strip"] :])
        chosen.append(entry._replace(name=name, target=target))
    if passed and not chosen:
        raise Refusal(f"nothing of the archive is left to be unpacked, not even {passed!r}", "See strip, only and but.")
    _refuse_unfit(request["into"], chosen)
    return chosen


def _refuse_unfit(into: str, entries: list[Entry]) -> None:
    """Refuse what cannot all stand there, or is a further name of what is not there before it."""
    kinds: dict[str, str] = {}
    for entry in entries:
        above = [entry.name[:end] for end, letter in enumerate(entry.name) if letter == "/"]
        why = next(
            (f"{name} is in the way" for name in above if kinds.setdefault(name, "directory") != "directory"), ""
        )
        if (kinds.get(entry.name, entry.kind) == "directory") != (entry.kind == "directory"):
            why = f"a {kinds[entry.name]} of that name is in the way"
        if any(len(os.fsencode(part)) > _LONGEST_NAME for part in entry.name.split("/")):
            why = "the name is too long"
        if entry.kind == "hard link" and entry.target not in kinds and not os.path.lexists(f"{into}/{entry.target}"):
            why = f"{entry.target}, of which it is a further name, does not come before it"
        if why:
            raise Refusal(f"the archive holds {entry.name[:80]!r}, which cannot be unpacked: {why}")
        kinds[entry.name] = entry.kind


def _refuse_way_back(entry: Entry) -> None:
    """Refuse a link that goes down and up again: what it goes down into may be a link itself, and up lead anywhere."""
    ups = [part == ".." for part in entry.target.split("/") if part not in ("", ".")]
    if ups != sorted(ups, reverse=True):
        raise Refusal(f"the archive holds {entry.name!r}, which leads out of its directory: {entry.target!r}")


def _inner(path: str, entry: str, folder: str = "") -> str:
    """A path of the archive, relative to `folder`, without ``.`` and ``..``, beneath what it is unpacked into."""
    if path.startswith("/") or "\\" in path or "\0" in path:
        raise Refusal(f"the archive holds {entry!r}, which leads out of its directory: {path!r}")
    parts = folder.split("/") if folder else []
    for part in path.split("/"):
        if part == "..":
            if not parts:
                raise Refusal(f"the archive holds {entry!r}, which leads out of its directory: {path!r}")
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _wanted(request: dict[str, Any], name: str) -> bool:
    names = [name, *(name[:index] for index, letter in enumerate(name) if letter == "/")]
    chosen = not request["only"] or any(fnmatch.fnmatchcase(one, rule) for one in names for rule in request["only"])
    return chosen and not any(fnmatch.fnmatchcase(one, rule) for one in names for rule in request["but"])


def _refuse_no_room(into: str, entries: list[Entry]) -> None:
    needed = sum(entry.size for entry in entries)
    system = os.statvfs(into)
    free = system.f_bavail * system.f_frsize
    if needed > free:
        raise Refusal(f"{into} has room for {free} bytes, and the archive holds {needed}")


def _unpack(request: dict[str, Any], archive: Any, entries: list[Entry]) -> None:
    _refuse_no_room(request["into"], entries)
    owner, group = _number(request["owner"], "pwd"), _number(request["group"], "grp")
    way = request["modes"]["directory"][str(0o755)] if request["modes"] else 0o755
    with held(request["into"]) as root:
        ground = Ground(request["into"], root, owner, group, way)
        for entry in entries:
            _put(request, ground, archive, entry)


def _put(request: dict[str, Any], ground: Ground, archive: Any, entry: Entry) -> None:
    with ground.entered(entry.name) as at:
        if entry.kind == "directory":
            ground.directory(at, entry.name, _bits(request, entry), always=bool(request["modes"]))
        elif entry.kind == "file":
            if not _newer(request, entry.name.rpartition("/")[2], entry, at):
                changed = entry.time if request["keep_newer"] else None
                ground.file(at, entry.name, archive.content(entry), _bits(request, entry), changed)
        elif entry.kind == "link":
            ground.link(at, entry.name, entry.target)
        else:
            ground.hard_link(at, entry.name, entry.target)


def _bits(request: dict[str, Any], entry: Entry) -> int:
    bits = entry.mode & _KEPT_BITS | (0o700 if entry.kind == "directory" else 0o600)
    found: int = request["modes"][entry.kind][str(bits)] if request["modes"] else bits
    return found


def _newer(request: dict[str, Any], path: str, entry: Entry, at: int | None = None) -> bool:
    """Whether a file that stands there is to stay, because it was changed after that of the archive.

    :param at: the held directory that the path is in
    """
    if not request["keep_newer"] or entry.kind != "file":
        return False
    try:
        found = os.stat(path, dir_fd=at, follow_symlinks=False)
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_mtime > entry.time


def _number(name: str | None, book: str) -> int:
    if name is None:
        return -1
    if name.isdigit():
        return int(name)
    import grp  # only where someone is named
    import pwd

    return pwd.getpwnam(name).pw_uid if book == "pwd" else grp.getgrnam(name).gr_gid


def _missing(request: dict[str, Any], entries: list[Entry]) -> int:
    """How many of them do not stand there, as what they are. Where a name comes twice, the last one was put there."""
    last = {os.path.join(request["into"], entry.name): entry for entry in entries}
    return sum(not _stands(path, entry) and not _newer(request, path, entry) for path, entry in last.items())


def _stands(path: str, entry: Entry) -> bool:
    try:
        found = os.lstat(path)
    except OSError:
        return False
    if entry.kind == "link":
        return stat.S_ISLNK(found.st_mode) and os.readlink(path) == entry.target
    if entry.kind == "directory":
        return stat.S_ISDIR(found.st_mode)
    if entry.kind == "hard link":
        return stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode)  # a link has further names, too
    return stat.S_ISREG(found.st_mode) and found.st_size == entry.size


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    file = open(request["archive"], "rb") if request["archive"] else io.BytesIO(sys.stdin.buffer.read())  # noqa: SIM115
    with file:
        digest = _digest(file)
        archive = _archive(file)
        entries = _chosen(request, archive.entries())
        if request["act"] == "unpack":
            _unpack(request, archive, entries)
        else:  # what would be refused is refused now; a directory that is only planned is nobody's yet
            with contextlib.suppress(FileNotFoundError), held(request["into"]):
                pass
        return {"digest": digest, "entries": len(entries), "missing": _missing(request, entries)}


def main() -> None:
    """Answer the request."""
    request = json.loads(sys.argv[1])
    try:
        answer = _answer(request)
    except Refusal as refusal:
        answer = refusal.answer
    except _BROKEN as error:
        what = request["archive"] or "the archive"
        answer = {"error": f"{what} is damaged, or no archive that Python reads: {error}", "remedy": ""}
    except KeyError as error:
        answer = {"error": f"there is no user or group {error}", "remedy": ""}
    except OSError as error:
        answer = {"error": f"{error.filename or request['into']}: {error.strerror or error}", "remedy": ""}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
