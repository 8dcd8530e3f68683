"""What --extra-vars accepts."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsmop.errors import UsageError
from opsmop.settings.extra import extra_variables


def test_words_are_strings_and_the_last_one_named_wins(tmp_path: Path) -> None:
    path = tmp_path / "vars.json"
    path.write_text('{"a": 5, "c": [1]}')
    variables, files = extra_variables(["a=1 b='x y'", f"@{path}", "d="])
    assert variables == {"a": 5, "b": "x y", "c": [1], "d": ""}
    assert files == (str(path),)


def test_toml_keeps_its_types(tmp_path: Path) -> None:
    path = tmp_path / "vars.toml"
    path.write_text("a = 1\n[b]\nc = true\n")
    assert extra_variables([f"@{path}"])[0] == {"a": 1, "b": {"c": True}}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("absent.json", None, "cannot be read"),
        ("bad.json", "{", "does not parse"),
        ("bad.toml", "[", "does not parse"),
        ("list.json", "[1]", "holds a list, not variables"),
        ("text.yaml", "port", "holds a text, not variables"),
        ("null.json", "null", "holds nothing, not variables"),
        (
            "bad.yaml",
            "a: [\n",
            "does not parse: expected the node content, but found '<stream end>' (at line 2, column 1)",
        ),
        ("names.json", '{"a b": 1}', "'a b' cannot be a variable's name"),
        ("vars.ini", "a=1", ".ini is not a kind of file"),
        ("vars", "a=1", "no extension"),
    ],
)
def test_a_file_that_holds_no_variables_is_refused(tmp_path: Path, name: str, text: str | None, message: str) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError) as caught:
        extra_variables([f"@{path}"])
    assert message in caught.value.message
    assert caught.value.place == str(path)


def test_a_yaml_file_of_nothing_but_comments_has_no_variables(tmp_path: Path) -> None:
    path = tmp_path / "vars.yml"
    path.write_text("# port: 80\n")
    assert extra_variables([f"@{path}"])[0] == {}


@pytest.mark.parametrize("text", ["a", "a b=1", "'a=1", "1a=2"])
def test_words_that_name_no_variable_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--extra-vars"):
        extra_variables([text])


def test_yaml_is_read_or_asks_for_its_library(tmp_path: Path) -> None:
    path = tmp_path / "vars.yaml"
    path.write_text("a: 1\n")
    try:
        import yaml  # noqa: F401
    except ImportError:
        with pytest.raises(UsageError, match="PyYAML, which is not installed"):
            extra_variables([f"@{path}"])
    else:
        assert extra_variables([f"@{path}"])[0] == {"a": 1}
