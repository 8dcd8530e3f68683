"""The code bundle compiled by this machine's Python, for hosts that meet it for the first time and have the same one."""

from __future__ import annotations

import marshal
import re
import zlib
from importlib.util import MAGIC_NUMBER

from opsmop.ship import store
from opsmop.ship.bundle import COMPRESSION_LEVEL, PACKAGE, Bundle
from opsmop.wire.arriving import sha256
from opsmop.wire.boot import finder_of
from opsmop.wire.start import tag

# What nearly every role needs; the rest, and jinja2, would double what a first contact sends.
_USUAL = re.compile(r"opsmop(\.(core|errors|events|language|target|wire|facts|resources)(\.(?!programs)\w+)*)?")
_UNUSUAL = re.compile(
    r"opsmop\.(core\.|wire\.remake_dataclass"
    r"|resources\.(?!(file|standing|writing|directory|link|shell|permissions|modes|echo)$))"
)


def compiled_code(bundle: Bundle) -> bytes:
    """What `opsmop.wire.arriving.from_compiled` reads: the mark of this Python, a zero byte, and the code, compressed."""
    chosen = sha256((_USUAL.pattern + _UNUSUAL.pattern).encode()).hex()[:8]
    kept = f"compiled-{bundle.digest[:32]}-{chosen}.{tag(MAGIC_NUMBER)}"
    found = store.read(kept)
    if found is not None:
        return found
    finder = finder_of(bundle.raw(), bundle.digest, {})
    names = [name for name, (kind, _, _) in finder.index.items() if kind <= PACKAGE and _is_usual(name)]
    codes = {name: marshal.dumps(finder.get_code(name)) for name in names}
    part = marshal.dumps((bundle.digest, finder.index, codes))
    made = tag(MAGIC_NUMBER).encode() + b"\0" + zlib.compress(part, COMPRESSION_LEVEL)
    store.write(kept, made)
    return made


def _is_usual(name: str) -> bool:
    return bool(_USUAL.fullmatch(name)) and not _UNUSUAL.match(name)
