"""Downloads, from a private server on loopback."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.providers.web import Page, Web, serving

from opsmop import Directory, Download, File, Secret

Evaluate = Callable[..., Any]


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as web:
        web.pages["/thing.bin"] = Page(b"first\0", headers={"ETag": '"1"'})
        yield web


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def changes(evaluated: Any) -> list[tuple[str, bool]]:
    return [(change.name, change.assumed) for event in evaluated.finished for change in event.changes]


def test_a_file_is_fetched_once_and_then_only_when_the_server_has_another(
    web: Web, tmp_path: Path, evaluate: Evaluate
) -> None:
    there = tmp_path / "thing.bin"

    def main(_: object) -> None:
        Download(there, url=f"{web.url}/thing.bin", mode=0o640)

    assert changes(evaluate(main, "check")) == [("download", False)]
    assert not there.exists()
    assert changes(evaluate(main)) == [("download", False)]
    assert there.read_bytes() == b"first\0"
    assert stat.S_IMODE(there.stat().st_mode) == 0o640
    web.asked.clear()
    assert changes(evaluate(main)) == []
    assert web.asked == ["HEAD /thing.bin"]
    web.pages["/thing.bin"] = Page(b"second", headers={"ETag": '"2"'})
    assert changes(evaluate(main, "check")) == [("download", True)], "it may have the same content"
    assert changes(evaluate(main)) == [("download", False)]
    assert there.read_bytes() == b"second"
    assert stat.S_IMODE(there.stat().st_mode) == 0o640
    there.write_bytes(b"spoilt")
    assert changes(evaluate(main)) == [("download", False)]
    assert there.read_bytes() == b"second"


@pytest.mark.parametrize("kind", ["Download", "File"])
def test_what_comes_is_proved_first_and_what_it_replaces_is_kept(
    kind: str, web: Web, tmp_path: Path, evaluate: Evaluate
) -> None:
    there, url = tmp_path / "it's there", f"{web.url}/thing.bin"
    given = {"validate": "echo proving; grep -q st %s", "backup": True, "mode": 0o600}

    def main(_: object) -> None:
        if kind == "File":
            File(there, from_url=url, **given)
        else:
            Download(there, url=url, **given)

    def kept() -> list[bytes]:
        return [path.read_bytes() for path in tmp_path.glob("it's there.*~")]

    assert changes(evaluate(main)) == [("download", False)]
    assert kept() == []
    web.pages["/thing.bin"] = Page(b"worse", headers={"ETag": '"2"'})
    assert changes(evaluate(main, "check")) == [("download", True)]
    for _ in range(2):
        failure = evaluate(main).failure
        assert "the check validate='echo proving; grep -q st %s' of the new content failed" in failure.message
        assert "exit status 1" in failure.message
        assert failure.output == "proving\n"
        assert (there.read_bytes(), kept()) == (b"first\0", []), "nothing was replaced, and nothing has to be kept"
    web.pages["/thing.bin"] = Page(b"best\0", headers={"ETag": '"3"'})
    assert changes(evaluate(main)) == [("download", False)]
    assert (there.read_bytes(), kept()) == (b"best\0", [b"first\0"])
    web.pages["/thing.bin"].headers["ETag"] = '"4"'
    assert changes(evaluate(main)) == [], "the same content under another tag"
    assert (changes(evaluate(main)), kept()) == ([], [b"first\0"])
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_another_tag_of_the_same_content_is_no_change(web: Web, tmp_path: Path, evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        Download(tmp_path / "thing", url=f"{web.url}/thing.bin")

    evaluate(main)
    before = (tmp_path / "thing").stat()
    web.pages["/thing.bin"].headers["ETag"] = '"2"'
    assert changes(evaluate(main)) == []
    after = (tmp_path / "thing").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_with_a_checksum_nobody_is_asked_once_it_is_there(web: Web, tmp_path: Path, evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        Download(tmp_path / "thing", url=f"{web.url}/thing.bin", checksum=f"sha256:{sha256(b'first' + bytes(1))}")

    assert changes(evaluate(main, "check")) == [("download", False)]
    assert changes(evaluate(main)) == [("download", False)]
    web.asked.clear()
    assert changes(evaluate(main)) == []
    assert changes(evaluate(main, "check")) == []
    assert web.asked == []


def test_a_wrong_checksum_replaces_nothing(web: Web, tmp_path: Path, evaluate: Evaluate) -> None:
    there = tmp_path / "thing"
    there.write_text("old")
    failure = evaluate(lambda _: Download(there, url=f"{web.url}/thing.bin", checksum="sha256:" + "0" * 64)).failure
    assert f"has the sha256 {sha256(b'first' + bytes(1))}" in failure.message
    assert there.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "thing"], "nothing half-written is left"


def test_a_checksum_comes_from_a_list_too(web: Web, tmp_path: Path, evaluate: Evaluate) -> None:
    digest = hashlib.sha512(b"first\0").hexdigest()
    web.pages["/SUMS"] = Page(f"{'0' * 128}  other.bin\n{digest} *./thing.bin\n".encode())

    def main(_: object) -> None:
        Download(tmp_path / "thing", url=f"{web.url}/thing.bin", checksum=f"{web.url}/SUMS")

    assert changes(evaluate(main)) == [("download", False)]
    assert changes(evaluate(main)) == []
    web.pages["/SUMS"] = Page(b"0  nothing\n")
    assert "lists no checksum of thing.bin" in evaluate(main).failure.message


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (Page(status=404), "answers with status 404"),
        (Page(b"0123456789", cut=4), "broke off"),
        (Page(b"<html>", headers={"Content-Type": "text/html"}), "is a page (text/html)"),
        (Page(status=302, headers={"Location": "ftp://127.0.0.1/x"}), "which is neither http:// nor https://"),
    ],
)
def test_what_is_no_whole_file_is_not_put_there(
    page: Page, message: str, web: Web, tmp_path: Path, evaluate: Evaluate
) -> None:
    web.pages["/it"] = page
    there = tmp_path / "it.tar.gz"
    there.write_text("old")
    assert message in evaluate(lambda _: Download(there, url=f"{web.url}/it")).failure.message
    assert there.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "it.tar.gz"]


def test_a_redirect_is_followed(web: Web, tmp_path: Path, evaluate: Evaluate) -> None:
    web.pages["/moved"] = Page(status=302, headers={"Location": "/thing.bin"})
    evaluate(lambda _: Download(tmp_path / "thing", url=f"{web.url}/moved"))
    assert (tmp_path / "thing").read_bytes() == b"first\0"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of 127.0.0.1 that only those trust who are told to, and its key."""
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *names]
    parts = [tmp_path / "key.pem", tmp_path / "certificate.pem"]
    subprocess.run([*made, "-keyout", parts[0], "-out", parts[1]], check=True, capture_output=True)
    both = tmp_path / "both.pem"
    both.write_text("".join(part.read_text() for part in parts))
    return both


def test_a_redirect_that_leaves_encryption_is_refused(
    certificate: Path, web: Web, tmp_path: Path, evaluate: Evaluate
) -> None:
    ca_file = str(tmp_path / "certificate.pem")
    with serving(certificate) as safe:
        safe.pages["/moved"] = Page(status=302, headers={"Location": f"{web.url}/thing.bin"})
        safe.pages["/stays"] = Page(status=302, headers={"Location": "/thing.bin"})
        safe.pages["/thing.bin"] = Page(b"safe")
        moved = evaluate(lambda _: Download(tmp_path / "thing", url=f"{safe.url}/moved", ca_file=ca_file) and None)
        assert f"redirects to {web.url}/thing.bin, which is not encrypted" in moved.failure.message
        assert web.asked == []
        evaluate(lambda _: Download(tmp_path / "thing", url=f"{safe.url}/stays", ca_file=ca_file))
    assert (tmp_path / "thing").read_bytes() == b"safe"


def test_a_certificate_that_nobody_vouches_for_is_refused(
    certificate: Path, tmp_path: Path, evaluate: Evaluate
) -> None:
    with serving(certificate) as safe:
        safe.pages["/thing.bin"] = Page(b"safe")
        failure = evaluate(lambda _: Download(tmp_path / "thing", url=f"{safe.url}/thing.bin") and None).failure
        assert "CERTIFICATE_VERIFY_FAILED" in failure.message
        assert safe.asked == []
    assert not (tmp_path / "thing").exists()


def test_a_server_that_is_not_there_is_named(tmp_path: Path, evaluate: Evaluate) -> None:
    failure = evaluate(lambda _: Download(tmp_path / "thing", url="http://127.0.0.1:9/x")).failure
    assert "http://127.0.0.1:9/x cannot be reached: [Errno 111] Connection refused" in failure.message


def test_secret_headers_are_sent_and_never_told(web: Web, tmp_path: Path, evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        Download(tmp_path / "thing", url=f"{web.url}/thing.bin", headers={"Authorization": Secret("Bearer hunter22")})

    evaluated = evaluate(main)
    assert all(seen.get("Authorization") == "Bearer hunter22" for seen in web.seen)
    assert "hunter22" not in evaluated.wire()


def test_no_header_of_ours_goes_to_another_host(web: Web, tmp_path: Path, evaluate: Evaluate) -> None:
    """Private tokens have many names: PRIVATE-TOKEN, X-Api-Key."""
    headers = {"PRIVATE-TOKEN": Secret("hunter22"), "X-Api-Key": "hunter23", "Authorization": "hunter24"}
    with serving() as other:
        other.pages["/it"] = Page(b"theirs")
        web.pages["/moved"] = Page(status=302, headers={"Location": f"{other.url}/it"})
        web.pages["/same"] = Page(status=302, headers={"Location": "/moved"})
        evaluate(lambda _: Download(tmp_path / "thing", url=f"{web.url}/same", headers=headers))
        assert (tmp_path / "thing").read_bytes() == b"theirs"
        assert other.seen
        assert not any("hunter2" in value for seen in other.seen for value in seen.values())
    assert all(seen["X-Api-Key"] == "hunter23" for seen in web.seen), "a redirect on the same host keeps them"


def test_a_server_that_says_nothing_is_asked_for_the_whole_each_time_if_that_is_forced(
    web: Web, tmp_path: Path, evaluate: Evaluate
) -> None:
    web.pages["/mute"] = Page(b"one")

    def main(_: object, *, force: bool = True) -> None:
        Download(tmp_path / "thing", url=f"{web.url}/mute", force=force)

    assert changes(evaluate(main)) == [("download", False)]
    assert changes(evaluate(main)) == []
    web.pages["/mute"] = Page(b"two")
    assert changes(evaluate(lambda _: main(_, force=False))) == [], "nothing says that it is another"
    assert changes(evaluate(main, "check")) == [("download", True)]
    assert changes(evaluate(main)) == [("download", False)]
    assert (tmp_path / "thing").read_bytes() == b"two"
    assert changes(evaluate(main)) == []


FROM_THE_WEB = {
    "Download": lambda path, url: Download(path, url=url),
    "File": lambda path, url: File(path, from_url=url),
}


@pytest.mark.parametrize("kind", FROM_THE_WEB)
def test_a_server_that_names_each_answer_anew_is_no_failure(
    kind: str, web: Web, tmp_path: Path, evaluate: Evaluate
) -> None:
    web.pages["/fickle"] = Page(b"same", fickle=True)

    def main(_: object) -> None:
        FROM_THE_WEB[kind](tmp_path / "thing", f"{web.url}/fickle")

    assert changes(evaluate(main)) == [("download", False)]
    assert (tmp_path / "thing").read_bytes() == b"same"
    assert changes(evaluate(main)) == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/gr\u00fc\u00dfe", f"http://{'a' * 64}.test/x", "http://[::1/x", "http://h:port/x"]
)
def test_an_address_that_is_none_is_named(url: str, tmp_path: Path, evaluate: Evaluate) -> None:
    failure = evaluate(lambda _: Download(tmp_path / "thing", url=url)).failure
    assert failure.error == "ProviderError"
    assert failure.message.startswith(f"{url} cannot be asked for: ")


def test_a_header_that_is_none_is_refused_and_not_quoted(web: Web, tmp_path: Path, evaluate: Evaluate) -> None:
    headers = {"X-Api-Key": Secret("hunter22\nhunter23")}
    evaluated = evaluate(lambda _: Download(tmp_path / "thing", url=f"{web.url}/thing.bin", headers=headers))
    assert "cannot be asked for: its address, or a header, is none" in evaluated.failure.message
    assert "hunter2" not in evaluated.wire()


def test_an_address_that_is_none_keeps_its_password(tmp_path: Path, evaluate: Evaluate) -> None:
    evaluated = evaluate(lambda _: Download(tmp_path / "thing", url="http://ann:hunter22@127.0.0.1:9/\u00fc"))
    assert "http://127.0.0.1:9/\u00fc cannot be asked for" in evaluated.failure.message
    assert "hunter2" not in evaluated.wire()


@pytest.mark.parametrize("kind", FROM_THE_WEB)
def test_what_hangs_on_a_file_stays_when_it_is_fetched_anew(
    kind: str, web: Web, tmp_path: Path, evaluate: Evaluate
) -> None:
    """SELinux's labels and ACLs are extended attributes (xattr(7))."""
    there = tmp_path / "thing"
    there.write_text("old")
    os.setxattr(there, "user.kept", b"yes")
    main = lambda _: FROM_THE_WEB[kind](there, f"{web.url}/thing.bin") and None  # noqa: E731
    assert changes(evaluate(main)) == [("download", False)]
    assert there.read_bytes() == b"first\0"
    assert os.getxattr(there, "user.kept") == b"yes"


def test_a_file_of_the_web_has_its_attributes_again(web: Web, tmp_path: Path, evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        File(tmp_path / "thing", from_url=f"{web.url}/thing.bin", attributes="+d")

    assert changes(evaluate(main, "check")) == changes(evaluate(main)) == [("download", False), ("attributes", False)]
    assert changes(evaluate(main)) == []
    web.pages["/thing.bin"] = Page(b"second", headers={"ETag": '"2"'})
    assert changes(evaluate(main)) == [("download", False)]
    assert subprocess.run(["lsattr", tmp_path / "thing"], check=True, capture_output=True).stdout[6:7] == b"d"
    assert changes(evaluate(main)) == []


def test_what_check_plans_to_fetch_is_there_for_what_follows(web: Web, tmp_path: Path, evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        Directory(tmp_path / "new")
        Download(tmp_path / "new" / "thing", url=f"{web.url}/thing.bin", mode=0o600)
        File(tmp_path / "new" / "thing", mode=0o600)

    assert changes(evaluate(main, "check")) == [("create", False), ("download", False)]
    assert changes(evaluate(main)) == [("create", False), ("download", False)]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"url": "ftp://x/y"}, "neither http:// nor https://"),
        ({"url": "http://x/y", "checksum": "sha256:12"}, "is not one"),
        ({"url": "http://x/y", "checksum": "crc:12"}, "is not one"),
        ({"url": "http://x/y", "checksum": "0" * 64, "force": True}, "only one of force, checksum"),
    ],
)
def test_what_makes_no_sense_is_refused(
    parameters: dict[str, Any], message: str, tmp_path: Path, evaluate: Evaluate
) -> None:
    assert message in evaluate(lambda _: Download(tmp_path / "x", **parameters)).failure.message
