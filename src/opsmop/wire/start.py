"""The boot program: finds the code bundle, kept on this host or sent by the controller, and starts the agent.

Sent as text and run before anything else of ours exists on the host; so it imports nothing of ours until the bundle is
installed. Code that an earlier push left is loaded only from where nobody but this user and root can have put it. What
is kept in a file: the sha256 of what follows up to the bundle, that part's length (8 bytes), that part (a marshalled
digest, index and code by module name) and the bundle as it was sent.
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


def raw_of(data: bytes) -> bytes:
    """A bundle's data as it was before it was compressed."""
    if data[:1] == b"x":  # RFC 1950, section 2.2: CMF of a deflate stream with a 32 KiB window
        import zlib

        return zlib.decompress(data)
    import lzma

    return lzma.decompress(data)


def sha256(data: bytes) -> bytes:
    """The digest of `data`, by whichever of Python's own modules is there: hashlib would load OpenSSL."""
    # One that this Python does not have would be looked for among what is installed (see `Installed`).
    for name in ("_sha2" if sys.version_info >= (3, 12) else "_sha256", "hashlib"):
        try:
            digest: bytes = __import__(name).sha256(data).digest()
        except ImportError:
            continue
        return digest
    raise ImportError("this Python has no sha256")


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
    if sha256(part) != head[:SUM]:
        raise ValueError("damaged")
    own, index, compiled = marshal.loads(part)  # noqa: S302 - written by this user, as `opened` has seen
    if own != digest:
        raise ValueError("of another bundle")
    return index, compiled


def kept_bundle(file: int, digest: str) -> bytes:
    """The bundle that an opened file keeps, as it was sent.

    :raises ImportError: if it is damaged
    """
    start = SUM + LENGTH + int.from_bytes(os.pread(file, LENGTH, SUM), "big")
    data = os.pread(file, max(0, os.fstat(file).st_size - start), start)
    try:
        good = sha256(raw_of(data)).hex() == digest
    except Exception:  # noqa: BLE001 - zlib's and lzma's errors are not imported here
        good = False
    if good:
        return data
    path = kept_at(digest)
    os.unlink(path)
    raise ImportError(f"the code kept at {path} was damaged and has been removed; run this again")


class Once:
    """What `make` gives, made when it is first called for."""

    def __init__(self, make: object) -> None:
        self.make, self.made = make, b""

    def __call__(self) -> bytes:
        """It."""
        self.made = self.made or self.make()  # type: ignore[operator]
        return self.made


def from_kept(digest: str, names: "dict[str, object]") -> object:
    """A finder for what this host has kept; None if that is nothing, or cannot be trusted."""
    try:
        file = opened(kept_at(digest))
    except OSError:
        return None
    try:
        index, compiled = loaded(file, digest)
        import marshal

        exec(marshal.loads(compiled["opsmop.wire.boot"]), names)  # noqa: S102, S302 - as in `loaded`
    except (ValueError, EOFError, TypeError, KeyError):
        os.close(file)
        return None
    return with_code(digest, index, compiled, Once(lambda: kept_bundle(file, digest)), names)


def with_code(digest: str, index: object, compiled: object, data: object, names: "dict[str, object]") -> object:
    """Let imports find code that need not be compiled."""
    finder = names["Finder"](digest, index, Once(lambda: raw_of(data())), compiled)  # type: ignore[operator]
    finder.sent = data
    sys.meta_path.insert(0, finder)
    return finder


def from_compiled(sent: bytes, digest: str, data: bytes, names: "dict[str, object]") -> bool:
    """Install a bundle that was sent compiled as well; whether it was, and by such a Python."""
    whose, _, packed = sent.partition(b"\0")
    if whose.decode() != tag(MAGIC):
        return False
    import marshal

    own, index, compiled = marshal.loads(raw_of(packed))  # noqa: S302 - the controller's own, as all that is run here
    if own != digest:
        return False
    exec(marshal.loads(compiled["opsmop.wire.boot"]), names)  # noqa: S102, S302 - likewise
    finder = with_code(digest, index, compiled, lambda: data, names)
    finder.fresh = True  # type: ignore[attr-defined]
    return True


def from_sent(digest: str, data: bytes, names: "dict[str, object]") -> None:
    """Install a bundle that was sent."""
    import json

    raw = raw_of(data)
    start = 4 + int.from_bytes(raw[:4], "big")
    _, offset, length = json.loads(raw[4:start])["opsmop.wire.boot"]
    code = compile(raw[start + offset : start + offset + length], "opsmop.wire.boot", "exec", dont_inherit=True)
    exec(code, names)  # noqa: S102 - the importer
    finder = names["install"](raw, digest)  # type: ignore[operator]
    finder.sent = lambda: data


class Installed:
    """Finds what is installed on this host besides Python's own library: looked for when it is first asked for.

    Python was started without it (-S), which is a third of its start. Builtins that come with it are there all the same.
    """

    def __init__(self) -> None:
        builtins = sys.modules["builtins"]
        builtins.exit = builtins.quit = sys.exit  # type: ignore[attr-defined]

    def find_spec(self, name: str, path: object = None, target: object = None) -> object:
        """The spec of a module that nobody else has found."""
        # Python's own library asks for these in vain wherever they are another system's.
        if path is not None or name == "org" or name in getattr(sys, "stdlib_module_names", ()):
            return None
        sys.meta_path.remove(self)  # type: ignore[arg-type]
        import site

        site.main()
        found = (finder.find_spec(name, None, target) for finder in sys.meta_path)  # type: ignore[arg-type]
        return next((spec for spec in found if spec is not None), None)


def start() -> None:
    """Install the code bundle and be an agent. Never returns."""
    sys.meta_path.append(Installed())  # type: ignore[arg-type]
    gc.disable()  # what is imported stays; opsmop.target.warden lets it look again
    digest, data, compiled, early = bundle_frame()
    names: dict[str, object] = {"__name__": "opsmop_boot"}
    if from_kept(digest, names):
        say(79)  # opsmop.wire.frames.KEPT
    else:
        if not data:
            say(68, digest.encode())  # opsmop.wire.frames.NEED
            _, data, compiled, early = bundle_frame()
        if not from_compiled(compiled, digest, data, names):
            from_sent(digest, data, names)
    from opsmop.target.agent import main

    main(early)
