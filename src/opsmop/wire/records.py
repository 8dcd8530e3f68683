"""Classes of named values: what the standard library's dataclasses gives, at a twentieth of what that costs.

The standard library's decorator writes and compiles six functions for each class (half a millisecond) and imports
`inspect` (5 ms). Our classes are all made at the start of every role on every host, where that was a quarter of the
start. These share one `__init__`, one `__eq__` and so on. Only what our classes use is here: ``frozen``, defaults and
factories. Whoever asks the standard library about one of them (`dataclasses.fields`, `dataclasses.replace`, a class of
its own that derives from ours) gets its answer: it is worked out then.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dataclasses import asdict as asdict  # noqa: PLC0414 - it is given on
    from dataclasses import dataclass as dataclass  # noqa: PLC0414
    from dataclasses import field as field  # noqa: PLC0414
    from dataclasses import fields as fields  # noqa: PLC0414
    from dataclasses import is_dataclass as is_dataclass  # noqa: PLC0414
    from dataclasses import replace as replace  # noqa: PLC0414
    from typing import Any, Callable
else:

    def dataclass(cls: Any = None, /, *, frozen: bool = False) -> Any:
        """Make of a class what `dataclasses.dataclass` would.

        :param frozen: whether its instances cannot be changed
        """
        if cls is None:
            return lambda made: _made(made, frozen=frozen)
        return _made(cls, frozen=frozen)

    def field(*, default_factory: Callable[[], Any]) -> Any:
        """A field whose default is made for each instance."""
        return _Made(default_factory)

    def fields(value: Any) -> Any:
        """The fields of a class or an instance, as `dataclasses.fields`: each with a name, a type and a default."""
        own = getattr(value, "__record__", None)
        cls = value if isinstance(value, type) else type(value)
        if own is not None and own.cls is cls:
            return own.entries
        import dataclasses  # somebody else's class

        return dataclasses.fields(value)

    def is_dataclass(value: Any) -> bool:
        """Whether it is such a class or an instance of one."""
        return hasattr(value, "__record__") or hasattr(type(value), "__dataclass_fields__")

    def asdict(value: Any) -> dict[str, Any]:
        """The names and values of an instance, and of those in it."""
        return {entry.name: _plain(getattr(value, entry.name)) for entry in fields(value)}

    def _plain(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return type(value)(map(_plain, value))
        return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value

    def replace(value: Any, /, **changes: Any) -> Any:
        """Another like `value` with some fields changed."""
        own = value.__record__
        if own.cls is not type(value):
            import dataclasses  # as above

            return dataclasses.replace(value, **changes)
        if not changes.keys() <= own.known or own.cls.__init__ is not _init:
            return own.cls(**{name: value.__dict__[name] for name in own.names if name not in changes}, **changes)
        made = object.__new__(own.cls)
        made.__dict__.update(value.__dict__, **changes)
        return made


MISSING = object()


class _Made:
    """Stands in a class's body for a default that is made."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make


class Entry:
    """One field.

    :ivar name: its name
    :ivar type: its annotation, as text
    :ivar default: its default, or `MISSING`
    :ivar make: makes its default, or None
    """

    def __init__(self, name: str, annotation: str, default: Any, make: Callable[[], Any] | None) -> None:
        self.name, self.type, self.default, self.make = name, annotation, default, make


class Record:
    """What is known of one class.

    :param cls: the class
    :param entries: its fields
    """

    def __init__(self, cls: type, entries: tuple[Entry, ...], *, frozen: bool) -> None:
        self.cls, self.entries, self.frozen = cls, entries, frozen
        self.names = tuple(entry.name for entry in entries)
        self.known = frozenset(self.names)
        self.defaults = {entry.name: entry.default for entry in entries if entry.default is not MISSING}
        self.makes = tuple((entry.name, entry.make) for entry in entries if entry.make is not None)
        self._twin: Any = None

    def twin(self) -> Any:
        """The same class as the standard library would make it."""
        if self._twin is None:
            self._twin = self._standard()
        return self._twin

    def _standard(self) -> Any:
        import dataclasses  # only for who asks it

        shape = []
        for entry in self.entries:
            settings: dict[str, Any] = {} if entry.default is MISSING else {"default": entry.default}
            if entry.make is not None:
                settings["default_factory"] = entry.make
            shape.append((entry.name, entry.type, dataclasses.field(**settings)))
        return dataclasses.make_dataclass(self.cls.__name__, shape, frozen=self.frozen)


class _OfTwin:
    """An attribute of the class that the standard library would make."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, value: Any, cls: Any = None) -> Any:
        return getattr(cls.__record__.twin(), self.name)


_FIELDS, _PARAMETERS = _OfTwin("__dataclass_fields__"), _OfTwin("__dataclass_params__")


def _made(cls: Any, *, frozen: bool) -> Any:
    found: dict[str, Entry] = {}
    for base in reversed(cls.__mro__[1:]):
        known = base.__dict__.get("__record__")
        found.update({entry.name: entry for entry in known.entries} if known is not None else {})
    for name, annotation in cls.__dict__.get("__annotations__", {}).items():  # noqa: RUF063 - also on 3.9
        if not annotation.startswith("ClassVar"):
            found[name] = _entry(cls, name, annotation)
    cls.__record__ = Record(cls, tuple(found.values()), frozen=frozen)
    cls.__dataclass_fields__, cls.__dataclass_params__ = _FIELDS, _PARAMETERS
    given: dict[str, Any] = {"__init__": _init, "__repr__": _repr, "__eq__": _eq}
    given["__match_args__"] = cls.__record__.names
    given["__hash__"] = _hash if frozen else None
    if frozen:
        given.update(__setattr__=_refuse_to_set, __delattr__=_refuse_to_delete)
    for name, method in given.items():
        # A class with an __eq__ has a __hash__ of None already, which is not its author's word.
        if name not in cls.__dict__ or (name == "__hash__" and cls.__dict__[name] is None):
            setattr(cls, name, method)
    return cls


def _entry(cls: Any, name: str, annotation: str) -> Entry:
    default = cls.__dict__.get(name, MISSING)
    if not isinstance(default, _Made):
        return Entry(name, annotation, default, None)
    delattr(cls, name)
    return Entry(name, annotation, MISSING, default.make)


def _init(self: Any, *arguments: Any, **given: Any) -> None:
    record, state = self.__record__, self.__dict__
    if arguments:
        named = dict(zip(record.names, arguments))
        if len(arguments) > len(record.names) or not named.keys().isdisjoint(given):
            raise TypeError(f"{type(self).__name__}() got too many values: {', '.join(record.names)} are its fields")
        given.update(named)
    if not given.keys() <= record.known:
        raise TypeError(f"{type(self).__name__}() has no fields {', '.join(sorted(given.keys() - record.known))}")
    state.update(record.defaults)
    state.update(given)
    if len(state) == len(record.names):
        return
    for name, make in record.makes:
        if name not in state:
            state[name] = make()
    missing = [name for name in record.names if name not in state]
    if missing:
        raise TypeError(f"{type(self).__name__}() needs {', '.join(missing)}")


def _values(value: Any) -> tuple[Any, ...]:
    state = value.__dict__
    return tuple(state[name] for name in value.__record__.names)


def _eq(self: Any, other: Any) -> Any:
    return _values(self) == _values(other) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    return hash(_values(self))


def _repr(self: Any) -> str:
    shown = zip(self.__record__.names, _values(self))
    return f"{type(self).__qualname__}({', '.join(f'{name}={value!r}' for name, value in shown)})"


def _refuse_to_set(self: Any, name: str, value: Any) -> None:  # noqa: ARG001 - the protocol's
    raise _frozen(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: Any, name: str) -> None:  # noqa: ARG001 - the protocol's
    raise _frozen(f"cannot delete field {name!r}")


def _frozen(text: str) -> Exception:
    from dataclasses import FrozenInstanceError  # only for an error

    return FrozenInstanceError(text)
