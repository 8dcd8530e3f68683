"""The code bundle: everything of ours, and of the libraries it needs, that a target has to have, in one message."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from opsmop.errors import ShipError
from opsmop.ship.places import CARRIED_LIBRARIES, OURS, travels

LENGTH_BYTES = 4
MODULE, PACKAGE, DATA = 0, 1, 2
# zlib and xz travel equally fast; zlib is quicker to import and to read on the target, and every Python has it.
COMPRESSION_LEVEL = 9

Files = Mapping[str, tuple[int, bytes]]


@dataclass(frozen=True)
class Bundle:
    """Code that travels as one message.

    :param digest: sha256 of the uncompressed bytes, in hexadecimal
    :param data: the bytes, compressed with zlib
    """

    digest: str
    data: bytes

    def raw(self) -> bytes:
        """The uncompressed bytes, as ``opsmop.wire.boot.install`` takes them."""
        return zlib.decompress(self.data)


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
    return Bundle(hashlib.sha256(raw).hexdigest(), zlib.compress(raw, COMPRESSION_LEVEL))


@functools.cache
def code_bundle() -> Bundle:
    """The rooms of opsmop that travel, and the libraries that they need.

    :raises ShipError: a library that has to travel is not installed here
    """
    files: dict[str, tuple[int, bytes]] = {}
    for name in (OURS, *CARRIED_LIBRARIES):
        files.update(modules_below(library_folder(name), name))
    return bundle_of({name: file for name, file in files.items() if not name.startswith(OURS) or travels(name)})


def boot_text() -> str:
    """The source of the importer, which is executed on the target before anything of ours can be imported."""
    return (library_folder(OURS) / "wire" / "boot.py").read_text(encoding="utf-8")


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
    found = {}
    for path in sorted(folder.rglob("*.py")):
        parts = [name, *path.relative_to(folder).with_suffix("").parts]
        kind = PACKAGE if parts[-1] == "__init__" else MODULE
        found[".".join(parts[:-1] if kind == PACKAGE else parts)] = (kind, path.read_bytes())
    return found
