"""Fetches a file over HTTP, or asks what stands at its URL. It replaces the file as a whole or not at all.

A request has ``act`` (``digest``, ``look``, ``text`` or ``fetch``) and, as far as that needs them, ``path``, ``url``,
``headers``, ``ca_file``, ``proxy``, ``timeout`` (seconds without a byte), ``algorithm``, ``digest`` (in hexadecimal),
``owner``, ``group``, ``mode``, ``validate`` (a command, in which ``%s`` is the path of the new content).
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import re
import secrets
import ssl
import stat
import sys
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from opsmop.target.programs.ground import NEW, Refusal, copy_labels, held, standing

_LOGIN = re.compile(r"//[^/?#]*@")  # of a URL: RFC 3986, 3.2
_PIECE = 1 << 20  # bytes
_LARGEST_TEXT = 1 << 20
_LARGEST_OUTPUT = 1 << 16
_NOT_MODIFIED = 304
_CANNOT_HEAD = (400, 403, 404, 405, 501)  # what servers that refuse HEAD say; GET tells more


class Careful(urllib.request.HTTPRedirectHandler):
    """Follows no redirect from an encrypted address to one that is not."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """See `urllib.request.HTTPRedirectHandler`; no header of the request, whatever its name, goes to another host."""
        if req.full_url.startswith("https:") and not newurl.startswith("https:"):
            raise Refusal(f"{req.full_url} redirects to {newurl}, which is not encrypted")
        if not newurl.startswith(("http:", "https:")):
            raise Refusal(f"{req.full_url} redirects to {newurl}, which is neither http:// nor https://")
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        if following is not None and _host(newurl) != _host(req.full_url):
            following.headers.clear()
        return following


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).netloc


def _login(url: str) -> tuple[str, dict[str, str]]:
    """A URL without the login that it may hold, and the header that says it. Sources: RFC 3986, 3.2.1; RFC 7617."""
    parts = urllib.parse.urlsplit(url)
    login, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, {}
    given = base64.b64encode(urllib.parse.unquote_to_bytes(login)).decode()
    return parts._replace(netloc=host).geturl(), {"Authorization": f"Basic {given}"}


def _opened(request: dict[str, Any], method: str = "GET") -> Any:
    try:
        url, login = _login(request["url"])
        return _answered(request, url, login, method)
    except (ValueError, http.client.InvalidURL) as error:  # letters beyond ASCII, a label over 63 letters, no port
        told = isinstance(error, (UnicodeError, http.client.InvalidURL))
        why = str(error) if told else "its address, or a header, is none"  # else it could quote a header
        raise Refusal(
            f"{_LOGIN.sub('//', request['url'])} cannot be asked for: {why}",
            "Write other letters as %.. (RFC 3986), and those of a host's name as xn--.. (RFC 5890).",
        ) from None


def _answered(request: dict[str, Any], url: str, login: dict[str, str], method: str) -> Any:
    opener = urllib.request.build_opener(
        Careful,
        urllib.request.ProxyHandler(dict.fromkeys(("http", "https"), request["proxy"]) if request["proxy"] else {}),
        urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=request["ca_file"] or None)),
    )
    asked = urllib.request.Request(url, headers={**login, **request["headers"]}, method=method)  # noqa: S310 - the scheme was checked
    try:
        return opener.open(asked, timeout=request["timeout"])
    except urllib.error.HTTPError as error:
        if error.code == _NOT_MODIFIED or (method == "HEAD" and error.code in _CANNOT_HEAD):
            return error
        raise Refusal(f"{url} answers with status {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise Refusal(f"{url} cannot be reached: {error.reason}") from None
    except http.client.InvalidURL:
        raise
    except (OSError, http.client.HTTPException) as error:
        raise Refusal(f"{url} cannot be reached: {error or type(error).__name__}") from None


def _described(answer: Any) -> dict[str, Any]:
    headers = answer.headers
    return {
        "status": getattr(answer, "status", None) or answer.code,
        "etag": headers.get("ETag", ""),
        "modified": headers.get("Last-Modified", ""),
        "size": headers.get("Content-Length", ""),
        "type": headers.get_content_type() if headers.get("Content-Type") else "",
    }


def look(request: dict[str, Any]) -> dict[str, Any]:
    """What the server says of what stands there, without its content."""
    with _opened(request, "HEAD") as answer:
        said = _described(answer)
    if said["status"] not in _CANNOT_HEAD:
        return said
    with _opened(request) as answer:
        return _described(answer)


def text(request: dict[str, Any]) -> dict[str, Any]:
    """A short text."""
    with _opened(request) as answer:
        return {"text": answer.read(_LARGEST_TEXT).decode("utf-8", "replace")}


def digest(request: dict[str, Any]) -> dict[str, Any]:
    """The digest of the file at ``path``."""
    with open(request["path"], "rb") as file:
        return {"digest": _digest_of(file.fileno(), request["algorithm"])}


def _digest_of(descriptor: int, algorithm: str) -> str:
    found = hashlib.new(algorithm)
    while piece := os.read(descriptor, _PIECE):
        found.update(piece)
    return found.hexdigest()


def fetch(request: dict[str, Any]) -> dict[str, Any]:
    """Put what stands there into the file at ``path``, if its digest is right and its content another."""
    folder, name = os.path.split(request["path"])
    with _opened(request) as answer, held(folder) as at:
        return _put(request, answer, at, name)


def _put(request: dict[str, Any], answer: Any, at: int, name: str) -> dict[str, Any]:
    said, temporary = _described(answer), f".{name[:100]}.{secrets.token_hex(8)}"
    descriptor = os.open(temporary, NEW, 0o600, dir_fd=at)
    try:
        with os.fdopen(descriptor, "wb") as file:
            said["sha256"] = _filled(request, answer, said, file)
            with standing(name, at) as old:
                said["changed"] = old is None or _digest_of(old, "sha256") != said["sha256"]
                _permit(request, file.fileno(), old)
            file.flush()
            os.fsync(file.fileno())
        if said["changed"] and request["validate"]:
            said["disproved"] = _disproved(request["validate"], f"{os.path.dirname(request['path'])}/{temporary}")
        if said["changed"] and not said.get("disproved"):
            os.rename(temporary, name, src_dir_fd=at, dst_dir_fd=at)
        else:
            os.unlink(temporary, dir_fd=at)
    except BaseException:
        os.unlink(temporary, dir_fd=at)
        raise
    return said


def _filled(request: dict[str, Any], answer: Any, said: dict[str, Any], file: Any) -> str:
    """Its content written, and its sha256; it must be complete, and what was promised."""
    own, promised = hashlib.sha256(), hashlib.new(request["algorithm"])
    size = 0
    while piece := _piece(request, answer):
        size += len(piece)
        own.update(piece)
        promised.update(piece)
        file.write(piece)
    if said["size"] and size != int(said["size"]):
        raise Refusal(f"{request['url']} broke off after {size} of {said['size']} bytes")
    if request["digest"] and promised.hexdigest() != request["digest"]:
        raise Refusal(
            f"{request['url']} has the {request['algorithm']} {promised.hexdigest()}, not {request['digest']}",
            "Nothing was replaced. Has the file there changed, or is it not what it should be?",
        )
    return own.hexdigest()


def _disproved(validate: str, path: str) -> dict[str, Any]:
    """How the command that proves the new content has failed; nothing if it has not."""
    import shlex  # with the command
    import subprocess

    argv = ["/bin/sh", "-c", validate.replace("%s", shlex.quote(path))]
    done = subprocess.run(  # noqa: S603 - the policy's own command
        argv, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if done.returncode == 0:
        return {}
    output = done.stdout[-_LARGEST_OUTPUT:].decode("utf-8", "replace")
    return {"rc": done.returncode, "output": output, "command": shlex.join(argv)}


def _piece(request: dict[str, Any], answer: Any) -> bytes:
    try:
        return bytes(answer.read(_PIECE))
    except (OSError, http.client.HTTPException) as error:
        raise Refusal(f"{request['url']} broke off: {error or type(error).__name__}") from None


def _permit(request: dict[str, Any], descriptor: int, old: int | None) -> None:
    """Owner before mode, because a change of owner drops setuid; what is not said stays as the old file has it."""
    before = os.fstat(old) if old is not None else None
    uid = _number(request["owner"], "pwd", before.st_uid if before else -1)
    gid = _number(request["group"], "grp", before.st_gid if before else -1)
    mine = os.fstat(descriptor)
    if (uid, gid) != (-1, -1) and (uid, gid) != (mine.st_uid, mine.st_gid):
        os.fchown(descriptor, uid, gid)
    if old is not None:
        copy_labels(old, descriptor)
    mode = request["mode"]  # after the labels: an ACL among them would set the group's bits (acl(5))
    os.fchmod(descriptor, mode if mode is not None else stat.S_IMODE(before.st_mode) if before else 0o644)


def _number(name: str | None, book: str, otherwise: int) -> int:
    if name is None:
        return otherwise
    if name.isdigit():
        return int(name)
    import grp  # only where someone is named
    import pwd

    return pwd.getpwnam(name).pw_uid if book == "pwd" else grp.getgrnam(name).gr_gid


def main() -> None:
    """Answer the request."""
    request = json.loads(sys.stdin.buffer.read())
    acts = {"look": look, "text": text, "digest": digest, "fetch": fetch}
    try:
        answer = acts[request["act"]](request)
    except Refusal as refusal:
        answer = refusal.answer
    except KeyError as error:
        answer = {"error": f"there is no user or group {error}", "remedy": ""}
    except OSError as error:
        answer = {"error": f"{request['path']}: {error.strerror or error}", "remedy": ""}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
