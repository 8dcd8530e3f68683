"""Facts about the machine: what they say is what the system's own tools say."""

from __future__ import annotations

import os
import platform
import re
import shlex
import socket
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmop import DebugFacts, Platform
from opsmop.facts.platform import _assignments

Evaluate = Callable[..., Any]

try:
    RELEASE = platform.freedesktop_os_release()
except OSError:  # the machine has no such file, and the facts say so
    RELEASE = {}

EXPECTED: dict[str, object] = {
    "system": platform.system(),
    "release": platform.release(),
    "version": platform.version(),
    "architecture": platform.machine(),
    "hostname": socket.gethostname().partition(".")[0],
    "os_distribution": RELEASE.get("NAME", platform.system()),
    "os_version_number": RELEASE.get("VERSION_ID", ""),
    "distribution_id": RELEASE.get("ID", platform.system().lower()),
    "codename": RELEASE.get("VERSION_CODENAME", ""),
    "python_version": platform.python_version(),
    "cpus": len(os.sched_getaffinity(0)),
}
WORDS = st.text(st.sampled_from("ab1='\"\\ #$`\t.é"), max_size=8)


@given(
    st.lists(
        st.builds(
            "{}{}{}".format,
            WORDS,
            st.sampled_from(["=", ""]),
            WORDS | WORDS.map('"{}"'.format) | WORDS.map("'{}'".format),
        )
    )
)
def test_what_os_release_assigns_is_what_a_shell_would_read(lines: list[str]) -> None:
    text = "\n".join(lines)
    try:
        expected = dict(word.split("=", 1) for word in shlex.split(text, comments=True) if "=" in word)
    except ValueError:
        with pytest.raises(ValueError, match="No "):
            _assignments(text)
    else:
        assert _assignments(text) == expected


SHAPES = {
    "memory_mb": r"[1-9]\d*",
    "boot_id": r"[0-9a-f-]{36}",
    "uptime": r"\d+\.\d+",
    "default_ipv4": r"|\d+\.\d+\.\d+\.\d+",
    "default_ipv6": r"|[0-9a-f:]+",
    "virtualization": r"[a-z0-9-]+",
    "package_manager": r"[a-z]*",
    "service_manager": r"systemd|openrc|launchd|",
    "fqdn": r"\S+",
    "os_version_string": r".*",
}


def asked(evaluate: Evaluate, question: Callable[[], object]) -> object:
    answer: object = evaluate(question).value
    return answer


@pytest.mark.parametrize("name", EXPECTED)
def test_a_fact_says_what_the_system_says(name: str, evaluate: Evaluate) -> None:
    assert asked(evaluate, getattr(Platform, name)) == EXPECTED[name]


@pytest.mark.parametrize("name", SHAPES)
def test_a_fact_has_its_shape_wherever_it_is_asked(name: str, evaluate: Evaluate) -> None:
    assert re.fullmatch(SHAPES[name], str(asked(evaluate, getattr(Platform, name))))


def test_a_distribution_is_like_itself_first(evaluate: Evaluate) -> None:
    likes = asked(evaluate, Platform.distribution_like)
    assert isinstance(likes, list)
    assert likes[0] == EXPECTED["distribution_id"]


def test_the_environment_is_that_of_the_evaluation(evaluate: Evaluate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPSMOP_TEST_WORD", "here")
    assert asked(evaluate, lambda: Platform.env("OPSMOP_TEST_WORD")) == "here"
    assert asked(evaluate, lambda: Platform.env("OPSMOP_NO_SUCH_WORD", "default")) == "default"
    assert asked(evaluate, lambda: Platform.env()["OPSMOP_TEST_WORD"]) == "here"
    debugged = asked(evaluate, lambda: DebugFacts().data)
    assert "Platform.python_version: " in debugged
    assert "OPSMOP_TEST_WORD" not in debugged
