"""``python3 -m opsmop.reference`` writes the reference page of the resource types."""

from __future__ import annotations

import sys

from opsmop.reference import page

sys.stdout.write(page())
