"""The command that retries."""

from __future__ import annotations

import pytest

from opsmop.report.retry import listed_hosts, retry_command, whole_command


@pytest.mark.parametrize(
    ("command", "mode", "hosts", "expected"),
    [
        ("python3 site.py --push --apply", "apply", ["a"], "python3 site.py --push --apply --retry"),
        ("opsmop apply site.py --push", "apply", ["a"], "opsmop apply site.py --push --retry"),
        ("opsmop retry site.py", "apply", ["a"], "opsmop retry site.py"),
        ("site.py --push --apply --retry", "apply", ["a"], "site.py --push --apply --retry"),
        (
            "s --push --apply --limit-hosts web* --tags x",
            "apply",
            ["a"],
            "s --push --apply --limit-hosts 'web*' --tags x --retry",
        ),
        (
            "s --push --apply --limit-hosts=web* --serial 2",
            "apply",
            ["a"],
            "s --push --apply '--limit-hosts=web*' --serial 2 --retry",
        ),
        ("s --push --check", "check", ["a", "b"], "s --push --check --limit-hosts a,b"),
        ("s --push --check", "check", ["a[1]"], ""),
        ("s --push --check", "check", [f"h{number}" for number in range(21)], ""),
        ("s --push --apply", "apply", [], ""),
        ("", "apply", ["a"], ""),
    ],
)
def test_it_is_the_command_that_was_typed_limited_to_what_failed(
    command: str, mode: str, hosts: list[str], expected: str
) -> None:
    assert retry_command(command.split(), mode, "push", hosts) == expected


def test_there_is_none_for_this_machine() -> None:
    assert retry_command(["site.py", "--local", "--apply"], "apply", "local", ["a"]) == ""


def test_words_are_quoted_as_a_shell_wants_them() -> None:
    words = ["python3", "my site.py", "--push", "--apply", "--extra-vars", "a=1 b='x y'"]
    assert retry_command(words, "apply", "push", ["a"]).startswith(
        "python3 'my site.py' --push --apply --extra-vars 'a=1"
    )


@pytest.mark.parametrize(
    ("command", "hosts", "expected"),
    [
        ("opsmop retry", ["a", "b"], "opsmop apply /x/site.py --push --limit-hosts a,b"),
        ("opsmop retry /x/site.py -v", ["a"], "opsmop apply /x/site.py --push -v --limit-hosts a"),
        ("s --push --apply --retry --limit-groups=web", ["a"], "s --push --apply --limit-hosts a"),
        ("s --push --apply --limit-hosts b", ["a[1]"], "s --push --apply"),
    ],
)
def test_what_was_left_is_run_by_the_same_command_for_those_hosts(
    command: str, hosts: list[str], expected: str
) -> None:
    assert whole_command(command.split(), "/x/site.py", hosts) == expected


def test_a_long_list_of_hosts_is_cut() -> None:
    assert listed_hosts([f"h{number}" for number in range(23)]).endswith("h19 and 3 more")
