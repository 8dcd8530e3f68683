"""Permission bits, as people write them."""

from __future__ import annotations

from opsmop.errors import FieldError
from opsmop.language.resource import Resource
from opsmop.wire.records import dataclass

_ALL_BITS = 0o7777
_PLAIN_BITS = 0o777
_SPECIAL_BITS = 0o6000  # setuid and setgid
_EXECUTE = 0o111
_TWO_READINGS = (400, 500)  # 0o620 and 0o764, which somebody may want, and slips for 0o400 and 0o500
_UMASK = 0o022  # of every role
# The bits that each of these stands for: chmod(1), POSIX.1-2017, "chmod", extended description.
_WHO = {"u": 0o4700, "g": 0o2070, "o": 0o1007, "a": _ALL_BITS}
_PERMISSIONS = {"r": 0o444, "w": 0o222, "x": _EXECUTE, "X": 0, "s": _SPECIAL_BITS, "t": 0o1000}
_SHIFTS = {"u": 6, "g": 3, "o": 0}


@dataclass(frozen=True)
class Mode:
    """Permission bits that something is to have, or what is to change of those that it has.

    :param bits: all of them; None if `changes` says what changes
    :param changes: who, ``+``, ``-`` or ``=``, and which, in order: ``("u", "+", "rwX")``
    """

    bits: int | None = None
    changes: tuple[tuple[str, str, str], ...] = ()

    def of(self, current: int, *, directory: bool = False) -> int:
        """The bits of what has `current` now."""
        if self.bits is not None:
            return self.bits
        bits = current
        for who, operator, permissions in self.changes:
            bits = _changed(bits, who, operator, _meant(permissions, bits, current, directory=directory), directory)
        return bits

    def beneath(self, current: int, *, directory: bool) -> int:
        """The bits of what lies beneath a directory: numbers make a file executable only if it was."""
        if self.bits is None or directory or current & _EXECUTE:
            return self.of(current, directory=directory)
        return self.bits & ~_EXECUTE


def _meant(permissions: str, bits: int, current: int, *, directory: bool) -> int:
    """Which bits the letters name, for everyone; ``X`` is about what stood before anything changed."""
    if permissions in _SHIFTS:
        return ((bits >> _SHIFTS[permissions]) & 0o7) * _EXECUTE
    meant = _EXECUTE if "X" in permissions and (directory or current & _EXECUTE) else 0
    for letter in permissions:
        meant |= _PERMISSIONS[letter]
    return meant


def _changed(bits: int, who: str, operator: str, meant: int, directory: bool) -> int:
    reach = 0
    for letter in who:
        reach |= _WHO[letter]
    if not who:
        reach = _ALL_BITS & ~_UMASK
    meant &= reach
    if operator == "-":
        return bits & ~meant
    if operator == "=":  # a directory keeps setuid and setgid unless they are named, as chmod(1) of GNU has it
        bits &= ~(reach & ~_SPECIAL_BITS if directory else reach)
    return bits | meant


def mode_of(mode: int | str | None, resource: Resource, name: str = "mode") -> Mode | None:
    """What ``mode=`` says: an int such as ``0o644``, octal digits such as ``"0644"``, or symbols such as ``"u+rwX,go-w"``.

    ``0x755`` for ``0o755`` is a well-known slip and gets a warning; 644 for ``0o644`` is refused, as is 440, whose bits
    (``0o670``) nobody wants.

    :param name: the parameter's
    :raises FieldError: if it says nothing
    """
    if mode is None:
        return None
    if isinstance(mode, str):
        digits = mode.removeprefix("0o")
        if not digits or len(digits) > 5 or set(digits) - set("01234567"):  # noqa: PLR2004 - 07777
            return Mode(changes=_symbols(mode, resource, name))
        mode = int(digits, 8)
    elif len(f"{mode:x}") == 3 and mode > _PLAIN_BITS and not set(f"{mode:x}") - set("01234567"):  # noqa: PLR2004
        resource.warnings.append(f"{name}=0x{mode:x} is hexadecimal and means 0o{mode:o}; 0o{mode:x} is probably meant")
    elif _is_decimal(mode):
        raise FieldError(
            f"{resource}: {name}={mode} is a decimal number, 0o{mode:o}",
            place=resource.place,
            remedy=f"Write 0o{mode}.",
        )
    elif mode in _TWO_READINGS:
        resource.warnings.append(
            f'{name}=0o{mode:o} is {mode} in decimal; "{octal(mode)}" or "0{mode}" as a text says which is meant'
        )
    if not 0 <= mode <= _ALL_BITS:
        raise FieldError(f"{resource}: {name}={mode} is not between 0o0 and 0o7777", place=resource.place)
    return Mode(mode)


def _is_decimal(mode: int) -> bool:
    """Whether a number is a slip for sure: its decimal digits are a usual mode, and its bits are none."""
    digits = str(mode)
    if len(digits) not in (3, 4) or set(digits) - set("01234567"):
        return False
    return _PLAIN_BITS < mode < 1000 or (_is_usual(int(digits, 8)) and not _is_usual(mode))  # noqa: PLR2004 - digits


def _is_usual(mode: int) -> bool:
    """Whether the owner may read, and everybody may do at most what those before may."""
    owner, group, others = mode >> 6 & 0o7, mode >> 3 & 0o7, mode & 0o7
    return mode <= _ALL_BITS and bool(owner & 0o4) and not group & ~owner and not others & ~group


def _symbols(text: str, resource: Resource, name: str) -> tuple[tuple[str, str, str], ...]:
    import re  # only where a mode is written in letters

    found = []
    for clause in text.split(","):
        who = re.match("[ugoa]*", clause)
        start = who.end() if who else 0
        parts = re.findall(r"([-+=])([ugo]|[rwxXst]*)", clause[start:])
        if not parts or "".join(operator + which for operator, which in parts) != clause[start:]:
            raise FieldError(
                f"{resource}: {name}={text!r} is not octal digits, nor symbols",
                place=resource.place,
                remedy='Write "0644", or "u=rw,go=r".',
            )
        found += [(clause[:start], operator, which) for operator, which in parts]
    return tuple(found)


def octal(mode: int) -> str:
    """A mode as people read it: ``0644``."""
    return f"{mode:04o}"
