"""The boot program: finds the code that this host keeps, or takes what the controller sends, and starts the agent.

Sent as text and run before anything else of ours exists on the host; so it imports nothing of ours until the bundle is
installed. It is compiled for every role: what it does not need to find kept code is `opsmop.wire.arriving`, which follows it
as text and is compiled only where nothing is kept. Code that an earlier push left is loaded only from where nobody but this
user and root can have put it. What is kept in a file: the sum of what follows up to the bundle, that part's length (8 bytes),
that part (a marshalled digest, index and code by module name) and the bundle as it was sent.
"""

import gc
import os
import sys

FOLDER = "/.opsmop/code"  # beneath the user's home
SUM, LENGTH = 32, 8  # bytes
OTHERS = 0o077  # mode bits
OTHERS_WRITE = 0o022
STICKY = 0o1000
COMPILED = 8  # as opsmop.wire.frames has it
MAGIC = sys.modules["_frozen_importlib_external"].MAGIC_NUMBER
KIND, A_FOLDER, A_FILE = 0o170000, 0o040000, 0o100000


def exactly(length: int) -> bytes:
    """The next `length` bytes of the controller; ends the process if it is gone."""
    data = bytearray()
    while len(data) < length:
        piece = os.read(0, min(1 << 20, length - len(data)))
        if not piece:
            os._exit(0)
        data += piece
    return bytes(data)


def bundle_frame() -> "tuple[str, bytes, bytes, bytes]":
    """The digest and the data of a code bundle, the same compiled if it came along, and other frames before it."""
    early = compiled = b""
    while True:
        head = exactly(5)
        length = int.from_bytes(head[:4], "big")
        if head[4] == 1:  # opsmop.wire.frames.CODE
            return exactly(64).decode(), exactly(length - 64), compiled, early
        if head[4] == COMPILED:
            compiled = exactly(length)
        else:
            early += head + exactly(length)


def say(kind: int, payload: bytes = b"") -> None:
    """Say something to the controller (`opsmop.wire.frames`)."""
    os.write(1, len(payload).to_bytes(4, "big") + bytes((kind,)) + payload)


def summed(data: bytes) -> bytes:
    """The sum of `data`: BLAKE2b by Python's own module, which is three times as fast as its SHA-256 (RFC 7693)."""
    try:
        from _blake2 import blake2b

        return blake2b(data, digest_size=SUM).digest()
    except (ImportError, ValueError):  # this Python has none, or may not use it
        import hashlib

        return hashlib.sha256(data).digest()


def kept_at(digest: str) -> str:
    """The path at which a bundle's code is kept for this Python.

    :raises OSError: if the user has no home
    """
    home, user = os.environ.get("HOME", ""), os.geteuid()
    if home[:1] != "/" or not os.path.isdir(home) or os.stat(home).st_uid != user:
        import pwd  # HOME may be somebody else's after a sudo

        try:
            home = pwd.getpwuid(user).pw_dir
        except KeyError:
            raise FileNotFoundError(2, "The user has no home") from None
    return f"{os.path.realpath(home)}{FOLDER}/{digest[:32]}.{tag(MAGIC)}"


def tag(magic: bytes) -> str:
    """What stands for a Python: what it compiles, another of the same tag can run."""
    return f"{sys.implementation.cache_tag}-{magic.hex()}"


def is_safe(folder: str, others: int = OTHERS) -> bool:
    """Whether `folder` is this user's and nobody but root can have put another one in its place.

    :param others: mode bits that it must not have
    """
    status = os.lstat(folder)
    if status.st_uid != os.geteuid() or status.st_mode & others:
        return False
    while True:
        mode = status.st_mode
        writable = mode & OTHERS_WRITE and not mode & STICKY
        if mode & KIND != A_FOLDER or writable or status.st_uid not in (0, os.geteuid()):
            return False
        if folder == "/":
            return True
        folder = os.path.dirname(folder)
        status = os.lstat(folder)


def opened(path: str) -> int:
    """A descriptor of what is kept at `path`.

    :raises OSError: if there is nothing, or somebody else may have put it there
    """
    if not is_safe(os.path.dirname(path)):
        raise PermissionError(1, "Others may write there", path)
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    status = os.fstat(file)
    mine = status.st_uid == os.geteuid() and status.st_nlink == 1
    if mine and status.st_mode & KIND == A_FILE and not status.st_mode & OTHERS:
        return file
    os.close(file)
    raise PermissionError(1, "Not a private file of this user", path)


def loaded(file: int, digest: str) -> "tuple[dict[str, list[int]], dict[str, bytes]]":
    """The index and the code that an opened file keeps.

    :raises ValueError: if it is damaged, or keeps another bundle's
    """
    import marshal

    head = os.pread(file, SUM + LENGTH, 0)
    length = int.from_bytes(head[SUM:], "big")
    part = os.pread(file, length, SUM + LENGTH) if length < os.fstat(file).st_size else b""
    if summed(part) != head[:SUM]:
        raise ValueError("damaged")
    own, index, compiled = marshal.loads(part)  # noqa: S302 - written by this user, as `opened` has seen
    if own != digest:
        raise ValueError("of another bundle")
    return index, compiled


def from_kept(digest: str) -> bool:
    """Install what this host has kept; whether there was anything that can be trusted."""
    try:
        file = opened(kept_at(digest))
    except OSError:
        return False
    try:
        index, compiled = loaded(file, digest)
        import marshal

        exec(marshal.loads(compiled["opsmop.wire.arriving"]), globals())  # noqa: S102, S302 - as in `loaded`
        globals()["install_kept"](digest, index, compiled, file)
    except (OSError, ValueError, EOFError, TypeError, KeyError):  # OSError: a disk that cannot be read
        os.close(file)
        return False
    return True


def start(arriving: str) -> None:
    """Install the code bundle and be an agent. Never returns.

    :param arriving: the text of `opsmop.wire.arriving`
    """
    gc.disable()  # what is imported stays; opsmop.target.warden lets it look again
    digest, data, compiled, early = bundle_frame()
    if from_kept(digest):
        say(79)  # opsmop.wire.frames.KEPT
    else:
        exec(compile(arriving, "<opsmop arriving>", "exec"), globals())  # noqa: S102 - came with this program
        early = globals()["install_sent"](digest, data, compiled, early)
    from opsmop.target.agent import main

    main(early)
