"""What the boot program does with a code bundle that is kept on a host, or comes to one.

Run among the names of `opsmop.wire.start`, where it was sent with that as text or is kept with the other code; elsewhere it is
a module like others.
"""

import os
import sys

if __name__ != "opsmop_boot":
    from opsmop.wire.start import LENGTH, MAGIC, SUM, bundle_frame, kept_at, say, tag

IMPORTER: "dict[str, object]" = {"__name__": "opsmop_boot"}  # the names of opsmop.wire.boot, once it runs here


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
    import contextlib

    with contextlib.suppress(FileNotFoundError):  # another role may have found it too
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


def install_kept(digest: str, index: object, compiled: "dict[str, bytes]", file: int) -> None:
    """Let imports find what an opened file keeps.

    :raises KeyError: if that lacks the importer
    """
    import marshal

    exec(marshal.loads(compiled["opsmop.wire.boot"]), IMPORTER)  # noqa: S102, S302 - as in `opsmop.wire.start.loaded`
    with_code(digest, index, compiled, Once(lambda: kept_bundle(file, digest)))


def install_sent(digest: str, data: bytes, compiled: bytes, early: bytes) -> bytes:
    """Let imports find a bundle that was sent, or is now asked for.

    :returns: other frames that came before it
    """
    if not data:
        say(68, digest.encode())  # opsmop.wire.frames.NEED
        _, data, compiled, early = bundle_frame()
    if not from_compiled(compiled, digest, data):
        from_sent(digest, data)
    return early


def with_code(digest: str, index: object, compiled: object, data: object) -> object:
    """Let imports find code that need not be compiled."""
    finder = IMPORTER["Finder"](digest, index, Once(lambda: raw_of(data())), compiled)  # type: ignore[operator]
    finder.sent = data
    sys.meta_path.insert(0, finder)
    sys.meta_path.append(Installed())  # type: ignore[arg-type]
    return finder


def from_compiled(sent: bytes, digest: str, data: bytes) -> bool:
    """Install a bundle that was sent compiled as well; whether it was, and by such a Python."""
    whose, _, packed = sent.partition(b"\0")
    if whose.decode() != tag(MAGIC):
        return False
    import marshal

    own, index, compiled = marshal.loads(raw_of(packed))  # noqa: S302 - the controller's own, as all that is run here
    if own != digest:
        return False
    exec(marshal.loads(compiled["opsmop.wire.boot"]), IMPORTER)  # noqa: S102, S302 - likewise
    finder = with_code(digest, index, compiled, lambda: data)
    finder.fresh = True  # type: ignore[attr-defined]
    return True


def from_sent(digest: str, data: bytes) -> None:
    """Install a bundle that was sent."""
    import json

    raw = raw_of(data)
    start = 4 + int.from_bytes(raw[:4], "big")
    _, offset, length = json.loads(raw[4:start])["opsmop.wire.boot"]
    code = compile(raw[start + offset : start + offset + length], "opsmop.wire.boot", "exec", dont_inherit=True)
    exec(code, IMPORTER)  # noqa: S102 - the importer
    finder = IMPORTER["install"](raw, digest)  # type: ignore[operator]
    finder.sent = lambda: data
    sys.meta_path.append(Installed())  # type: ignore[arg-type]


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
