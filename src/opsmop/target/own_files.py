"""Files of our own in the home of the user who evaluates; nobody else can make us write elsewhere."""

from __future__ import annotations

import errno
import os
import stat


class NoHomeError(OSError):
    """The user has no home, or it is not there."""


def home() -> str:
    """The user's home: HOME, unless that belongs to somebody else, as it may after a sudo.

    :raises NoHomeError: if there is none
    """
    said = os.environ.get("HOME", "")
    if os.path.isabs(said) and os.path.isdir(said) and os.stat(said).st_uid == os.geteuid():
        return said
    import pwd  # only where HOME does not help

    try:
        found = pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError:
        raise NoHomeError(errno.ENOENT, "the user has no home") from None
    if os.path.isdir(found):
        return found
    raise NoHomeError(errno.ENOENT, f"the user's home {found} is not there")


def placed(path: str) -> str:
    """`path` with a leading ``~`` as the user's home.

    :raises NoHomeError: if there is no home
    :raises OSError: if the path is relative
    """
    path = home() + path[1:] if path == "~" or path.startswith("~/") else path
    if os.path.isabs(path):
        return path
    raise OSError(errno.EINVAL, "the path is not absolute")


def open_folder(path: str) -> int:
    """A descriptor of the folder, which is made with mode 0700 if it is missing.

    :raises OSError: if it cannot be made, is a symlink, or others may change what is in it
    """
    try:  # noqa: SIM105 - what contextlib brings costs a host's start
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    status = os.fstat(folder)
    ours = status.st_uid in (0, os.geteuid())
    shared = status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX
    if ours and not shared:
        return folder
    os.close(folder)
    raise OSError(errno.EPERM, f"others may write to {path}")


def open_file(folder: int, name: str, flags: int) -> int:
    """A descriptor of a file of mode 0600 in `folder`, which is made if it is missing.

    :raises OSError: if it cannot be opened, or is anything but a file of this user's with this one name
    """
    # Without O_NONBLOCK, a planted FIFO would make this wait.
    opened = os.open(name, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600, dir_fd=folder)
    status = os.fstat(opened)
    if stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid() and status.st_nlink == 1:
        if stat.S_IMODE(status.st_mode) != 0o600:  # noqa: PLR2004 - a mode
            os.fchmod(opened, 0o600)
        return opened
    os.close(opened)
    raise OSError(errno.EPERM, f"{name} is not a plain file of this user")
