"""``python3 -m opsmop.facts [NAME] [--json]``: the facts of this machine."""

from __future__ import annotations

import sys

from opsmop.factsheet import command

sys.exit(command())
