"""Builds a role again, on the target, from what ``opsmop.ship`` packed on the controller.

A payload is a JSON header (sources, and which code of them travels) and a stream of pickles that share one memo. Everything
that can take part in a cycle (modules, functions, classes, closure cells) is first made empty and filled afterwards, so
that the depth of a policy's references never matters. Code is compiled here, from source, by this machine's own Python.

The stream is written by the controller, and only verbs of ``Rebuilder`` may be called by it directly.
"""

from __future__ import annotations

import builtins
import sys
import types
from io import BytesIO, StringIO

from opsmop.wire import remake
from opsmop.wire.lean import from_json, pickle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

VERB_HOME = __name__
HEADER_LENGTH_BYTES = 4


def unpack(payload: bytes) -> Any:
    """The value that the controller packed, with its modules in ``sys.modules`` and its sources in ``linecache``.

    :param payload: the bytes of ``opsmop.ship.role.Parcel.payload``
    :raises ShipError: this Python cannot parse a source, or lacks a module or a name that the value needs
    """
    end = HEADER_LENGTH_BYTES + int.from_bytes(payload[:HEADER_LENGTH_BYTES], "big")
    header = from_json(payload[HEADER_LENGTH_BYTES:end].decode())
    shelf = Shelf(header["files"])
    shelf.show_sources()
    return Rebuilder(payload[end:], shelf).whole(header["chunks"])


def problem(message: str, remedy: str = "") -> Exception:
    """A ShipError, made without importing the error tree before there is an error."""
    # kept out of the top: see the docstring
    from opsmop.errors import ShipError

    return ShipError(message, remedy=remedy)


def this_python() -> str:
    """How messages name the Python that runs here."""
    return "Python {}.{}.{}".format(*sys.version_info[:3])


class Shelf:
    """The sources that came along, each compiled once, when the first of its code objects is wanted.

    :param files: per file its name, its text and the travelling code as (name, first line, ordinal among equals)
    """

    def __init__(self, files: list[Any]) -> None:
        self.files = files
        self.compiled: dict[int, dict[tuple[str, int], list[types.CodeType]]] = {}

    def show_sources(self) -> None:
        """Let tracebacks show the lines, whether or not a file of that name exists on this machine.

        `linecache` is not imported for it, which would import tokenize, and that `re`: whoever does finds them there.
        """
        linecache = sys.modules.get("linecache")
        if linecache is None:
            sys.meta_path.insert(0, Awaited("linecache", self._show_in))
        else:
            self._show_in(linecache)

    def _show_in(self, linecache: Any) -> None:
        for name, text, _ in self.files:
            linecache.cache[name] = (len(text), None, list(StringIO(text)), name)

    def code(self, file: int, entry: int) -> types.CodeType:
        """The code object of one entry of one file."""
        name, line, ordinal = self.files[file][2][entry]
        number: int = ordinal
        if file not in self.compiled:
            self.compiled[file] = code_by_place(self._compile(file))
        try:
            return self.compiled[file][name, line][number]
        except (KeyError, IndexError):
            place = f"{self.files[file][0]}:{line}"
            raise problem(f"{place}: {this_python()} finds no '{name}' on this line") from None

    def _compile(self, file: int) -> types.CodeType:
        name, text, _ = self.files[file]
        try:
            code: types.CodeType = compile(text, name, "exec", flags=_later_annotations(), dont_inherit=True)
        except SyntaxError as error:
            raise problem(
                f"{name}:{error.lineno}: {this_python()} on this host cannot parse this line: {error.msg}",
                "Write it so that the host's Python understands it, or set opsmop_python_path to a newer Python.",
            ) from None
        return code


class Awaited:
    """Waits for a module to be imported, and adds to it then.

    :param name: the module's name
    :param add: takes the module when it is complete
    """

    def __init__(self, name: str, add: Callable[[Any], None]) -> None:
        self._name, self._add = name, add
        self._loader: Any = None

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """The spec that others find, if it is the module's."""
        if name != self._name:
            return None
        sys.meta_path.remove(self)
        found = (finder.find_spec(name, path, target) for finder in sys.meta_path)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is not None:
            self._loader, spec.loader = spec.loader, self  # type: ignore[assignment]
        return spec

    def exec_module(self, module: Any) -> None:
        """Load it, and add to it."""
        self._loader.exec_module(module)
        self._add(module)

    def __getattr__(self, name: str) -> Any:
        """Whatever else a loader does, its own does."""
        return getattr(self._loader, name)


def _later_annotations() -> int:
    """Python 3.9 cannot evaluate ``X | None``, so there annotations of functions within functions stay text (PEP 563)."""
    if sys.version_info >= (3, 10):
        return 0
    import __future__  # only where it is needed

    return __future__.annotations.compiler_flag


def code_by_place(code: types.CodeType) -> dict[tuple[str, int], list[types.CodeType]]:
    """Every code object inside of one, by name and first line, in the order of the source.

    Comprehensions, which some versions inline, and other code of later versions do not disturb the order among equals.
    """
    found: dict[tuple[str, int], list[types.CodeType]] = {}
    for inner in nested_code(code):
        found.setdefault((inner.co_name, inner.co_firstlineno), []).append(inner)
    return found


def nested_code(code: types.CodeType) -> list[types.CodeType]:
    """The code objects inside of one, outer before inner, without recursion."""
    found: list[types.CodeType] = []
    waiting = _direct(code)
    while waiting:
        current = waiting.pop(0)
        found.append(current)
        waiting = _direct(current) + waiting
    return found


def _direct(code: types.CodeType) -> list[types.CodeType]:
    return [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]


class Rebuilder(pickle.Unpickler):
    """Reads the stream; its public methods are the verbs that the stream may use."""

    def __init__(self, stream: bytes, shelf: Shelf) -> None:
        super().__init__(BytesIO(stream))
        self.shelf = shelf
        self.libraries: dict[str, types.CodeType] = {}
        self.classes: list[type] = []

    def whole(self, chunks: int) -> Any:
        """The value, after every chunk was loaded and every filling applied."""
        value: Any = None
        for _ in range(chunks):
            kind, content = self.load()
            if kind == "value":
                value = content
            if kind == "fill":
                self._fill(content)
        for made in self.classes:
            arrived: Any = getattr(made, "__remade__", None)
            if arrived is not None:
                arrived()
        return value

    def _fill(self, fillings: list[Any]) -> None:
        for verb, target, content in fillings:
            remake.FILLINGS[verb](target, content)

    def find_class(self, module: str, name: str) -> Any:
        """Only the verbs of this class and of ``remake``; everything else comes by ``named``."""
        owner, _, verb = name.rpartition(".")
        if module == VERB_HOME and owner == "Rebuilder" and not verb.startswith("_"):
            return getattr(self, verb)
        if module == remake.__name__ and not name.startswith("_"):
            return getattr(remake, name)
        raise problem(f"The stream asks for {module}.{name}, which is not one of its verbs")

    def named(self, module: str, path: str) -> Any:
        """What the module calls by this dotted name."""
        substitute = remake.SUBSTITUTES.get((module, path))
        value = self.library(module)
        try:
            for part in path.split("."):
                value = getattr(value, part)
        except AttributeError:
            if substitute is not None:
                return substitute()
            raise problem(
                f"The role uses {module}.{path}, which {this_python()} on this host does not have",
                "Use something that every target's Python has, or set opsmop_python_path to a newer Python.",
            ) from None
        return value

    def library(self, name: str) -> Any:
        """A module that this machine has, or that a bundle brought."""
        try:
            __import__(name)
        except ImportError as error:
            raise problem(
                f"The role uses the module {name}, which this host does not have ({error})",
                "Install it on the host before this role runs; compiled packages do not travel.",
            ) from error
        return sys.modules[name]

    def module(self, name: str, settings: dict[str, Any]) -> Any:
        """An empty module of the policy, in the place where imports look for it."""
        made = types.ModuleType(name)
        vars(made).update(settings, __builtins__=builtins)
        sys.modules[name] = made
        parent, _, child = name.rpartition(".")
        if parent in sys.modules:
            setattr(sys.modules[parent], child, made)
        return made

    def namespace(self, name: str) -> dict[str, Any]:
        """Globals that belong to no module."""
        return {"__name__": name, "__builtins__": builtins}

    def code(self, file: int, entry: int) -> types.CodeType:
        """Code of a source that came along."""
        return self.shelf.code(file, entry)

    def library_code(self, module: str, path: tuple[str, ...], free: tuple[str, ...]) -> types.CodeType:
        """Code inside of a module's function, such as the wrapper that a decorator of that module makes."""
        if module not in self.libraries:
            self.libraries[module] = self._library_code(module)
        found = [self.libraries[module]]
        for name in path:
            found = [inner for code in found for inner in _direct(code) if inner.co_name == name]
        for code in found:
            if set(code.co_freevars) <= set(free):
                return code
        where = ".".join((module, *path))
        raise problem(f"The role uses code of {where}, which is different in {this_python()} on this host")

    def _library_code(self, name: str) -> types.CodeType:
        loader: Any = getattr(self.library(name).__spec__, "loader", None)
        code = loader.get_code(name) if hasattr(loader, "get_code") else None
        if isinstance(code, types.CodeType):
            return code
        raise problem(f"The role uses code of the module {name}, whose code this host does not show")

    def cell(self) -> types.CellType:
        """An empty closure cell."""
        return types.CellType()

    def function(self, names: Any, code: types.CodeType, cells: dict[str, Any]) -> types.FunctionType:
        """A function without defaults; its cells are matched by name, because versions order them differently."""
        globals_ = names if isinstance(names, dict) else vars(names)
        closure = tuple(cells.get(name) or types.CellType() for name in code.co_freevars)
        return types.FunctionType(code, globals_, code.co_name, None, closure)

    def klass(self, *parts: Any) -> type:
        """An empty class: see ``remake.empty_class``."""
        return self._noted(remake.empty_class(*parts))

    def enumeration(self, *parts: Any) -> type:
        """An enumeration with its members: see ``remake.enumeration``."""
        return self._noted(remake.enumeration(*parts))

    def record(self, *parts: Any) -> type:
        """A namedtuple: see ``remake.record``."""
        return self._noted(remake.record(*parts))

    def _noted(self, made: type) -> type:
        self.classes.append(made)
        return made

    def member(self, owner: Any, name: str, value: Any) -> Any:
        """A member of an enumeration, by name where it has one."""
        members = owner.__members__
        return members[name] if name in members else owner(value)
