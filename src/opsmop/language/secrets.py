"""Values that nobody may see."""

from __future__ import annotations

MASK = "********"
# Masking every occurrence of a text of one or two characters would garble reports and hide nothing.
SHORTEST_MASKED = 3


class Secret:
    """A text that is never shown: in no event, log, error, listing or difference.

    :param value: the text
    """

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself, for the one place that needs it."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(("Secret", self._value))


def revealed(value: Secret | str) -> str:
    """The text of what may have been given as a `Secret`."""
    return value.reveal() if isinstance(value, Secret) else value


def masked(text: str, secrets: set[str]) -> str:
    """`text` with every occurrence of one of `secrets` replaced; the longest first, so that none leaves a rest."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST_MASKED:
            text = text.replace(secret, MASK)
    return text
