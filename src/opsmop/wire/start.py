"""The second half of the boot program: takes the code bundle from the controller and starts the agent.

Sent as text right behind `opsmop.wire.boot`, and run in the same namespace before anything else of ours exists on the
host; so it imports nothing of ours until the bundle is installed.
"""

import os


def exactly(length: int) -> bytes:
    """The next `length` bytes of the controller; ends the process if it is gone."""
    data = bytearray()
    while len(data) < length:
        piece = os.read(0, min(1 << 20, length - len(data)))
        if not piece:
            os._exit(0)
        data += piece
    return bytes(data)


def bundle_frame() -> "tuple[str, bytes]":
    """The digest and the data of a code bundle."""
    length = int.from_bytes(exactly(5)[:4], "big")
    return exactly(64).decode(), exactly(length - 64)


def received_bundle() -> "tuple[str, bytes]":
    """The code bundle: at once, or after saying that it is needed."""
    digest, data = bundle_frame()
    if data:
        return digest, data
    os.write(1, (64).to_bytes(4, "big") + bytes((68,)) + digest.encode())  # opsmop.wire.frames.NEED
    return bundle_frame()


def raw_of(data: bytes) -> bytes:
    """A bundle's data as it was before it was compressed."""
    if data[:1] == b"x":  # RFC 1950, section 2.2: CMF of a deflate stream with a 32 KiB window
        import zlib

        return zlib.decompress(data)
    import lzma

    return lzma.decompress(data)


def start(install: object) -> None:
    """Install the code bundle and be an agent. Never returns.

    :param install: `opsmop.wire.boot.install`
    """
    digest, data = received_bundle()
    install(raw_of(data), digest)  # type: ignore[operator]
    from opsmop.target.agent import main

    main()
