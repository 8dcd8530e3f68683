"""What commands push to hosts: small policies, written as anybody would write one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from opsmop.program import loaded


def errands() -> Any:
    """The policy's program with its roles. It takes the place of the one that runs, as any policy does."""
    return loaded(Path(__file__).with_name("policy.py"))
