"""The code bundle: everything of ours, and of the libraries it needs, that a target has to have, in one message."""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from opsmop.errors import ShipError
from opsmop.ship import store
from opsmop.ship.places import CARRIED_LIBRARIES, OURS, travels
from opsmop.wire.arriving import sha256

LENGTH_BYTES = 4
MODULE, PACKAGE, DATA = 0, 1, 2
# zlib and xz travel equally fast; zlib is quicker to import and to read on the target, and every Python has it.
COMPRESSION_LEVEL = 9

Files = Mapping[str, tuple[int, bytes]]


class Bundle:
    """Code that travels as one message.

    :param digest: sha256 of the uncompressed bytes, in hexadecimal
    :param data: the bytes, compressed with zlib; or what gives them, which is asked where a host wants them
    """

    def __init__(self, digest: str, data: bytes | Callable[[], bytes]) -> None:
        self.digest = digest
        self._data = data

    @property
    def data(self) -> bytes:
        """The bytes, compressed with zlib.

        :raises ShipError: if they were kept, and are gone
        """
        if not isinstance(self._data, bytes):
            self._data = self._data()
        return self._data

    def raw(self) -> bytes:
        """The uncompressed bytes, as ``opsmop.wire.boot.install`` takes them."""
        return zlib.decompress(self.data)


class Source(NamedTuple):
    """A source file: its module's name, `MODULE` or `PACKAGE`, where it is, its size and its times."""

    name: str
    kind: int
    path: str
    version: tuple[int, int, int]

    def read(self) -> bytes:
        """What is in it."""
        return Path(self.path).read_bytes()


def bundle_of(files: Files) -> Bundle:
    """A bundle of modules and data files; the same files always give the same bytes.

    :param files: per name its kind (`MODULE`, `PACKAGE`, `DATA`) and content
    """
    index: dict[str, list[int]] = {}
    contents = bytearray()
    for name in sorted(files):
        kind, content = files[name]
        index[name] = [kind, len(contents), len(content)]
        contents += content
    header = json.dumps(index, separators=(",", ":")).encode()
    raw = len(header).to_bytes(LENGTH_BYTES, "big") + header + bytes(contents)
    return Bundle(sha256(raw).hex(), zlib.compress(raw, COMPRESSION_LEVEL))


@functools.cache
def code_bundle() -> Bundle:
    """The rooms of opsmop that travel, and the libraries that they need.

    :raises ShipError: a library that has to travel is not installed here
    """
    sources = [source for name in (OURS, *CARRIED_LIBRARIES) for source in sources_below(library_folder(name), name)]
    sources = [source for source in sources if not source.name.startswith(OURS) or travels(source.name)]
    kept = f"code-{_fingerprint(sources)}"
    found = store.read(kept)
    if found is not None:
        digest = found.decode()
        return Bundle(digest, lambda: store.read(_of_digest(digest)) or _made_again(sources, digest))
    made = bundle_of({source.name: (source.kind, source.read()) for source in sources})
    store.write(_of_digest(made.digest), made.data)
    store.write(kept, made.digest.encode())
    return made


def _of_digest(digest: str) -> str:
    return f"bundle-{digest[:32]}"


def _made_again(sources: Iterable[Source], digest: str) -> bytes:
    made = bundle_of({source.name: (source.kind, source.read()) for source in sources})
    if made.digest != digest:
        raise ShipError("OpsMop's own code was changed while it ran", remedy="Run this again.")
    return made.data


def _fingerprint(sources: Iterable[Source]) -> str:
    """What changes whenever a source does, without reading any."""
    return sha256("\n".join(map(str, sources)).encode()).hex()[:32]


def library_folder(name: str) -> Path:
    """The folder of an installed package.

    :raises ShipError: it has to be there
    """
    spec = importlib.util.find_spec(name)
    if spec is not None and spec.origin is not None:
        return Path(spec.origin).parent
    raise ShipError(
        f"The library {name} is not installed on the control machine, and targets get it from there",
        remedy=f"Install it with: python3 -m pip install {name}",
    )


def modules_below(folder: Path, name: str) -> dict[str, tuple[int, bytes]]:
    """Every Python source file below a package's folder, by module name."""
    return {source.name: (source.kind, source.read()) for source in sources_below(folder, name)}


def sources_below(folder: Path | str, name: str) -> list[Source]:
    """Every Python source file below a package's folder."""
    found: list[Source] = []
    with os.scandir(folder) as entries:
        ordered = sorted(entries, key=lambda entry: entry.name)
    for entry in ordered:
        stem, dot, ending = entry.name.rpartition(".")
        if entry.is_dir(follow_symlinks=False):
            found += sources_below(entry.path, f"{name}.{entry.name}") if entry.name != "__pycache__" else []
        elif dot and ending == "py":
            kind, own = (PACKAGE, name) if stem == "__init__" else (MODULE, f"{name}.{stem}")
            status = entry.stat()
            found.append(Source(own, kind, entry.path, (status.st_size, status.st_mtime_ns, status.st_ctime_ns)))
    return found
