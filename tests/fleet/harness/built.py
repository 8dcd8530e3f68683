"""What hosts stand on: folders that are built once, by whoever needs them first, and never changed."""

import shutil
from collections.abc import Callable
from pathlib import Path

from .places import FileLock


def keep_built(folder: Path, build: Callable[[Path], None], progress: Callable[[], None]) -> FileLock:
    """Build `folder` if it is missing, and remove what was built of other recipes; return the shared lock that keeps it.

    :param folder: its name is a family's and, after the last hyphen, its recipe's digest
    :param build: makes it, from beginning to end in ``.partial`` beside it
    :param progress: is called when it is being built
    """
    lock = FileLock(folder.with_suffix(".lock"))
    try:
        lock.take(shared=True)
        while not folder.exists():
            # Turning a shared lock into an exclusive one lets go of it in between (flock(2)): look again with it held.
            lock.take()
            if not folder.exists():
                progress()
                shutil.rmtree(folder.with_suffix(".partial"), ignore_errors=True)
                build(folder)
                _remove_older(folder)
            lock.take(shared=True)
    except BaseException:
        lock.close()
        raise
    return lock


def _remove_older(folder: Path) -> None:
    family = folder.name.rpartition("-")[0]
    for older in folder.parent.glob(f"{family}-*.lock"):
        lock = FileLock(older)
        if older.with_suffix("") != folder and lock.try_take():
            shutil.rmtree(older.with_suffix(""), ignore_errors=True)
            shutil.rmtree(older.with_suffix(".partial"), ignore_errors=True)
            older.unlink()
        lock.close()
