"""A template that came as Python gives what jinja2 gives, or leaves it to jinja2."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from opsmop.drive.readying import readied
from opsmop.language.additions import Additions
from opsmop.language.scope import Layer, Variables
from opsmop.language.secrets import Secret
from opsmop.target.prepared import Prepared
from opsmop.target.templates import Templates

VARIABLES: dict[str, Any] = {
    "title": "web1", "port": 8080, "peers": ["a", "b"], "none": None, "nested": {"key": {"inner": [1, 2]}},
    "thing": SimpleNamespace(name="n", items="own"), "password": Secret("s3cret"), "function": lambda *a, **k: f"{a}{k}",
    "flag": False, "text": 'a "quoted" <b>\n',
}  # fmt: skip
PLAIN = [
    "{{ title }}:{{ port }}",
    "{{ title }}\n",
    "{{ title }}\r\nsecond {{ port }}\r\n",
    "{# a comment #}{{ text }}",
    "{% for peer in peers %}\n{{ peer }},\n{% endfor %}\nend {{ peers }}",
    "{% for peer in [] %}{{ peer }}{% else %}nobody{% endfor %}",
    "{% for a, b in [(1, 2)] %}{{ a }}{{ b }}{% endfor %}",
    "{% for n in range(3) %}{{ n }}{% endfor %}",
    "{% if flag %}yes{% elif port > 80 and not flag %}high{% else %}no{% endif %}",
    "{{ nested.key.inner[0] }} {{ nested['key']['inner'][-1] }} {{ peers[0:1] }}",
    "{{ thing.name }} {{ thing.items }} {{ nested.items() | length }}",
    "{{ password }} {{ [password][0] }}",
    "{{ function(1, key=title) }}",
    "{{ 'a' ~ title ~ port }} {{ 2 * port + 1 - 3 // 2 ** 2 % 5 }} {{ -port }} {{ 7 / 2 }}",
    "{{ none }} {{ true }} {{ 1.5 }} {{ {'a': 1} }} {{ ('x',) }}",
    "{{ title if flag else 'other' }} {{ port in [8080] }} {{ 1 < port <= 9000 }}",
    "{% set x = title %}{{ x }}{% if true %}{% set x = 2 %}{% endif %}{{ x }}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}",
    "{{ missing is defined }} {{ title is defined }} {{ none is none }} {{ missing is undefined }}",
    "{{ missing | default('fallback') }} {{ none | default('kept') }} {{ flag | d('x', true) }} {{ missing | default }}",
    "{{ title | upper }} {{ 'ABC' | lower }} {{ peers | length }} {{ peers | count }} {{ port | string | length }}",
    "{% raw %}{{ not rendered }}{% endraw %}{{ title }}",
    "{%- if port -%}  trimmed  {%- endif -%}",
]
LEFT_TO_JINJA = [
    "{% include 'other' %}",
    "{% extends 'other' %}",
    "{% import 'other' as other %}",
    "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(1) }}",
    "{% for p in peers %}{{ loop.index }}{% endfor %}",
    "{% for p in peers if p != 'a' %}{{ p }}{% endfor %}",
    "{% for p in peers recursive %}{{ p }}{% endfor %}",
    "{{ peers | join(',') }}",
    "{{ port is divisibleby 2 }}",
    "{{ title | own }}",
    "{{ own_global }}",
    "{% filter upper %}{{ title }}{% endfilter %}",
    "{% block a %}{{ title }}{% endblock %}",
    "{{ namespace(a=1) }}",
    "{% with a = 1 %}{{ a }}{% endwith %}",
    "{{ wrong",
    "{% nonsense %}",
]
BEYOND = [
    "{{ missing }}",
    "{{ missing.x }}",
    "{{ title.missing }}",
    "{{ nested.missing }}",
    "{{ 1 / 0 }}",
    "{{ title() }}",
]
ADDITIONS = Additions(template_filters={"own": str.upper}, template_globals={"own_global": 1})


@pytest.fixture(autouse=True)
def store(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def prepared(template: str) -> tuple[bool, str | None]:
    variables = Variables([Layer("test", VARIABLES)])
    sources = readied({"file.j2": template.encode()}, [], ADDITIONS)
    return "file.j2" in sources, Prepared(sources).rendered("file.j2", variables, {})


def by_jinja(template: str) -> str:
    variables = Variables([Layer("test", VARIABLES)])
    return Templates(lambda _: template.encode(), ADDITIONS, {}).file("file.j2", variables).decode()


@pytest.mark.parametrize("template", PLAIN)
def test_a_plain_template_gives_without_jinja2_what_it_gives_with_it(template: str) -> None:
    assert prepared(template) == (True, by_jinja(template))


@pytest.mark.parametrize("template", LEFT_TO_JINJA)
def test_what_is_not_plain_is_left_to_jinja2(template: str) -> None:
    assert prepared(template) == (False, None)


@pytest.mark.parametrize("template", BEYOND)
def test_what_goes_wrong_is_left_to_jinja2_which_tells_it(template: str) -> None:
    assert prepared(template)[1] is None


def test_texts_of_the_policy_are_made_ready_as_files_are() -> None:
    sources = readied({}, ["{{ title }}!", "no template", "{{ wrong"], ADDITIONS)
    assert list(sources) == ["{{ title }}!"]
    assert Prepared(sources).rendered("{{ title }}!", Variables([Layer("test", VARIABLES)]), {}) == "web1!"


def test_what_was_made_once_is_kept_and_a_change_is_made_anew() -> None:
    first = readied({"a": b"{{ title }}"}, [], ADDITIONS)
    assert readied({"a": b"{{ title }}"}, [], ADDITIONS) == first
    assert readied({"a": b"{{ port }}"}, [], ADDITIONS) != first
    assert readied({"a": b"\xff{{ port }}"}, [], ADDITIONS) == {}
