"""Values that a target could not read."""

from __future__ import annotations

from collections import OrderedDict
from datetime import date, datetime
from datetime import time as time_of_day
from pathlib import Path, PosixPath, PurePath, PurePosixPath, PureWindowsPath
from typing import Any

from opsmop.errors import PolicyError
from opsmop.language.secrets import Secret

_PATHS = (Path, PosixPath, PurePath, PurePosixPath, PureWindowsPath)
_PLAIN = (str, int, float, bool, bytes, date, datetime, time_of_day, Secret, type(None), *_PATHS)


def refuse_strange(label: str, value: Any) -> None:
    """Refuse what a target could not read: an object of somebody's own type, be it a kind of dict or tuple.

    :param label: what the author would call it
    :raises PolicyError: naming it
    """
    if type(value) in (dict, OrderedDict):
        for name, inner in value.items():
            refuse_strange(f"a name in {label}", name)
            refuse_strange(f"{label}: {name}", inner)
    elif type(value) in (list, tuple, set, frozenset):
        for inner in value:
            refuse_strange(label, inner)
    elif type(value) not in _PLAIN:
        raise PolicyError(
            f"{label} is a {type(value).__name__}, which cannot travel to the host",
            remedy="Use plain values: text, numbers, lists, dicts.",
        )
