"""Language, section 4: templates, rendered where the role is evaluated."""

from __future__ import annotations

from typing import Any

import pytest

ONE = """
class One(Role):
    def inventory(self): return inventory
    def main(self):
{main}

class Site(Policy):
    def set_roles(self): return Roles(One(port=80))
"""
TEMPLATE = ONE.format(main='        File(f"{OUT}/made", from_template="templates/made.j2")')


def test_include_import_and_extends_are_served_to_targets_too(both: Any) -> None:
    seen = both(
        TEMPLATE,
        {
            "templates/made.j2": "{% extends 'templates/base.j2' %}{% import 'templates/words.j2' as words %}"
            "{% block body %}{{ words.loud('hi') }} {% include 'templates/part.j2' %}{% endblock %}",
            "templates/base.j2": "<{% block body %}{% endblock %}>",
            "templates/words.j2": "{% macro loud(text) %}{{ text | upper }}{% endmacro %}",
            "templates/part.j2": "port {{ port }}",
        },
    )
    assert (seen.out / "made").read_text() == "<HI port 80>"


@pytest.mark.parametrize(
    "content",
    [b"", b"plain\n", b"no newline", b"crlf\r\nmixed\n\n\n", b"\xff\xfe\x00 binary {", b"  # { } %} }}\n\ttabs\n"],
    ids=["empty", "plain", "no newline", "mixed", "binary", "braces"],
)
def test_a_file_without_jinja_syntax_comes_through_byte_for_byte(both: Any, content: bytes) -> None:
    seen = both(TEMPLATE, {"templates/made.j2": content})
    assert (seen.out / "made").read_bytes() == content


def test_the_newline_at_the_end_is_kept_and_so_are_those_of_windows(both: Any) -> None:
    seen = both(TEMPLATE, {"templates/made.j2": b"port {{ port }}\r\nend\r\n"})
    assert (seen.out / "made").read_bytes() == b"port 80\r\nend\r\n"


def test_a_template_that_is_plain_is_rendered_as_the_resource_says_on_a_target_too(both: Any) -> None:
    main = """
        File(f"{OUT}/made", from_template="templates/made.j2", trim_blocks=True, lstrip_blocks=True, newline="\\r\\n")
        File(f"{OUT}/usual", from_template="templates/made.j2")
        File(f"{OUT}/other", from_template="templates/made.j2", variable_delimiters=["[[", "]]"])
    """
    seen = both(ONE.format(main=main), {"templates/made.j2": "  {% if port %}\n{{ port }} [[ port ]]\n  {% endif %}\n"})
    assert (seen.out / "made").read_bytes() == b"80 [[ port ]]\r\n"
    assert (seen.out / "usual").read_bytes() == b"  \n80 [[ port ]]\n  \n"
    assert (seen.out / "other").read_bytes() == b"  \n{{ port }} 80\n  \n"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"templates/made.j2": "one\n{{ prot }}\n"}, ["made.j2:2", "'prot' is not defined", "'port'"]),
        ({"templates/made.j2": "one\n\n{% if %}"}, ["made.j2:3", "does not parse"]),
        ({"templates/made.j2": "{{ 1 / 0 }}"}, ["made.j2:1", "ZeroDivisionError"]),
        ({"templates/made.j2": "{% include 'templates/absent.j2' %}"}, ["templates/absent.j2"]),
        ({"templates/made.j2": b"\xff {{ port }}"}, ["made.j2", "not UTF-8"]),
        ({}, ["templates/made.j2", "No such file"]),
        (
            {"templates/made.j2": "\n{% include 'templates/in.j2' %}", "templates/in.j2": "\n\n{{ prot }}"},
            ["in.j2:3", "'prot' is not defined"],
        ),
    ],
    ids=["undefined", "syntax", "arithmetic", "include", "binary", "missing", "undefined in an include"],
)
def test_an_error_names_the_templates_file_and_line(both: Any, files: dict[str, str], said: list[str]) -> None:
    seen = both(TEMPLATE, files)
    assert [part for part in said if part not in seen.failure] == []
    assert not (seen.out / "made").exists()


def test_there_is_no_clock_that_would_change_a_file_at_every_run(both: Any) -> None:
    seen = both(TEMPLATE, {"templates/made.j2": "# written {{ now() }}\n"})
    assert "made.j2:1: TemplateError: 'now' is not defined" in seen.failure
    assert "a time would make another file at every run" in seen.failure


def test_t_makes_any_text_late_inside_of_lists_and_dicts_too(both: Any) -> None:
    main = """
        word = "said"
        done = Shell(T("echo $A {{ word }} $(cat)"), env={"A": T("{{ word }}!")}, stdin=T("{{ word }}?"))
        Echo(done.stdout)
        Directory(T("{{ out }}/{{ word }}"))
    """
    seen = both(ONE.format(main=main), extra={"out": str(both.out)})
    assert seen.echoed == ["said! said said?"]
    assert (seen.out / "said").is_dir()


def test_other_texts_are_never_templates(both: Any) -> None:
    main = '        File(f"{OUT}/{{{{ port }}}}", from_content="{{{{ port }}}}")'
    seen = both(ONE.format(main=main.replace("{{{{", "{{{{{{{{").replace("}}}}", "}}}}}}}}")).replace("{{{{", "{{"))
    assert [path.read_text() for path in seen.out.iterdir()] != ["80"]


def test_braces_of_a_variable_in_a_text_that_is_no_template_are_told(both: Any) -> None:
    main = """
        name = "x"
        File(f"{OUT}/" + "{{ name }}", from_content="{{ other }} {{ port }}")
        Command(["echo", T("{{ port }}"), "{{Platform.system()}}"])
        Shell("echo '{{ .Names }} {{ json .x }}' {{")
        File(f"{OUT}/b", from_content=T("{% raw %}{{ port }}{% endraw %}"))
        Echo("{{ name }}")
    """
    seen = both(ONE.format(main=main))
    warned = [event.text.partition(": ")[2] for event in seen.events if type(event).__name__ == "Warned"]
    assert warned == [
        "name takes '{{ name }}' as it is written; write name=T(...) for a template",
        "from_content takes '{{ port }}' as it is written; write from_content=T(...) for a template",
        "argv takes '{{ Platform }}' as it is written; write argv=T(...) for a template",
    ]
    assert (seen.out / "b").read_text() == "{{ port }}"


def test_facts_are_in_scope_by_name(both: Any) -> None:
    main = """
        Echo("{{ Platform.system() }} {{ FileTests.exists('/') }} {{ FileTest.is_directory('/') }}")
        Echo("{{ Chaos.choice(['a']) }} {{ UserFacts is defined }}")
    """
    assert both(ONE.format(main=main)).echoed == ["Linux True True", "a True"]


def test_filters_globals_and_facts_that_a_policy_adds_travel(both: Any) -> None:
    seen = both("""
        class Rack(Fact):
            def number(self): return 7 if self._machine.status("/") else 0

        def shout(text): return text.upper() + "!"

        class One(Role):
            def inventory(self): return inventory
            def main(self): Echo("{{ 'hi' | shout }} {{ site }} {{ double(4) }} {{ Rack.number() }}")

        class Site(Policy):
            def template_filters(self): return dict(shout=shout)
            def template_globals(self): return dict(site="north", double=lambda n: 2 * n)
            def fact_context(self): return dict(Rack=Rack())
            def set_roles(self): return Roles(One())
        """)
    assert seen.echoed == ["HI! north 8 7"]


def test_a_template_may_do_without_another_and_take_the_first_that_is_there(both: Any) -> None:
    seen = both(
        TEMPLATE,
        {
            "templates/made.j2": "{% include 'templates/absent.j2' ignore missing %}"
            "{% include ['templates/absent.j2', 'templates/there.j2'] %}"
            "{% include 'templates/' ~ kind ~ '.j2' ignore missing %}",
            "templates/there.j2": "there {{ port }}",
        },
        extra={"kind": "none"},
    )
    assert (seen.out / "made").read_text() == "there 80"


def test_one_of_several_templates_has_to_be_there(both: Any) -> None:
    seen = both(TEMPLATE, {"templates/made.j2": "\n{% include ['a.j2', 'b.j2'] %}"})
    assert "templates/made.j2:2: TemplateError: none of the templates given were found: a.j2, b.j2" in seen.failure


def test_what_is_imported_sees_facts_and_globals_and_says_that_it_sees_no_variables(both: Any) -> None:
    files = {
        "templates/made.j2": "{% from 'templates/words.j2' import system, given, unseen %}"
        "{{ system() }} {{ given(port) }}{% if which %} {{ unseen() }}{% endif %}",
        "templates/words.j2": "{% macro system() %}{{ Platform.system() }}{% endmacro %}\n"
        "{% macro given(port) %}{{ port }}{% endmacro %}\n"
        "{% macro unseen() %}{{ port }}{% endmacro %}",
    }
    assert (both(TEMPLATE, files, extra={"which": ""}).out / "made").read_text() == "Linux 80"
    failure = both(TEMPLATE, files, extra={"which": "unseen"}).failure
    assert "templates/words.j2:3: TemplateError: 'port' is not defined here" in failure
    assert "{% import ... with context %}" in failure
    files["templates/made.j2"] = files["templates/made.j2"].replace("unseen %}", "unseen with context %}")
    assert (both(TEMPLATE, files, extra={"which": "unseen"}).out / "made").read_text() == "Linux 80 80"


def test_python_finds_under_each_name_what_a_template_finds(both: Any) -> None:
    seen = both("""
        class One(Role):
            def inventory(self): return inventory
            def main(self):
                Echo("{{ Platform.system() }} {{ site }} {{ Chaos }}")
                Echo(f"{self.vars.Platform.system()} {self.vars['site']} {self.vars.Chaos}")
                Echo(f"{'site' in self.vars} {'sites' in self.vars} {self.vars.get('site')} {'site' in list(self.vars)}")
                site = "local"
                Echo("{{ site }}")
                Echo(f"{self.vars.site} {site}")
                Echo("{{ Platfrom.system() }}")

        class Site(Policy):
            def template_globals(self): return dict(site="north")
            def set_roles(self): return Roles(One(Chaos="a variable of the policy's own"))
        """)
    own = "Linux north a variable of the policy's own"
    assert seen.echoed == [own, own, "True False north False", "local", "local local"]
    assert "'Platfrom' is not defined" in seen.failure
    assert "Did you mean 'Platform'?" in seen.failure


def test_a_name_that_a_condition_misses_says_where_it_was_searched(both: Any) -> None:
    failure = both(ONE.format(main="        Shell('true', failed_when=Eval('prot == 1'))")).failure
    assert "Site.set_variables(), Site(...), One.set_variables(), " in failure
    assert "locals of main(), --extra-vars, the result" in failure
    assert "Did you mean 'port'?" in failure
