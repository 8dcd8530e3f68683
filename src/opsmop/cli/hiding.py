"""A file beside the policy that is named like a module of Python's own, which imports then find in its place."""

from __future__ import annotations

import sys
from pathlib import Path


def hidden(error: BaseException) -> str:
    """What to say if that is what `error` is due to; nothing if no such file has been imported.

    Uses nothing that could be hidden itself: the interpreter has all of it before it looks at the policy's folder.
    """
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    if not main:
        return ""
    folder = Path(main).absolute().parent
    for name in sorted(sys.stdlib_module_names & set(sys.modules)):
        file = getattr(sys.modules[name], "__file__", None)
        if file and folder in Path(file).absolute().parents[:2] and Path(file).stem in (name, "__init__"):
            return (
                f"{file} hides Python's own module {name!r}: {type(error).__name__}: {error}\n"
                "  Rename it: what is beside the policy is found before what comes with Python."
            )
    return ""
