"""Running a policy's file as the program that it is."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from opsmop.errors import OpsMopError, PolicyError, UsageError
from opsmop.language.policy import Policy
from opsmop.target.failures import failure_of


def run_program(path: str, arguments: list[str]) -> int:
    """Run the policy's file as ``python3 FILE ARGUMENTS`` would; a file that runs no policy has its only one run.

    :returns: the exit status
    :raises OpsMopError: if the file cannot be run, or it is not clear which policy is meant
    """
    sys.argv = [path, *arguments]
    module = _started(path)
    try:
        _executed(path, module)
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    from opsmop.cli import run  # the command line is above this

    return run(_made(path, _only_policy(path, vars(module))), arguments)


def loaded(path: Path) -> ModuleType:
    """The program at `path`, in the place of the one that runs, with what it defines.

    :raises OpsMopError: if it cannot be run
    """
    module = _started(str(path))
    _executed(str(path), module)
    return module


def _started(path: str) -> ModuleType:
    file = Path(path).absolute()
    if not file.is_file():
        raise UsageError(f"there is no policy file {path}")
    module = ModuleType("__main__")
    module.__file__ = str(file)
    sys.modules["__main__"] = module
    sys.path.insert(0, str(file.parent))
    return module


def _executed(path: str, module: ModuleType) -> None:
    file = str(module.__file__)
    try:
        code = compile(Path(file).read_bytes(), file, "exec", dont_inherit=True)
        exec(code, vars(module))  # noqa: S102 - running the author's program is what was asked for
    except SyntaxError as error:
        raise PolicyError(f"the policy does not parse: {error.msg}", place=f"{error.filename}:{error.lineno}") from None
    except OpsMopError:
        raise
    except Exception as error:
        from opsmop.cli.hiding import hidden  # only where something broke; the command line is above this
        from opsmop.drive.near import shown_near

        found, why = failure_of(error, shown_near(error)), hidden(error)
        raise PolicyError(why or f"{path} raised {found.error}: {found.message}", place=found.place) from error


def _made(path: str, policy: type[Policy]) -> Policy:
    try:
        return policy()
    except OpsMopError:
        raise
    except Exception as error:
        from opsmop.drive.near import shown_near  # as above

        found = failure_of(error, shown_near(error))
        raise PolicyError(
            f"{policy.__name__}() raised {found.error}: {found.message}",
            place=found.place or path,
            remedy=f"If it takes something, end the file with: Cli({policy.__name__}(...))",
        ) from error


def _only_policy(path: str, names: dict[str, Any]) -> type[Policy]:
    found = [
        value
        for value in names.values()
        if isinstance(value, type) and issubclass(value, Policy) and value.__module__ == "__main__"
    ]
    if len(found) == 1:
        return found[0]
    many = f"has {len(found)} policies" if found else "has no policy"
    raise PolicyError(f"{path} {many} and does not say which to run", remedy="End it with: Cli(MyPolicy())")
