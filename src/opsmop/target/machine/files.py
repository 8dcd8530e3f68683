"""Putting a file in its place: whole or not at all, and never through somebody else's link."""

from __future__ import annotations

import errno
import os
import stat

from opsmop.target.machine import contents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

# What a directory that anyone may write to makes of a temporary name that somebody could guess.
_ATTEMPTS = 20


def replace(
    path: str,
    content: contents.Given,
    *,
    mode: int,
    uid: int,
    gid: int,
    label: str = "",
    prove: Callable[[str], None] = lambda _: None,
) -> bool:
    """Put `content` at `path` by way of a temporary file beside it.

    The file is complete, synced and has its owner, its mode and the old file's labels before it takes the name, so that
    a power cut leaves the old content or the new one, and never a part. That the name itself is kept is seen to once for
    all files of a role (`sync_directory`), which costs a disk far less than once for each. Owner before mode, because a
    change of owner drops setuid (chown(2)). A mount point (a container's ``/etc/hosts``) cannot be renamed onto and is
    written in place.

    :param mode: all permission bits
    :param prove: is given the complete temporary file, and raises what must keep it from taking the name
    :param uid: -1 leaves what an old file has, or what a new one gets; `gid` likewise
    :param label: SELinux's, of which parts that are unsaid are the old file's; empty leaves all of it
    :returns: whether it was written in place
    :raises OSError: as the system says it
    :raises ProviderError: if what comes is not what was announced, or the label is refused
    """
    old = _standing(path)
    directory, name = os.path.split(path)
    descriptor, temporary = _beside(directory, name)
    try:
        try:
            contents.fill(descriptor, content)
            if old is None:
                _give(descriptor, uid, gid)
            else:
                _give(descriptor, old.st_uid if uid == -1 else uid, old.st_gid if gid == -1 else gid)
                _copy_labels(path, descriptor)
            if label:
                from opsmop.target.machine.hanging import set_label  # only for a file whose label is named

                set_label(descriptor, label, path)
            os.fchmod(descriptor, mode)  # after the labels: an ACL among them would set the group's bits (acl(5))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        prove(temporary)
        return not _take_name(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _standing(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None


def _take_name(temporary: str, path: str) -> bool:
    """Whether a file could take the name at once; otherwise its content goes there bit by bit."""
    try:
        os.rename(temporary, path)
    except OSError as error:
        if error.errno not in (errno.EBUSY, errno.EXDEV):
            raise
        _write_in_place(path, temporary)
        os.unlink(temporary)
        return False
    return True


def _beside(directory: str, name: str) -> tuple[int, str]:
    for _ in range(_ATTEMPTS):
        temporary = os.path.join(directory, f".{name[:100]}.{os.urandom(8).hex()}")
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            return os.open(temporary, flags, 0o600), temporary
        except FileExistsError:
            continue
    raise FileExistsError(errno.EEXIST, "no free temporary name", directory)


def _give(descriptor: int, uid: int, gid: int) -> None:
    """Change owner and group where they differ: in a user namespace even what changes nothing may be refused."""
    found = os.fstat(descriptor)
    uid, gid = (-1 if uid == found.st_uid else uid), (-1 if gid == found.st_gid else gid)
    if (uid, gid) != (-1, -1):
        os.fchown(descriptor, uid, gid)


def _copy_labels(path: str, descriptor: int) -> None:
    """The old file's extended attributes, of which SELinux's label and ACLs are some, go to the new one."""
    if not hasattr(os, "listxattr"):  # Linux has them; others that run Python may not
        return
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError:
        return
    for name in names:
        try:
            os.setxattr(descriptor, name, os.getxattr(path, name, follow_symlinks=False))
        except OSError:  # noqa: PERF203 - each label on its own: one that may not be set must not cost the others
            continue


def _write_in_place(path: str, complete: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        contents.copy(complete, descriptor)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_directory(directory: str) -> None:
    """See that the names which files have taken in a directory outlive a power cut.

    :raises OSError: as the system says it; a directory that is gone again needs nothing
    """
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return
    except PermissionError:
        os.sync()  # it may be written to but not read; this asks for no rights
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def set_mode(path: str, mode: int) -> None:
    """Set the permission bits of what stands at `path`; a link is refused rather than followed.

    :raises OSError: as the system says it
    """
    descriptor = (
        os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC) if os.access(path, os.R_OK) else -1
    )
    if descriptor == -1:
        if stat.S_ISLNK(os.lstat(path).st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        os.chmod(path, mode)
        return
    try:
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)


def remove_tree(path: str) -> None:
    """Remove a directory and all in it, links as links.

    :raises OSError: as the system says it
    """
    import shutil  # 10 ms that only a removal pays

    shutil.rmtree(path)
