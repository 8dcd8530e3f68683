"""Public keys of ssh, as they stand in files."""

from __future__ import annotations

import re

from opsmop.wire.records import dataclass

# sshd(8), "AUTHORIZED_KEYS FILE FORMAT": options (no blanks but within quotes), the type, the key in base64, a comment.
_TYPE = (
    r"(?:ssh-(?:ed25519|rsa|dss)|ecdsa-sha2-nistp(?:256|384|521)|sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)"
    r"(?:-cert-v01@openssh\.com)?"
)
_ENTRY = re.compile(
    rf'(?:(?P<options>(?:[^\s"]|"(?:\\"|[^"])*")+)[ \t]+)?(?P<kind>{_TYPE})[ \t]+(?P<body>[A-Za-z0-9+/]+=*)(?:[ \t]+(?P<comment>.*?))?\s*'
)


@dataclass(frozen=True)
class Entry:
    """One key of the file; two are the same if `kind` and `body` are."""

    kind: str
    body: str
    options: str = ""
    comment: str = ""

    def line(self) -> str:
        """As it stands in the file."""
        return " ".join(part for part in (self.options, self.kind, self.body, self.comment) if part)

    def same(self, other: Entry | None) -> bool:
        """Whether both let the same key in; comments say nothing."""
        return other is not None and (self.kind, self.body) == (other.kind, other.body)


def parsed(line: str) -> Entry | None:
    """The key in a line of the file; None if it is none."""
    match = _ENTRY.fullmatch(line.strip())
    if match is None or line.lstrip().startswith("#"):
        return None
    return Entry(match["kind"], match["body"], match["options"] or "", match["comment"] or "")


def is_whole(entry: Entry) -> bool:
    """Whether the base64 holds a key of the type that stands before it (RFC 4253, 6.6): a cut one does not."""
    import base64  # with the key

    try:
        raw = base64.b64decode(entry.body, validate=True)
    except ValueError:
        return False
    parts: list[bytes] = []
    while raw:
        size = int.from_bytes(raw[:4], "big")
        if len(raw) < 4 + size:
            return False
        parts.append(raw[4 : 4 + size])
        raw = raw[4 + size :]
    return len(parts) > 1 and parts[0] == entry.kind.encode()
