"""Imports modules from a bundle in memory. This file is executed before anything else of ours exists on a host.

A bundle is four bytes (big-endian length), that much JSON {name: [kind, offset, length]}, and the contents. Kind 0 is a
module, 1 a package, 2 a data file (its name is a path). Only what is imported is compiled.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # typing's own costs an import of typing
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any, Callable

LENGTH_BYTES = 4
PACKAGE = 1
DATA = 2


def install(raw: bytes, digest: str) -> Finder:
    """Let imports find a bundle's modules before any that are installed on this machine.

    :param raw: the uncompressed bundle
    :param digest: its sha256, in hexadecimal
    """
    finder = finder_of(raw, digest, {})
    sys.meta_path.insert(0, finder)
    return finder


def finder_of(raw: bytes, digest: str, compiled: dict[str, CodeType]) -> Finder:
    """As `install`, without letting imports find anything.

    :param compiled: code by module name that was compiled earlier by this very Python. All code that is used is added
    """
    # kept out of the top: code that was kept comes with its index
    import json

    start = LENGTH_BYTES + int.from_bytes(raw[:LENGTH_BYTES], "big")
    return Finder(digest, json.loads(raw[LENGTH_BYTES:start]), lambda: raw, compiled)


class Finder:
    """Finds and loads the modules of one bundle.

    :param digest: the bundle's sha256, in hexadecimal
    :param index: its index
    :param raw: gives the uncompressed bundle, when a source of it is first wanted
    :param compiled: code by module name, or what `marshal` made of it
    """

    def __init__(
        self, digest: str, index: dict[str, list[int]], raw: Callable[[], bytes], compiled: dict[str, Any]
    ) -> None:
        self.digest = digest
        self.index = index
        self.compiled = compiled
        self.here: set[str] = set()  # what was compiled here
        self.fresh = False  # whether there is anything to keep
        self.root = "<bundle " + digest[:12] + ">/"
        self._raw = raw

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:  # noqa: ARG002 - the protocol's
        """The spec of a module of this bundle, or None."""
        entry = self.index.get(name)
        if entry is None or entry[0] == DATA:
            return None
        file = self.get_filename(name)
        spec = sys.modules["_frozen_importlib"].ModuleSpec(name, self, origin=file, is_package=entry[0] == PACKAGE)
        spec.has_location = True
        if entry[0] == PACKAGE:
            spec.submodule_search_locations = [file.rpartition("/")[0]]
        return spec

    def create_module(self, spec: Any) -> None:
        """Nothing special: an ordinary module."""

    def exec_module(self, module: Any) -> None:
        """Run a module's code."""
        exec(self.get_code(module.__name__), module.__dict__)  # noqa: S102 - this is what a loader does

    def get_code(self, name: str) -> CodeType:
        """A module's code, compiled when it is first wanted."""
        code = self.compiled.get(name)
        if isinstance(code, bytes):
            # kept out of the top: only where code was kept
            import marshal

            return marshal.loads(code)  # type: ignore[no-any-return]  # noqa: S302 - verified by whoever gave it
        if code is None:
            code = compile(self._content(name), self.get_filename(name), "exec", dont_inherit=True)
            self.compiled[name] = code
            self.fresh = True
            self.here.add(name)
        return code

    def get_source(self, name: str) -> str:
        """A module's source, so that tracebacks show its lines."""
        return self._content(name).decode()

    def get_filename(self, name: str) -> str:
        """The name that a module's code has for its file; no such file exists."""
        ending = "/__init__.py" if self.is_package(name) else ".py"
        return self.root + name.replace(".", "/") + ending

    def is_package(self, name: str) -> bool:
        """Whether a module is a package."""
        return self.index[name][0] == PACKAGE

    def get_data(self, path: str) -> bytes:
        """A data file's bytes, by its path beside its package's ``__file__``."""
        name = path.removeprefix(self.root)
        if name not in self.index:
            raise OSError(2, "The bundle has no such file", path)
        return self._content(name)

    def get_resource_reader(self, name: str) -> Reader | None:
        """What ``importlib.resources`` asks for."""
        return Reader(self, name.replace(".", "/") + "/") if self.is_package(name) else None

    def _content(self, name: str) -> bytes:
        _, offset, length = self.index[name]
        raw = self._raw()
        start = LENGTH_BYTES + int.from_bytes(raw[:LENGTH_BYTES], "big") + offset
        return bytes(raw[start : start + length])


class Reader:
    """The data files of one package of a bundle."""

    def __init__(self, finder: Finder, folder: str) -> None:
        self.finder = finder
        self.folder = folder

    def open_resource(self, resource: str) -> Any:
        """A data file, opened for reading bytes."""
        # kept out of the top: few packages have data
        import io

        try:
            return io.BytesIO(self.finder.get_data(self.folder + resource))
        except OSError as error:
            raise FileNotFoundError(*error.args) from None

    def resource_path(self, resource: str) -> str:
        """There is no path of a file that is only in memory."""
        raise FileNotFoundError(2, "The file is only in memory", resource)

    def is_resource(self, name: str) -> bool:
        """Whether the package has this data file."""
        return self.folder + name in self.finder.index

    def contents(self) -> list[str]:
        """The names of the package's data files."""
        names = [name[len(self.folder) :] for name in self.finder.index if name.startswith(self.folder)]
        return [name for name in names if "/" not in name]
