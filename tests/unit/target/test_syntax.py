"""Templates that are written in a way of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsmop import File

Evaluate = Callable[..., Any]
VALUES = [("policy", {"port": 8080, "lines": "a\nb\r\nc", "names": ["a", "b"]})]


def rendered(evaluate: Evaluate, place: Path, content: bytes, part: bytes = b"", **said: Any) -> bytes:
    def main(_: Any) -> None:
        File(place / "conf", from_template="conf.j2", **said)

    files = {"conf.j2": content, "part.j2": part}
    predicted = evaluate(main, layers=VALUES, files=files, mode="check")
    assert not (place / "conf").exists()
    made = evaluate(main, layers=VALUES, files=files)
    assert made.ending.status == "ok", made.ending
    assert made.changes() == predicted.changes() != []
    assert evaluate(main, layers=VALUES, files=files).changes() == [], "a second time changes nothing"
    return (place / "conf").read_bytes()


@pytest.mark.parametrize(
    ("said", "content", "expected"),
    [
        ({"trim_blocks": True}, b"{% if port %}\nx\n{% endif %}\n", b"x\n"),
        ({"trim_blocks": True}, b"  {% if port %}\nx\n  {% endif %}\n", b"  x\n  "),
        ({"trim_blocks": True, "lstrip_blocks": True}, b"  {% if port %}\nx\n  {% endif %}\n", b"x\n"),
        ({"lstrip_blocks": True}, b"  {% if port %}\nx\n  {% endif %}\n", b"\nx\n\n"),
        ({"variable_delimiters": ["[[", "]]"]}, b"[[ port ]] {{ port }}\n", b"8080 {{ port }}\n"),
        ({"variable_delimiters": ("[[", "]]")}, b"{{ port }}\n", b"{{ port }}\n"),
        ({"variable_delimiters": ["{", "}"]}, b"{ port }{% if port %}x{% endif %}\n", b"8080x\n"),
        ({"block_delimiters": ["<%", "%>"]}, b"<% if port %>{% {{ port }}<% endif %>\n", b"{% 8080\n"),
        ({"comment_delimiters": ["<!--", "-->"]}, b"{#a<!-- gone -->\n", b"{#a\n"),
        ({"newline": "\r\n"}, b"a\n{{ lines }}\n", b"a\r\na\r\nb\r\nc\r\n"),
        ({"newline": "\n"}, b"a\r\n{{ lines }}\r\n", b"a\na\nb\nc\n"),
        ({"newline": "\r\n"}, b"plain\n", b"plain\r\n"),
        ({"encoding": "latin-1"}, "größe {{ port }}\n".encode(), "größe 8080\n".encode("latin-1")),
        ({"encoding": "latin-1"}, "plain é\n".encode(), b"plain \xe9\n"),
        ({"encoding": "utf-16-le", "newline": "\r\n"}, b"{{ port }}\n", "8080\r\n".encode("utf-16-le")),
        ({"newline": "\r\n", "trim_blocks": True}, b"{% if port %}\nx\n{% endif %}\n", b"x\r\n"),
    ],
)
def test_a_template_is_read_as_the_resource_says(
    tmp_path: Path, evaluate: Evaluate, said: dict[str, Any], content: bytes, expected: bytes
) -> None:
    assert rendered(evaluate, tmp_path, content, **said) == expected


def test_what_a_template_includes_is_written_as_it_is(tmp_path: Path, evaluate: Evaluate) -> None:
    content = b"[[ port ]]<% include 'part.j2' %>\n"
    said = {"variable_delimiters": ["[[", "]]"], "block_delimiters": ["<%", "%>"]}
    assert rendered(evaluate, tmp_path, content, b"{{ [[ names[0] ]] }}", **said) == b"8080{{ a }}\n"


def test_two_files_may_take_one_template_in_two_ways(tmp_path: Path, evaluate: Evaluate) -> None:
    def main(_: Any) -> None:
        File(tmp_path / "one", from_template="conf.j2", trim_blocks=True)
        File(tmp_path / "two", from_template="conf.j2")

    evaluate(main, layers=VALUES, files={"conf.j2": b"{% set a = [1] | first %}\n{{ a }}"})
    assert ((tmp_path / "one").read_text(), (tmp_path / "two").read_text()) == ("1", "\n1")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"variable_delimiters": ["[["]}, "variable_delimiters takes two texts"),
        ({"variable_delimiters": ["[[", ""]}, "variable_delimiters takes two texts"),
        ({"block_delimiters": ["{{", "}}"]}, "cannot all be told apart by {{, {{, {#"),
        ({"newline": "\r"}, "takes one of"),
        ({"trim_blocks": "yes"}, "trim_blocks=True"),
        ({"encoding": "latin-999"}, "no Python knows the encoding 'latin-999'"),
        ({"encoding": "base64"}, "no Python knows the encoding 'base64'"),
        ({"encoding": "a\0b"}, "no Python knows the encoding"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, evaluate: Evaluate, said: dict[str, Any], message: str) -> None:
    files = {"conf.j2": b"{{ port }}"}
    ending = evaluate(
        lambda _: File(tmp_path / "conf", from_template="conf.j2", **said) and None, layers=VALUES, files=files
    ).ending
    assert ending.status == "failed"
    assert message in f"{ending.failure.message} {ending.failure.remedy}"


@pytest.mark.parametrize("mode", ["check", "apply"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            "one\ntwo {{ '€' }} {{ port }}".encode(),
            "line 2 of what the template conf.j2 gives has the character U+20AC",
        ),
        (b"plain \xff", "the template conf.j2 is not UTF-8 text (byte 6)"),
    ],
)
def test_what_an_encoding_has_not_is_named_without_what_stands_around_it(
    tmp_path: Path, evaluate: Evaluate, content: bytes, said: str, mode: str
) -> None:
    conf = tmp_path / "conf"
    done = evaluate(
        lambda _: File(conf, from_template="conf.j2", encoding="latin-1") and None,
        mode,
        layers=VALUES,
        files={"conf.j2": content},
    )
    assert done.ending.status == "failed"
    assert said in done.ending.failure.message
    assert "8080" not in done.ending.failure.message
    assert not conf.exists()


@pytest.mark.parametrize(
    "said", [{"trim_blocks": True}, {"newline": "\n"}, {"encoding": "latin-1"}, {"comment_delimiters": ["<", ">"]}]
)
def test_what_is_no_template_has_no_syntax(tmp_path: Path, evaluate: Evaluate, said: dict[str, Any]) -> None:
    ending = evaluate(lambda _: File(tmp_path / "conf", from_content="x", **said) and None).ending
    assert ending.status == "failed"
    assert f"{next(iter(said))}= goes with from_template=" in ending.failure.message
