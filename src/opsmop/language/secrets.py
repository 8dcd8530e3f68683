"""Values that nobody may see."""

from __future__ import annotations

from opsmop.language.evaluation import current
from opsmop.wire.lean import as_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MASK = "********"
# Masking every occurrence of a text of one or two characters would garble reports and hide nothing.
SHORTEST_MASKED = 3
_LONGEST_FILTERED = 16 * 1024  # no key is longer, and a file is not written within an address
_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_IN_NAMES = {ord("+"): "-", ord("/"): "_"}  # base64 for names of files and in addresses
_SHORTEST_LINE = 8  # a line of a longer secret that is shorter than this tells nothing


class Secret:
    """A text that is never shown: in no event, log, error, listing or difference.

    :param value: the text
    """

    def __init__(self, value: str) -> None:
        self._value = value
        self._hide()  # made on a host, it stands in the policy's source, of which errors show lines

    def reveal(self) -> str:
        """The text itself, for the one place that needs it. From then on the evaluation masks it in what it reports."""
        self._hide()
        return self._value

    def _hide(self) -> None:
        evaluation = current()
        if evaluation is not None:
            evaluation.hide(self._value)

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(("Secret", self._value))


def revealed(value: Any) -> Any:
    """The text of a `Secret`, also of one in a list or a dict; anything else as it is."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, (dict, list, tuple)) and _holds_one(value):
        if isinstance(value, dict):
            return {key: revealed(entry) for key, entry in value.items()}
        return [revealed(entry) for entry in value]
    return value


def _holds_one(value: Any) -> bool:
    if isinstance(value, (dict, list, tuple)):
        return any(map(_holds_one, value.values() if isinstance(value, dict) else value))
    return isinstance(value, Secret)


def spellings(secret: str) -> set[str]:
    """How a text may look in a report: as it is, within a command, also of cron, within a Python or JSON value, by the line, and as
    templates write it: in other cases, within an address or a page, in base64.
    """
    lines = secret.splitlines() if "\n" in secret else []
    quoted = _quoted(secret)  # a command may itself be an argument of the shell, and is then quoted once more
    in_cron = secret.replace("%", "\\%")  # crontab(5)
    written = {repr(secret)[1:-1], as_json(secret)[1:-1], quoted, _quoted(quoted), in_cron}
    filtered = _filtered(secret) if len(secret) <= _LONGEST_FILTERED else set()
    return {secret, *written, *filtered, *(line for line in lines if len(line) >= _SHORTEST_LINE)}


def _filtered(secret: str) -> set[str]:
    """What the usual filters of templates make of a text. Sources: RFC 3986, 2.1; RFC 4648, 4 and 5; HTML, 13.1.4."""
    from binascii import b2a_base64  # only where there are secrets

    octets = secret.encode("utf-8", "surrogateescape")
    encoded = b2a_base64(octets, newline=False).decode()
    cases = {secret.upper(), secret.lower(), secret.capitalize()}
    addresses = {_percented(octets, kept) for kept in (_UNRESERVED, _UNRESERVED + b"/")}
    addresses |= {text.replace("%20", "+") for text in addresses}
    pages = {_escaped(secret, marks) for marks in (("&#34;", "&#39;"), ("&quot;", "&#x27;"), ('"', "'"))}
    return {
        *cases,
        *addresses,
        *pages,
        _escaped_json(secret),
        encoded.rstrip("="),
        encoded.translate(_IN_NAMES).rstrip("="),
    }


def _percented(octets: bytes, kept: bytes) -> str:
    return "".join(chr(octet) if octet in kept else f"%{octet:02X}" for octet in octets)


def _escaped(text: str, marks: tuple[str, str]) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', marks[0]).replace("'", marks[1])


def _escaped_json(text: str) -> str:
    """As jinja2's filter ``tojson`` writes it, so that it may stand in a page."""
    written = as_json(text)[1:-1]
    for sign in "<>&'":
        written = written.replace(sign, f"\\u{ord(sign):04x}")
    return written


def texts_in(value: Any) -> set[str]:
    """The texts in a value, and in what it holds; those of a `Secret` are masked as they are."""
    if isinstance(value, str):
        return set().union(*map(spellings, {value, without_login(value)})) if value else set()
    if isinstance(value, dict):
        return texts_in(list(value.values()))
    return set().union(*map(texts_in, value)) if isinstance(value, (list, tuple)) else set()


def without_login(text: str) -> str:
    """An address without the name and password that it may hold, as those who use it tell of it. Source: RFC 3986, 3.2.1."""
    scheme, separator, rest = text.partition("://")
    login, at, _ = rest.partition("/")[0].rpartition("@")
    return scheme + separator + rest[len(login + at) :]


def _quoted(text: str) -> str:
    """`text` as `shlex.quote` writes it between its quotes."""
    return text.replace("'", "'\"'\"'")


def masked(text: str, secrets: set[str]) -> str:
    """`text` with every occurrence of one of `secrets` replaced; the longest first, so that none leaves a rest."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST_MASKED:
            text = text.replace(secret, MASK)
    return text
