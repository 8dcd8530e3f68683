"""Where things are kept between runs."""

from __future__ import annotations

import os
from pathlib import Path


def state_folder() -> Path:
    """The state folder of the user who runs OpsMop (XDG Base Directory rules 0.8); it may not exist yet."""
    said = os.environ.get("XDG_STATE_HOME", "")
    state = Path(said) if said.startswith("/") else Path.home() / ".local" / "state"
    return state / "opsmop"
