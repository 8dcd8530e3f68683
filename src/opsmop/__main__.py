"""``python3 -m opsmop`` is the command ``opsmop``."""

from __future__ import annotations

import sys

from opsmop.cli import command

sys.exit(command())
