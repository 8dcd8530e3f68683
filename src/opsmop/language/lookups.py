"""Values that are worked out on the target, at the moment their resource is evaluated."""

from __future__ import annotations


class Late:
    """A value that is worked out later.

    :param text: the template or expression
    """

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.text!r})"


def is_late(value: Any) -> bool:
    """Whether `value` is worked out later, or holds something that is."""
    if isinstance(value, dict):
        return any(is_late(entry) for entry in value.values())
    return isinstance(value, Late) or (isinstance(value, (list, tuple)) and any(is_late(entry) for entry in value))


class LateText(Late):
    """A Jinja template that gives text."""


class LateExpression(Late):
    """A Jinja expression that gives a native value."""


TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    def T(template: str) -> str:  # noqa: N802 - the language's name
        """A template: wherever a parameter takes text, it is rendered when the resource is evaluated."""

    def Eval(expression: str) -> Any:  # noqa: N802 - the language's name
        """A Jinja expression such as ``"a > 3"``, worked out when the resource is evaluated."""
else:

    class T(LateText):
        """A template: wherever a parameter takes text, it is rendered when the resource is evaluated."""

    class Eval(LateExpression):
        """A Jinja expression such as ``"a > 3"``, worked out when the resource is evaluated."""
