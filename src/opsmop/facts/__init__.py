"""Facts: what is true of the machine on which a role is evaluated. Read, never set; found out when first asked."""

from __future__ import annotations

from typing import Any


def by_name() -> dict[str, Any]:
    """The facts that templates see, by the names they see them under."""
    from opsmop.facts.filetests import FileTests  # imported when a role is evaluated, not with the package
    from opsmop.facts.platform import Platform

    return {"Platform": Platform, "FileTests": FileTests, "FileTest": FileTests}
