"""What a host says that `main()` returned: plain JSON, or nothing."""

from __future__ import annotations

import json

import pytest

from opsmop.drive.ledger import MOST_OPEN, Ledger
from opsmop.drive.returned import DEEPEST, plain
from opsmop.errors import ProtocolError
from opsmop.events import EvaluationFinished, ResourceStarted


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "9" * 100_000, "NaN", "[-Infinity]", '{"a": 1e999}', "[1] x"])
def test_what_is_no_json_is_heard_by_nobody(text: str) -> None:
    ledger = Ledger("web1", "Site")
    with pytest.raises(ProtocolError, match="what main\\(\\) returned is not JSON"):
        ledger.heard(EvaluationFinished(value=text))
    assert ledger.value is None


@pytest.mark.parametrize("shape", [("[", "]"), ('{"a":', "}")], ids=["lists", "dicts"])
def test_what_would_end_a_walk_that_calls_itself_is_refused(shape: tuple[str, str]) -> None:
    before, after = shape
    with pytest.raises(ValueError, match="nested more than 100 deep"):
        plain(before * DEEPEST + "1" + after * DEEPEST)
    assert plain(before * (DEEPEST - 1) + "1" + after * (DEEPEST - 1))


def test_half_a_pair_of_surrogates_is_gone_and_all_else_stays() -> None:
    ledger = Ledger("web1", "Site")
    heard = ledger.heard(
        EvaluationFinished(value='{"\\ud800": "a\\udfff", "b": [1, 2.5, null, "\\ud83d\\ude00\\u001b"]}')
    )
    assert isinstance(heard, EvaluationFinished)
    assert ledger.value == json.loads(heard.value) == {"?": "a?", "b": [1, 2.5, None, "\N{GRINNING FACE}\x1b"]}


def test_resources_that_never_end_fill_no_memory() -> None:
    ledger = Ledger("web1", "Site")
    for number in range(MOST_OPEN):
        ledger.heard(ResourceStarted(id=number))
    with pytest.raises(ProtocolError, match="began 1000 resources"):
        ledger.heard(ResourceStarted(id=MOST_OPEN))
