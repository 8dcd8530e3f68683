"""Templates: what they render, and how they fail."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsmop import Echo, Eval, File, Secret, Shell, T

Evaluate = Callable[..., Any]
VALUES = [("policy", {"port": 8080, "names": ["a", "b"], "pair": {"left": 1}, "yes": True})]


def rendered(evaluate: Evaluate, place: Path, **files: bytes) -> bytes:
    done = evaluate(
        lambda _: File(place / "conf", from_template="conf.j2") and None,
        layers=VALUES,
        files={name.replace("_", "."): content for name, content in files.items()},
    )
    assert done.ending.status == "ok", done.ending
    return (place / "conf").read_bytes()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x",
        b"x\n",
        b"\n\nx\n\n",
        b"a\r\nb\r\n",
        b"a\rb",
        b"\xff\xfe\0\x01",
        b"{ % } # $ {} } }",
        b"\xef\xbb\xbfbom\n",
    ],
)
def test_a_file_without_syntax_comes_through_byte_for_byte(content: bytes, tmp_path: Path, evaluate: Evaluate) -> None:
    assert rendered(evaluate, tmp_path, conf_j2=content) == content


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"port = {{ port }}\n", b"port = 8080\n"),
        (b"port = {{ port }}", b"port = 8080"),
        (b"port = {{ port }}\n\n", b"port = 8080\n\n"),
        (b"a\r\nport = {{ port }}\r\n", b"a\r\nport = 8080\r\n"),
        ("größe {{ names | join('é') }}\n".encode(), "größe aéb\n".encode()),
        (b"{% for name in names %}{{ name }};{% endfor %}\n", b"a;b;\n"),
        (b"{{ pair.left }}{{ pair['left'] }}{{ nothing | default('-') }}{{ None }}\n", b"11-None\n"),
        (b"<a>&'\"{{ '<&>' }}\n", b"<a>&'\"<&>\n"),
    ],
)
def test_what_a_template_renders(content: bytes, expected: bytes, tmp_path: Path, evaluate: Evaluate) -> None:
    assert rendered(evaluate, tmp_path, conf_j2=content) == expected


def test_templates_include_import_and_extend_others(tmp_path: Path, evaluate: Evaluate) -> None:
    content = rendered(
        evaluate,
        tmp_path,
        conf_j2=b"{% extends 'base.j2' %}{% block body %}{% include 'part.j2' %}"
        b"{% from 'macros.j2' import twice %}{{ twice(port) }}{% endblock %}",
        base_j2=b"[{% block body %}{% endblock %}]\n",
        part_j2=b"part {{ port }};",
        macros_j2=b"{% macro twice(x) %}{{ x }}{{ x }}{% endmacro %}",
    )
    assert content == b"[part 8080;80808080]\n"


@pytest.mark.parametrize(
    ("content", "place", "said"),
    [
        (b"a\nb\n{{ prot }}\n", "conf.j2:3", "'prot' is not defined; searched: policy"),
        (b"a\n{% if %}\n", "conf.j2:2", "the template does not parse"),
        (b"a\n{{ port\n", "conf.j2:", "the template does not parse"),
        (b"{{ pair.right }}\n", "conf.j2:1", "has no attribute 'right'"),
        (b"\n\n{{ port.nothing.more }}\n", "conf.j2:3", "has no attribute 'nothing'"),
        (b"\n{{ 1 // 0 }}\n", "conf.j2:2", "ZeroDivisionError in the template"),
        (b"\n{{ port + 'x' }}\n", "conf.j2:2", "TypeError in the template"),
        (b"x\n{% include 'missing.j2' %}\n", "conf.j2:2", "missing.j2"),
        (b"{{ port | nofilter }}\n", "conf.j2:1", "nofilter"),
        (b"# made at {{ now() }}\n", "conf.j2:1", "'now' is not defined"),  # it would differ at every run
        (b"\xff{{ port }}\n", "", "the template conf.j2 is not UTF-8 text (byte 0)"),
        (b"{% include 'part.j2' %}\n", "part.j2:2", "'nothing' is not defined"),
    ],
)
def test_an_error_names_template_line_and_cause(
    content: bytes, place: str, said: str, tmp_path: Path, evaluate: Evaluate
) -> None:
    failure = evaluate(
        lambda _: File(tmp_path / "conf", from_template="conf.j2") and None,
        layers=VALUES,
        files={"conf.j2": content, "part.j2": b"x\n{{ nothing }}\n"},
    ).failure
    assert failure.error == "TemplateError"
    assert said in failure.message
    assert failure.place.startswith(place)
    assert not (tmp_path / "conf").exists()


def test_a_close_name_is_suggested(tmp_path: Path, evaluate: Evaluate) -> None:
    failure = evaluate(
        lambda _: File(tmp_path / "conf", from_template="conf.j2") and None,
        layers=VALUES,
        files={"conf.j2": b"{{ prot }}"},
    ).failure
    assert failure.remedy == "Did you mean 'port'?"


def test_an_error_in_a_template_of_the_policy_names_the_policys_line(evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        Shell(T("echo {{ prot }}"))  # the line

    failure = evaluate(main, layers=VALUES).failure
    file, _, line = failure.place.rpartition(":")
    assert file == __file__
    assert Path(file).read_text().splitlines()[int(line) - 1].endswith("# the line")


@pytest.mark.parametrize(
    ("expression", "value"),
    [("port + 1", 8081), ("names", ["a", "b"]), ("yes and port > 80", True), ("pair", {"left": 1}), ("None", None)],
)
def test_an_expression_gives_a_native_value(expression: str, value: object, evaluate: Evaluate) -> None:
    seen: list[object] = []

    def main(_: object) -> None:
        seen.append(Shell("true", changed_when=lambda _: True, register=None, env=Eval("{'A': 'b'}")).env)
        seen.append(Shell("true", stdin="x", timeout=Eval("port")).timeout)

    evaluate(main, layers=VALUES)
    assert seen == [{"A": "b"}, 8080]
    done = evaluate(
        lambda _: Shell("true", failed_when=Eval(f"({expression}) != expected")) and None,
        layers=[*VALUES, ("more", {"expected": value})],
    )
    assert done.ending.status == "ok"


def test_an_expression_with_an_undefined_name_is_an_error(evaluate: Evaluate) -> None:
    assert "'nope'" in evaluate(lambda _: Shell("true", timeout=Eval("nope")) and None, layers=VALUES).failure.message


def test_facts_are_in_scope_by_name(evaluate: Evaluate) -> None:
    done = evaluate(
        lambda _: Echo("{{ Platform.system() }} {{ FileTests.exists('/') }} {{ FileTest.is_file('/') }}") and None
    )
    assert done.echoed == ["Linux True False"]


# Secrets


def test_a_template_writes_secrets_and_a_report_shows_none(tmp_path: Path, evaluate: Evaluate) -> None:
    values = {
        "word": Secret("hunter22"),
        "nested": {"word": Secret("swordfish")},
        "words": [Secret("open sesame")],
        "deep": {"a": ({"b": Secret("nowhere")},)},
        "key": Secret("-----BEGIN-----\nAAAABBBBCCCC\n-----END-----\n"),
    }
    template = (
        "{{ word }} {{ word | upper }} {{ 'x' ~ word }} {{ nested.word ~ '!' }} {{ nested['word'] }} {{ words[0] }}"
        "{% for each in words %} {{ each }}{% endfor %}\n{{ key }}"
        "{{ words | join(',') }} {% for each in words %}{{ each ~ ';' }}{{ each | length }}{% endfor %} {{ deep.a[0].b ~ '.' }}"
        "{% for each in deep.a %}{{ each.b | replace('n', 'N') }}{% endfor %}"
    )
    done = evaluate(
        lambda _: File(tmp_path / "conf", from_template="conf.j2") and None,
        layers=[("policy", values)],
        files={"conf.j2": template.encode()},
    )
    assert (tmp_path / "conf").read_text() == (
        "hunter22 HUNTER22 xhunter22 swordfish! swordfish open sesame open sesame\n"
        "-----BEGIN-----\nAAAABBBBCCCC\n-----END-----\n"
        "open sesame open sesame;11 nowhere.Nowhere"
    )
    assert "********" in done.last.changes[0].diff
    for secret in ("hunter22", "swordfish", "open sesame", "AAAABBBB", "nowhere"):
        assert secret not in done.wire()


def test_a_secret_is_masked_in_commands_errors_traces_and_warnings(tmp_path: Path, evaluate: Evaluate) -> None:
    word = Secret('it\'s "hunter" 22')

    def failing_command(_: object) -> None:
        Shell(f"echo {shlex.quote(word.reveal())}; exit 3")

    def failing_code(_: object) -> None:
        raise ValueError(word.reveal())

    def wrong_value(_: object) -> None:
        File(tmp_path / "x", mode=word.reveal())

    def ignored(_: object) -> None:
        Shell(f"echo {shlex.quote(word.reveal())}; exit 3", ignore_errors=True)
        Echo(word.reveal())

    for main in (failing_command, failing_code, wrong_value, ignored):
        done = evaluate(main, layers=[("policy", {"word": word})])
        assert "hunter" not in done.wire(), main.__name__


def test_a_secret_made_on_the_way_is_masked_too(evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        made = Secret("hunter" + "22")
        Shell("cat; exit 3", stdin=made, ignore_errors=True)
        Echo(f"{made} {made.reveal()} {made!r}")

    done = evaluate(main)
    assert done.echoed == ["******** ******** Secret(********)"]
    assert "hunter22" not in done.wire()


def test_what_main_returns_and_what_a_message_says_show_no_secret(evaluate: Evaluate) -> None:
    word = Secret("hunter22")
    done = evaluate(
        lambda _: {"word": word.reveal(), "said": bool(Echo("{{ word }}"))}, layers=[("role", {"word": word})]
    )
    assert "hunter22" not in done.wire()
