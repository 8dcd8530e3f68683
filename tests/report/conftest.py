"""Test folders are no packages: what the tests of reports share stands beside them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
