"""What hangs on a file besides owner and mode: SELinux's label, and attributes."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import sys

from opsmop.errors import ProviderError
from opsmop.language.labels import filled, whole
from opsmop.resources.attributes import BITS

_LABEL = "security.selinux"
_SELINUX = "/sys/fs/selinux"  # where its own file system is mounted, wherever it is on: selinux(8)
_NONE = (errno.ENODATA, errno.EOPNOTSUPP, errno.ENOENT, errno.ENOTDIR)
_NO_ATTRIBUTES = (errno.ENOTTY, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)
# ioctl_iflags(2): _IOR('f', 1, long) and _IOW('f', 2, long), as linux/ioctl.h makes numbers of it. What is passed is an int.
_READ, _WRITE = (2, 4) if os.uname().machine.startswith(("ppc", "mips", "sparc", "alpha")) else (2, 1)
_SHIFT = 29 if _WRITE == 4 else 30  # noqa: PLR2004 - the same architectures
_GET = _READ << _SHIFT | struct.calcsize("l") << 16 | ord("f") << 8 | 1
_SET = _WRITE << _SHIFT | struct.calcsize("l") << 16 | ord("f") << 8 | 2
_ALL = sum(BITS.values())
_REMEDIES = {
    errno.EINVAL: "The machine's SELinux policy does not know this label: `seinfo -t` lists types.",
    errno.EOPNOTSUPP: "Its file system keeps no labels.",
    errno.EPERM: "Only root may label files, and the policy may forbid it: does the role need sudo()?",
    errno.EACCES: "The machine's SELinux policy forbids it: `ausearch -m avc -ts recent` says what.",
}


def label(path: str) -> str | None:
    """The label of what stands at `path`, a link's own; empty if it has none, None where there is no SELinux.

    :raises OSError: as the system says it
    """
    if not os.path.exists(f"{_SELINUX}/enforce"):
        return None
    try:
        return _text(os.getxattr(path, _LABEL, follow_symlinks=False))
    except OSError as error:
        if error.errno in _NONE:
            return ""
        raise


def takes_label(text: str) -> bool:
    """Whether the policy knows that label, as far as the kernel says: ``context`` of its file system."""
    try:
        descriptor = os.open(f"{_SELINUX}/context", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return True  # it will say so when the label is set
    try:
        os.write(descriptor, text.encode() + b"\0")
    except OSError as error:
        return error.errno != errno.EINVAL
    finally:
        os.close(descriptor)
    return True


def set_label(at: str | int, text: str, path: str) -> None:
    """Label what is at a path or open as a descriptor; parts that `text` leaves unsaid stay.

    :param path: for the error's text
    :raises OSError: as the system says it
    :raises ProviderError: if the label is refused
    """
    options = {"follow_symlinks": False} if isinstance(at, str) else {}
    try:
        has = _text(os.getxattr(at, _LABEL, **options))
    except OSError as error:
        if error.errno not in _NONE:
            raise
        has = ""
    complete = filled(text, has)
    if not whole(complete):
        raise ProviderError(
            f"nothing says the whole label of {path}: {complete!r} is what is known",
            remedy="Name its other parts too: seuser=, serole=, setype=.",
        )
    try:
        os.setxattr(at, _LABEL, complete.encode() + b"\0", **options)
    except OSError as error:
        raise ProviderError(
            f"cannot label {path} as {complete}: {error.strerror}", remedy=_REMEDIES.get(error.errno or 0, "")
        ) from error


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode("utf-8", "replace")


def attributes(path: str) -> str:
    """The letters of the attributes of what stands at `path`, of those that can be changed.

    :raises OSError: as the system says it
    :raises ProviderError: if its file system knows none
    """
    descriptor = _opened(path)
    try:
        flags = _flags(descriptor, path)
    finally:
        os.close(descriptor)
    return "".join(sorted(letter for letter, bit in BITS.items() if flags & bit))


def set_attributes(path: str, letters: str, told: str) -> None:
    """Let what stands at `path` have these attributes, of those that can be changed, and no others.

    :param told: the path for the error's text
    :raises OSError: as the system says it
    :raises ProviderError: if its file system does not know them
    """
    descriptor = _opened(path)
    try:
        wanted = _flags(descriptor, told) & ~_ALL | sum(BITS[letter] for letter in letters)
        fcntl.ioctl(descriptor, _SET, struct.pack("i", wanted if wanted < 1 << 31 else wanted - (1 << 32)))
    except OSError as error:
        if error.errno in _NO_ATTRIBUTES:
            raise _unknown(told, f"with {letters!r}") from error
        raise
    finally:
        os.close(descriptor)


def _opened(path: str) -> int:
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)


def _flags(descriptor: int, path: str) -> int:
    if not sys.platform.startswith("linux"):
        raise _unknown(path, "of this kind")
    try:
        said = fcntl.ioctl(descriptor, _GET, bytes(struct.calcsize("l")))
    except OSError as error:
        if error.errno in _NO_ATTRIBUTES:
            raise _unknown(path, "") from error
        raise
    return int(struct.unpack_from("I", said)[0])


def _unknown(path: str, which: str) -> ProviderError:
    return ProviderError(
        f"the file system of {path} has no attributes {which}".rstrip(),
        remedy="Leave attributes= away for this machine.",
    )
