"""User facts: real files, real executables."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsmop.errors import ProviderError
from opsmop.facts.user_facts import UserFacts
from opsmop.resources.echo import Echo
from opsmop.resources.file import File

Write = Callable[..., Path]

DOCUMENTS = {
    "app.json": '{"database": {"port": 5432, "hosts": ["a", {"name": "b"}]}}',
    "app.toml": '[database]\nport = 5432\nhosts = ["a", {name = "b"}]\n',
    "app.yaml": "database:\n  port: 5432\n  hosts: [a, {name: b}]\n",
    "app.yml": "database: {port: 5432, hosts: [a, {name: b}]}\n",
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_is_attributes_to_any_depth(write: Write, evaluate: Any, name: str) -> None:
    write(name, DOCUMENTS[name])

    def asked() -> list[Any]:
        database = UserFacts.app.database
        assert UserFacts["app"]["database"] == database == {"port": 5432, "hosts": ["a", {"name": "b"}]}
        return [database.port, database.hosts[0], database.hosts[1].name]

    assert evaluate(asked).value == [5432, "a", "b"]


@pytest.mark.parametrize(("name", "text"), DOCUMENTS.items())
@pytest.mark.parametrize("called", ["app", "app.sh", "app.py"])
def test_an_executable_that_prints_a_document_is_one(
    write: Write, evaluate: Any, name: str, text: str, called: str
) -> None:
    write(called, f"#!/bin/sh\ncat <<'EOF'\n{text}\nEOF\n", executable=True)
    assert evaluate(lambda: UserFacts.app.database.hosts[1].name).value == "b"


def test_templates_see_user_facts(write: Write, evaluate: Any) -> None:
    write("app.json", '{"port": 80}')
    text = "{{ UserFacts.app.port }} {{ UserFacts['app'].port }} {{ UserFacts.app.other is defined }}"
    assert evaluate(lambda: Echo(text).data).value == "80 80 False"
    assert "other" in evaluate(lambda: Echo("{{ UserFacts.app.other }}")).failure


def test_a_file_is_read_when_it_is_asked_for_once_and_again_after_invalidate(
    write: Write, evaluate: Any, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    program = f"echo x >> {runs}\nprintf '{{\"runs\": %d}}' $(wc -l < {runs})\n"
    write("counted", f"#!/bin/sh\n{program}", executable=True)
    write("broken.json", "{")

    def asked() -> list[int]:
        seen = [UserFacts.counted.runs, UserFacts.counted.runs]
        write("late.json", "{}")
        assert "late" not in UserFacts
        UserFacts.invalidate()
        assert "late" in UserFacts
        return [*seen, UserFacts.counted.runs]

    assert evaluate(asked).value == [1, 1, 2]
    assert evaluate(lambda: UserFacts.counted.runs).value == 3, "another evaluation remembers nothing of this one"


@pytest.mark.parametrize(
    ("name", "content", "line", "said"),
    [
        ("app.json", '{\n"a": 1,\n}', 3, "this user fact is not JSON"),
        ("app.toml", "a = 1\nb = \n", 2, "this user fact is not TOML"),
        ("app.yaml", "a: 1\nb: [\n", 3, "this user fact is not YAML"),
        ("app.yaml", "d: 2021-13-45\n", 0, "this user fact is not YAML: month must be in 1..12"),
        ("app.yaml", "d: !!bool perhaps\n", 0, "this user fact is not YAML: "),
        ("app.yaml", "d: !!timestamp perhaps\n", 0, "this user fact is not YAML: "),
        ("app.yaml", "a: 1\nb: !!python/object:os.system {}\n", 2, "this user fact is not YAML"),
        ("app.json", b'{\n"a": "\xff"}', 2, "this user fact is not UTF-8 text (byte 8)"),
        ("app.json", "[" * 100_000, 0, "this user fact is nested too deeply"),
    ],
)
def test_a_broken_file_is_an_error_that_names_file_and_line(
    write: Write, evaluate: Any, name: str, content: str, line: int, said: str
) -> None:
    path = write(name, content)
    failure = evaluate(lambda: UserFacts.app).failure
    assert failure.startswith(f"{path}:{line}: {said}" if line else f"{path}: {said}"), failure


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("exit 3", "ended with exit status 3: no message"),
        ("echo no disk >&2; exit 1", "ended with exit status 1: no disk"),
        ("kill -9 $$", "ended with exit status -9"),
        ("echo hello", "what this user fact prints is none of JSON, TOML and YAML"),
        ("echo '{\"a\": 1,}'; echo '}'", "what this user fact prints is none of JSON, TOML and YAML"),
        ("sleep 60", "took more than 1 seconds and was ended"),
    ],
)
def test_a_broken_executable_is_an_error_that_names_it(write: Write, evaluate: Any, program: str, said: str) -> None:
    path = write("app.sh", f"#!/bin/sh\n{program}\n", executable=True)
    failure = evaluate(lambda: UserFacts.app, facts_timeout=1).failure
    assert str(path) in failure
    assert said in failure


def test_a_document_that_is_marked_executable_is_an_error_that_says_so(write: Write, evaluate: Any) -> None:
    path = write("app.json", '{"a": 1}', executable=True)
    failure = evaluate(lambda: UserFacts.app).failure
    assert f"cannot start {path}" in failure
    assert f"chmod a-x {path}" in failure


def test_a_name_that_does_not_exist_is_an_error_with_the_nearest(write: Write, evaluate: Any) -> None:
    path = write("application.json", '{"port": {"http": 80}}')
    assert "Did you mean 'application'?" in evaluate(lambda: UserFacts.aplication).failure
    assert "Did you mean 'port'?" in evaluate(lambda: UserFacts.application.prt).failure
    assert f"{path}: port: there is no 'https'" in evaluate(lambda: UserFacts.application.port.https).failure

    def mild() -> list[Any]:
        with pytest.raises(ProviderError):
            _ = UserFacts["nothing"]
        port = UserFacts.application.port
        return [hasattr(UserFacts, "nothing"), hasattr(port, "ftp"), port.get("ftp", 21), getattr(port, "ftp", 22)]

    assert evaluate(mild).value == [False, False, 21, 22]


def test_two_files_of_one_name_and_files_of_no_kind_are_errors_for_who_asks_for_them_alone(
    write: Write, evaluate: Any
) -> None:
    both = [write("app.json", "{}"), write("app.yaml", "")]
    readme = write("README.txt", "hello")
    write("good.json", '{"a": 1}')
    for name in ("good.json~", ".good.json.swp", "good.yaml.bak", "good.json.dpkg-old"):
        write(name, "{")
    assert all(str(path) in evaluate(lambda: UserFacts.app).failure for path in both)
    assert f"{readme} is no user fact" in evaluate(lambda: UserFacts.README).failure
    assert evaluate(lambda: [sorted(UserFacts), len(UserFacts), UserFacts.good.a]).value == [
        ["README", "app", "good"],
        3,
        1,
    ]


def test_without_the_directory_there_are_no_user_facts(evaluate: Any) -> None:
    assert evaluate(lambda: list(UserFacts)).value == []
    assert "there is no user fact 'app'" in evaluate(lambda: UserFacts.app).failure


def test_a_link_in_the_directory_counts_as_what_it_leads_to(write: Write, evaluate: Any, facts_dir: Path) -> None:
    write("real.json", '{"a": 1}')
    (facts_dir / "linked.json").symlink_to("real.json")
    (facts_dir / "circle.json").symlink_to("circle.json")
    (facts_dir / "dangling.json").symlink_to("nothing.json")
    assert evaluate(lambda: UserFacts.linked.a).value == 1
    assert "circle.json is a link that leads in a circle" in evaluate(lambda: UserFacts.circle).failure
    assert f"it leads to {facts_dir}/nothing.json, which is no file" in evaluate(lambda: UserFacts.dangling).failure


def test_check_sees_a_user_fact_that_is_only_planned(write: Write, evaluate: Any, facts_dir: Path) -> None:
    write("old.json", "{}")

    def asked() -> int:
        File(str(facts_dir / "app.json"), from_content=json.dumps({"port": 80}))
        port: int = UserFacts.app.port
        Echo("{{ UserFacts.app.port }}")
        return port

    checked = evaluate(asked, mode="check")
    assert (checked.value, checked.resources()[1].output) == (80, "80")
    assert not (facts_dir / "app.json").exists()


def test_check_cannot_predict_beyond_what_a_planned_executable_will_print(
    write: Write, evaluate: Any, facts_dir: Path
) -> None:
    write("old.json", "{}")

    def asked() -> None:
        File(str(facts_dir / "app"), from_content="#!/bin/sh\necho '{}'\n", mode=0o755)
        Echo("{{ UserFacts.app.port }}")
        Echo(UserFacts.app.port)

    checked = evaluate(asked, mode="check")
    assert checked.ending.status == "ok"
    assert checked.ending.beyond.startswith(f"{__file__}:")
    assert checked.resources()[1].assumed
