"""What counts as a change that is left to be made."""

from __future__ import annotations

from typing import Any

import pytest
from tests.language.conftest import loaded

from opsmop import Settings, run

POLICY = """
class One(Role):
    def inventory(self): return inventory
    def main(self): COMMAND

class Site(Policy):
    def set_roles(self): return Roles(One())
"""


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ('Shell("true", changed_when=False)', 0),
        ('Shell("true", changed_when=lambda result: False)', 3),
        ('Shell("true")', 3),
    ],
)
def test_a_command_that_never_counts_as_a_change_is_not_pending(both: Any, command: str, status: int) -> None:
    site = both.write(POLICY.replace("COMMAND", command), {})
    result = run(loaded(site).Site(), Settings(mode="check", reach="push", detailed_exitcode=True))
    assert result.exit_status == status
