"""Facts: what is true of the machine on which a role is evaluated. Read, never set; found out when first asked."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any


def by_name() -> dict[str, Any]:
    """The facts that templates see, by the names they see them under."""
    from opsmop.facts.chaos import Chaos  # imported when a role is evaluated, not with the package
    from opsmop.facts.filetests import FileTests
    from opsmop.facts.platform import Platform
    from opsmop.facts.user_facts import UserFacts

    return {
        "Platform": Platform,
        "FileTests": FileTests,
        "FileTest": FileTests,
        "UserFacts": UserFacts,
        "Chaos": Chaos,
    }


def told(facts: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """Everything that facts say without being told a parameter: name, value, and why there is none instead.

    :param facts: the facts by name; what is no `Fact` is shown as it is
    """
    from opsmop.facts.fact import Fact  # as above

    for name, fact in facts.items():
        if not isinstance(fact, Fact):
            yield name, fact, ""
            continue
        value, problem = _asked(fact._answers)  # noqa: SLF001 - what a fact's own subclass may say otherwise
        if problem:
            yield name, None, problem
        for question, ask in (value or {}).items():
            yield (f"{name}.{question}", *_asked(ask))


def _asked(question: Any) -> tuple[Any, str]:
    try:
        return question(), ""
    except Exception as error:  # noqa: BLE001 - one fact must not hide the others, whatever its author's code raises
        return None, str(error) or type(error).__name__
