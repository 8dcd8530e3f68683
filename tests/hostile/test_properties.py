"""Whatever bytes and values come: the decoders and the inventory give what they promise, or their own error."""

from __future__ import annotations

import dataclasses
import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from opsmop.errors import InventoryError, ProtocolError
from opsmop.events import EVENT_TYPES, Event
from opsmop.events.wire import LONGEST_TEXT, clean, from_wire, to_wire
from opsmop.inventory import TomlInventory
from opsmop.inventory.tree import Tree
from opsmop.wire import frames

JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
    max_leaves=20,
)
UNCLEAN = some.text(some.sampled_from("a \t\n\r\0\x1b\x9b\x7f\u061c\u200b\u202e\u2028\ud800\U000e0041"))
PLAIN = {"str": str, "int": int, "float": float, "bool": bool}
FRAMES = some.lists(
    some.sampled_from(sorted(frames.FROM_AGENT)).flatmap(
        lambda kind: some.tuples(some.just(kind), some.binary(max_size=min(frames.FROM_AGENT[kind], 300)))
    )
)


def field_names(kind: type[Any]) -> list[str]:
    return [entry.name for entry in dataclasses.fields(kind)]


@some.composite
def almost_events(draw: Any) -> bytes:
    """JSON that looks like an event, with values of any type."""
    name = draw(some.sampled_from(sorted(EVENT_TYPES)))
    body = draw(some.dictionaries(some.sampled_from(field_names(EVENT_TYPES[name])), JSON))
    nested = draw(some.dictionaries(some.sampled_from(("name", "message", "rc", "diff", "assumed")), JSON))
    body |= draw(some.sampled_from(({}, {"changes": [nested]}, {"failure": nested})))
    texts = [entry.name for entry in dataclasses.fields(EVENT_TYPES[name]) if entry.type == "str"]
    body |= draw(some.dictionaries(some.sampled_from(texts), UNCLEAN, max_size=2))
    return json.dumps({**body, "v": 1, "event": name}).encode()


def texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value if isinstance(value, tuple) else getattr(value, "__dict__", {}).values()
    return [text for entry in inner for text in texts(entry)]


def declared(value: Any) -> list[tuple[str, Any]]:
    """The declared type and the value of each field."""
    return [(str(entry.type), getattr(value, entry.name)) for entry in dataclasses.fields(value)]


def as_declared(kind: str, value: Any) -> bool:
    if kind.startswith("tuple["):
        return isinstance(value, tuple) and all(as_declared(kind[len("tuple[") : -len(", ...]")], one) for one in value)
    if kind.endswith(" | None"):
        return value is None or as_declared(kind.removesuffix(" | None"), value)
    if kind in PLAIN:
        return type(value) is PLAIN[kind]
    return type(value).__name__ == kind and all(as_declared(*each) for each in declared(value))


@given(FRAMES, some.lists(some.integers(1, 40)))
def test_frames_come_out_as_they_went_in_however_they_are_cut(said: list[tuple[int, bytes]], cuts: list[int]) -> None:
    data = b"".join(frames.frame(kind, payload) for kind, payload in said)
    decoder, heard = frames.Decoder(frames.FROM_AGENT), []
    for cut in [*cuts, len(data)]:
        heard += decoder.feed(data[:cut])
        data = data[cut:]
    assert [tuple(one) for one in heard] == said


@given(some.binary())
def test_any_bytes_are_frames_that_an_agent_may_say_or_an_error(data: bytes) -> None:
    try:
        heard = frames.Decoder(frames.FROM_AGENT).feed(data)
    except ProtocolError:
        return
    assert all(len(payload) <= frames.FROM_AGENT[kind] for kind, payload in heard)


@given(some.binary() | JSON.map(lambda value: json.dumps(value).encode()) | almost_events())
def test_any_bytes_are_an_event_of_its_declared_types_or_an_error(data: bytes) -> None:
    try:
        event = from_wire(data)
    except ProtocolError:
        return
    assert isinstance(event, Event)
    assert all(as_declared(*each) for each in declared(event))
    assert all(text == clean(text) and len(text) <= LONGEST_TEXT for text in texts(event))
    assert from_wire(to_wire(event)) == event


# Unicode's bidirectional controls (UAX 9, table 4); those with no direction of their own are marks.
BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
# What is seen nowhere and tells two equal looking texts apart, or breaks a line for some who read it.
HIDDEN = set("\u061c\u200b\u200e\u200f\u2028\u2029\u2060\u2063\u206a\ufeff\ufff9\U000e0001\U000e0041")


@given(some.text() | UNCLEAN | some.text(some.sampled_from(sorted(HIDDEN))))
def test_what_is_cleaned_is_clean(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert not {letter for letter in cleaned if ord(letter) < 32 or 127 <= ord(letter) < 160} - {"\t", "\n"}
    assert not {letter for letter in cleaned if unicodedata.bidirectional(letter) in BIDI}
    assert not HIDDEN & set(cleaned)


TABLES = some.dictionaries(
    some.sampled_from(("groups", "hosts", "group")) | some.text(),
    some.dictionaries(
        some.sampled_from(("a", "b", "all")) | some.text(),
        some.dictionaries(some.sampled_from(("hosts", "vars", "children")) | some.text(), JSON | some.just(["a", "b"]))
        | JSON,
    )
    | JSON,
)


@given(TABLES)
def test_any_table_is_an_inventory_or_an_error_that_says_where(document: dict[str, Any]) -> None:
    try:
        tree = Tree((("inventory.toml", document),))
        known = [(host.name, host.hostname(), host.all_variables(), host.groups()) for host in tree.hosts]
    except InventoryError as error:
        place = error.place
    else:
        place = str({name for name, *_ in known})
    assert place


@given(some.binary() | some.text().map(str.encode))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_file_is_an_inventory_or_an_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "inventory.toml"
    file.write_bytes(content)
    place = str(file)
    try:
        TomlInventory(file).hosts()
    except InventoryError as error:
        place = error.place
    assert str(file) in place


def test_an_inventory_of_great_depth_is_an_error_too(tmp_path: Path) -> None:
    file = tmp_path / "inventory.toml"
    file.write_text(f"a = {'[' * 100_000}{']' * 100_000}")
    with pytest.raises(InventoryError):
        TomlInventory(file).hosts()
