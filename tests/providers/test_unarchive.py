"""Archives: what is unpacked, what is refused, and when nothing is to be done."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import struct
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsmop import Directory, File, Unarchive

Evaluate = Callable[..., Any]


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "into").mkdir()
    return tmp_path


KINDS = {"file": tarfile.REGTYPE, "directory": tarfile.DIRTYPE, "link": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE,
         "device": tarfile.CHRTYPE}  # fmt: skip


def tar(path: Path, *members: tuple[str, str, Any], mode: str = "w:gz") -> str:
    """An archive of members: a kind, a name, and a content, a link's target or a mode."""
    with tarfile.open(path, mode) as archive:
        for kind, name, what in members:
            info = tarfile.TarInfo(name)
            info.type, info.uid, info.mode = KINDS[kind], 4711, 0o6777
            if kind == "file":
                info.size = len(what)
            elif kind in ("link", "hard"):
                info.linkname = what
            archive.addfile(info, io.BytesIO(what) if kind == "file" else None)
    return str(path)


def changes(evaluated: Any) -> list[tuple[str, bool]]:
    return [(change.name, change.assumed) for event in evaluated.finished for change in event.changes]


GOOD = (
    ("directory", "app-1.0", None),
    ("file", "app-1.0/bin/run", b"#!/bin/sh\n"),
    ("file", "app-1.0/doc/readme", b"read me\n"),
    ("link", "app-1.0/current", "bin/run"),
    ("hard", "app-1.0/other", "app-1.0/bin/run"),
)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_an_archive_is_unpacked_once(mode: str, place: Path, evaluate: Evaluate) -> None:
    archive = tar(place / "a.tar", *GOOD, mode=mode)

    def main(_: object) -> None:
        Unarchive(place / "into", archive=archive, strip=1, but=["doc"])

    assert changes(evaluate(main, "check")) == [("unpack", False)]
    assert list((place / "into").iterdir()) == []
    assert changes(evaluate(main)) == [("unpack", False)]
    into = place / "into"
    assert (into / "bin" / "run").read_bytes() == b"#!/bin/sh\n"
    assert str((into / "current").readlink()) == "bin/run"
    assert (into / "other").stat().st_ino == (into / "bin" / "run").stat().st_ino
    assert not (into / "doc").exists()
    status = (into / "bin" / "run").stat()
    assert stat.S_IMODE(status.st_mode) == 0o755, "nobody else may write, and it is not setuid"
    assert status.st_uid == os.getuid()
    assert changes(evaluate(main)) == []
    assert changes(evaluate(main, "check")) == []


def test_what_is_missing_or_another_archive_is_unpacked_again(place: Path, evaluate: Evaluate) -> None:
    archive = tar(place / "a.tar", *GOOD)

    def main(_: object) -> None:
        Unarchive(place / "into", archive=archive)

    evaluate(main)
    (place / "into" / "app-1.0" / "bin" / "run").unlink()
    assert changes(evaluate(main)) == [("unpack", False)]
    assert changes(evaluate(main)) == []
    tar(place / "a.tar", ("file", "app-1.0/doc/readme", b"read us\n"))
    assert changes(evaluate(main)) == [("unpack", False)]
    assert (place / "into" / "app-1.0" / "doc" / "readme").read_bytes() == b"read us\n"
    assert changes(evaluate(main)) == []


def test_what_hangs_on_a_file_stays_when_it_is_unpacked_anew(place: Path, evaluate: Evaluate) -> None:
    """SELinux's labels and ACLs are extended attributes (xattr(7)); the bits are the archive's (acl(5))."""
    there = place / "into" / "conf"
    there.write_text("old")
    os.setxattr(there, "user.kept", b"yes")
    listed = struct.pack("<I", 2)  # linux/posix_acl_xattr.h: a version, then tag, bits and number of each entry
    for tag, bits, number in ((1, 6, -1), (2, 6, 4711), (4, 4, -1), (0x10, 6, -1), (0x20, 0, -1)):
        listed += struct.pack("<HHi", tag, bits, number)
    os.setxattr(there, "system.posix_acl_access", listed)
    with tarfile.open(place / "a.tar", "w") as archive:
        info = tarfile.TarInfo("conf")
        info.size, info.mode = 3, 0o640
        archive.addfile(info, io.BytesIO(b"new"))

    def main(_: object) -> None:
        Unarchive(place / "into", archive=str(place / "a.tar"))

    assert changes(evaluate(main)) == [("unpack", False)]
    assert there.read_text() == "new"
    assert os.getxattr(there, "user.kept") == b"yes"
    assert "system.posix_acl_access" in os.listxattr(there)
    assert stat.S_IMODE(there.stat().st_mode) == 0o640, "the mask of its list does not widen it"
    assert changes(evaluate(main)) == []


def test_a_zip_beside_the_policy_keeps_its_modes_and_links(place: Path, evaluate: Evaluate) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, mode, content in (
            ("bin/run", stat.S_IFREG | 0o755, "x"),
            ("conf", stat.S_IFREG | 0o640, "y"),
            ("link", stat.S_IFLNK | 0o777, "conf"),
        ):
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, content)
    files = {"files/a.zip": data.getvalue()}

    def main(_: object) -> None:
        Unarchive(place / "into", from_file="files/a.zip", only=["bin/*", "conf", "link"])

    assert changes(evaluate(main, "check", files=files)) == [("unpack", False)]
    assert changes(evaluate(main, files=files)) == [("unpack", False)]
    assert (place / "into" / "bin" / "run").stat().st_mode & 0o777 == 0o755
    assert (place / "into" / "conf").stat().st_mode & 0o777 == 0o640
    assert (place / "into" / "link").read_text() == "y"
    assert changes(evaluate(main, files=files)) == []


@pytest.mark.parametrize(
    "members",
    [
        [("file", "../out", b"x")],
        [("file", "/etc/out", b"x")],
        [("file", "a/../../out", b"x")],
        [("link", "a", "/etc")],
        [("link", "a", "../..")],
        [("link", "a/b", "../../out")],
        [("hard", "a", "../out")],
        [("hard", "a", "/etc/passwd")],
        [("device", "null", None)],
        [("file", "..\\out", b"x")],
        [("directory", "d", None), ("link", "d/e", ".."), ("link", "x", "d/e/../..")],
        [("link", "up", "a/../.."), ("file", "up/out", b"x")],
    ],
)
def test_what_leads_out_of_the_directory_is_refused_before_anything_is_written(
    members: list[tuple[str, str, Any]], place: Path, evaluate: Evaluate
) -> None:
    archive = tar(place / "a.tar", ("file", "first", b"x"), *members)
    for mode in ("check", "apply"):
        failure = evaluate(lambda _: Unarchive(place / "into", archive=archive), mode).failure
        assert "leads out of its directory" in failure.message or "is a device" in failure.message
    assert list((place / "into").iterdir()) == []
    assert not (place / "out").exists()


def test_a_link_in_the_directory_is_not_written_through(place: Path, evaluate: Evaluate) -> None:
    (place / "elsewhere").mkdir()
    (place / "into" / "a").symlink_to(place / "elsewhere")
    archive = tar(place / "a.tar", ("file", "a/out", b"x"))
    assert "is in the way" in evaluate(lambda _: Unarchive(place / "into", archive=archive)).failure.message
    inner = tar(place / "b.tar", ("link", "b", "c"), ("directory", "c", None), ("file", "b/out", b"x"))
    assert "is in the way" in evaluate(lambda _: Unarchive(place / "into", archive=inner)).failure.message
    assert list((place / "elsewhere").iterdir()) == []


@pytest.mark.parametrize(
    ("members", "given", "said"),
    [
        ([("file", "a", b"x"), ("file", "a/b", b"x")], {}, "cannot be unpacked: a is in the way"),
        ([("file", "a/b", b"x"), ("file", "a", b"x")], {}, "a directory of that name is in the way"),
        ([("hard", "b", "a"), ("file", "a", b"x")], {}, "a, of which it is a further name, does not come before it"),
        ([("file", "a" * 300, b"x")], {}, "the name is too long"),
        ([("file", "top/a", b"x")], {"strip": 2}, "nothing of the archive is left to be unpacked, not even 'top/a'"),
        ([("file", "top/a", b"x")], {"only": ["botom/*"]}, "nothing of the archive is left to be unpacked"),
        ([("file", "top/a", b"x")], {"but": ["*"]}, "nothing of the archive is left to be unpacked"),
    ],
)
def test_what_cannot_be_unpacked_is_refused_in_check_too_and_nothing_is_written(
    members: list[tuple[str, str, Any]], given: dict[str, Any], said: str, place: Path, evaluate: Evaluate
) -> None:
    archive = tar(place / "a.tar", *members)
    for mode in ("check", "apply"):
        assert said in evaluate(lambda _: Unarchive(place / "into", archive=archive, **given), mode).failure.message
    assert list((place / "into").iterdir()) == []


def test_a_damaged_archive_says_so(place: Path, evaluate: Evaluate) -> None:
    archive = tar(place / "a.tar", ("file", "a", os.urandom(5000)))
    data = Path(archive).read_bytes()
    Path(archive).write_bytes(data[: len(data) // 2])
    assert "is damaged, or no archive" in evaluate(lambda _: Unarchive(place / "into", archive=archive)).failure.message
    Path(archive).write_text("no archive")
    assert "is damaged, or no archive" in evaluate(lambda _: Unarchive(place / "into", archive=archive)).failure.message


def test_an_archive_for_which_there_is_no_room_writes_nothing(place: Path, evaluate: Evaluate) -> None:
    with zipfile.ZipFile(place / "a.zip", "w") as archive:
        archive.writestr("one", b"x")
        archive.writestr("two", b"y")
        archive.infolist()[1].file_size = 1 << 50  # so the directory at the end of the archive says
    failure = evaluate(lambda _: Unarchive(place / "into", archive=str(place / "a.zip")) and None).failure
    assert f"{place}/into has room for" in failure.message
    assert list((place / "into").iterdir()) == []


@pytest.mark.parametrize(
    "members",
    [
        (("file", "note", b"old one"), ("file", "other", b"x"), ("file", "./note", b"new")),
        (("file", "note", b"old one"), ("link", "note", "other"), ("file", "other", b"x")),
        (("link", "short", "other"), ("hard", "note", "short"), ("file", "other", b"x")),
    ],
    ids=["a file added anew, as tar -r does", "another kind of thing", "a further name of a link"],
)
def test_the_last_entry_of_a_name_counts_and_the_second_run_does_nothing(
    members: tuple[tuple[str, str, Any], ...], place: Path, evaluate: Evaluate
) -> None:
    archive = tar(place / "a.tar", *members, mode="w")

    def main(_: object) -> None:
        Unarchive(place / "into", archive=archive)

    assert changes(evaluate(main)) == [("unpack", False)]
    assert (place / "into" / "note").read_bytes() in (b"new", b"x")
    assert changes(evaluate(main)) == []


@pytest.mark.parametrize(
    ("local", "central", "value", "said"),
    [
        (6, 8, 1, "holds 'one', which is encrypted"),
        (8, 10, 98, "that Python reads: That compression method is not supported"),
    ],
    ids=["encrypted", "an unknown compression"],
)
def test_a_zip_that_this_python_cannot_read_is_refused(
    local: int, central: int, value: int, said: str, place: Path, evaluate: Evaluate
) -> None:
    """Where the two fields stand: APPNOTE.TXT of PKWARE, 4.3.7 and 4.3.12."""
    with zipfile.ZipFile(place / "a.zip", "w") as archive:
        archive.writestr("one", b"x" * 20)
    data = bytearray((place / "a.zip").read_bytes())
    for offset in (data.index(b"PK\x03\x04") + local, data.index(b"PK\x01\x02") + central):
        data[offset : offset + 2] = value.to_bytes(2, "little")
    (place / "a.zip").write_bytes(data)
    failure = evaluate(lambda _: Unarchive(place / "into", archive=str(place / "a.zip")) and None).failure
    assert failure.error == "ProviderError"
    assert said in failure.message
    assert list((place / "into").iterdir()) == []


def test_creates_and_missing_things(place: Path, evaluate: Evaluate) -> None:
    archive = tar(place / "a.tar", *GOOD)

    def guarded(_: object) -> None:
        Unarchive(place / "into", archive=archive, creates=str(place / "into"))

    assert changes(evaluate(guarded)) == []
    nowhere = evaluate(lambda _: Unarchive(place / "nowhere", archive=archive)).failure
    assert "does not exist" in nowhere.message
    assert "Directory" in nowhere.remedy
    missing = evaluate(lambda _: Unarchive(place / "into", archive="/no/archive")).failure
    assert "there is no archive" in missing.message


def test_check_of_a_planned_archive_into_a_planned_directory_assumes(place: Path, evaluate: Evaluate) -> None:
    files = {"a.tar": Path(tar(place / "a.tar", *GOOD)).read_bytes()}

    def main(_: object) -> None:
        Directory(place / "new")
        File(place / "copy.tar", from_file="a.tar")
        Unarchive(place / "new", archive=str(place / "copy.tar"))
        Unarchive(place / "new", from_file="a.tar", only=["app-1.0/doc"])
        Unarchive(place / "new", from_file="a.tar", only=["app-1.0/doc"])

    planned = changes(evaluate(main, "check", files=files))
    made = changes(evaluate(main, files=files))
    assert [name for name, _ in planned] == [name for name, _ in made]
    assert ("unpack", True) in planned
    assert changes(evaluate(main, files=files)) == []


def modes(into: Path) -> dict[str, int]:
    return {str(path.relative_to(into)): stat.S_IMODE(path.lstat().st_mode) for path in into.rglob("*")}


@pytest.mark.parametrize(
    ("mode", "tool", "data", "folder"),
    [("go=", 0o700, 0o600, 0o700), (0o750, 0o750, 0o640, 0o750), ("g+w,o-rwx", 0o770, 0o660, 0o770)],
)
def test_all_that_is_unpacked_has_the_mode_that_is_asked_for(
    mode: int | str, tool: int, data: int, folder: int, place: Path, evaluate: Evaluate
) -> None:
    with tarfile.open(place / "a.tar", "w") as archive:
        for name, bits in (("bin/tool", 0o755), ("data", 0o644)):
            info = tarfile.TarInfo(name)
            info.mode = bits
            archive.addfile(info)
        info = tarfile.TarInfo("old")
        info.type, info.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(info)
    (place / "into" / "old").mkdir(0o755)

    def main(_: object, mode: int | str | None = mode) -> None:
        Unarchive(place / "into", archive=str(place / "a.tar"), mode=mode)

    for mode_of_role in ("check", "apply"):
        assert changes(evaluate(main, mode_of_role)) == [("unpack", False)]
    assert modes(place / "into") == {"bin": folder, "bin/tool": tool, "data": data, "old": folder}
    assert changes(evaluate(main)) == []
    assert changes(evaluate(lambda _: main(_, "a+rX"))) == [("unpack", False)], "another mode is another wish"
    assert modes(place / "into")["data"] == 0o644


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_files_that_are_newer_than_those_of_the_archive_stay_if_that_is_asked_for(
    kind: str, place: Path, evaluate: Evaluate
) -> None:
    archive = place / f"a.{kind}"

    def pack(text: str, changed: int) -> None:
        if kind == "zip":
            with zipfile.ZipFile(archive, "w") as made:
                for name in ("one", "two"):
                    made.writestr(zipfile.ZipInfo(name, time.localtime(changed)[:6]), text)
            return
        with tarfile.open(archive, "w") as tar_made:
            for name in ("one", "two"):
                info = tarfile.TarInfo(name)
                info.size, info.mtime = len(text), changed
                tar_made.addfile(info, io.BytesIO(text.encode()))

    def main(_: object) -> None:
        Unarchive(place / "into", archive=str(archive), keep_newer=True)

    pack("first", 1_000_000_000)
    assert changes(evaluate(main)) == [("unpack", False)]
    assert (place / "into" / "one").stat().st_mtime == 1_000_000_000
    (place / "into" / "one").write_text("edited by somebody")
    assert changes(evaluate(main, "check")) == changes(evaluate(main)) == []
    pack("second", 1_000_000_100)
    assert changes(evaluate(main)) == [("unpack", False)]
    assert (place / "into" / "one").read_text() == "edited by somebody"
    assert (place / "into" / "two").read_text() == "second"
    assert changes(evaluate(main)) == []


def test_another_archive_than_that_of_the_checksum_is_refused(place: Path, evaluate: Evaluate) -> None:
    archive = tar(place / "a.tar", *GOOD)
    digest = hashlib.sha256(Path(archive).read_bytes()).hexdigest()

    def main(_: object, checksum: str) -> None:
        Unarchive(place / "into", archive=archive, checksum=checksum)

    for mode in ("check", "apply"):
        failure = evaluate(lambda _: main(_, "sha256:" + "0" * 64), mode).failure
        assert f"is another archive: its sha256 is {digest}" in failure.message
        assert "is not one" in evaluate(lambda _: main(_, "md5:" + "0" * 32), mode).failure.message
    assert list((place / "into").iterdir()) == []
    assert changes(evaluate(lambda _: main(_, f"sha256:{digest}"))) == [("unpack", False)]


def test_an_archive_of_the_web_is_somebody_elses_to_bring(place: Path, evaluate: Evaluate) -> None:
    failure = evaluate(lambda _: Unarchive(place / "into", url="https://example.com/a.tar") and None).failure  # type: ignore[call-arg]
    assert "Unarchive has no parameter 'url'" in failure.message
    assert "Download(...) brings it" in failure.remedy
