"""What a policy adds for its templates, asked and looked at on the control machine."""

from __future__ import annotations

from typing import Any

from opsmop.drive.asking import ask
from opsmop.errors import PolicyError
from opsmop.facts import by_name
from opsmop.language.additions import Additions
from opsmop.language.policy import Policy


def additions_said(policy: Policy) -> Additions:
    """The facts, globals and filters that a policy adds.

    :raises PolicyError: if a method raises, or returns something that cannot be one of them
    """
    facts = _named(policy, "fact_context")
    for name, fact in facts.items():
        if name in by_name():
            raise PolicyError(f"{policy.name}.fact_context(): {name} is a fact already", remedy="Call it another name.")
        if isinstance(fact, type):
            raise PolicyError(
                f"{policy.name}.fact_context(): {name} is the class {fact.__name__}, not a fact",
                remedy=f"Write {fact.__name__}().",
            )
    filters = _named(policy, "template_filters")
    for name, filter_ in filters.items():
        if not callable(filter_):
            raise PolicyError(
                f"{policy.name}.template_filters(): {name} is {type(filter_).__name__}, which cannot be called",
                remedy="A filter is a function that takes the value before the | sign.",
            )
    return Additions(facts, _named(policy, "template_globals"), filters)


def _named(policy: Policy, method: str) -> dict[str, Any]:
    said = ask(policy, method)
    if not isinstance(said, dict):
        raise PolicyError(
            f"{policy.name}.{method}() returned {type(said).__name__}, not a dict", remedy="Return a dict by name."
        )
    for name in said:
        if not isinstance(name, str) or not name.isidentifier():
            raise PolicyError(f"{policy.name}.{method}(): {name!r} cannot be a name in a template")
    return said
