"""A policy: roles, in order."""

from __future__ import annotations

from opsmop.errors import PolicyError
from opsmop.language.role import Role, own_name, tag_set

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, ClassVar


class Roles:
    """Roles in the order in which they run.

    :param roles: roles, or one list of them
    :raises PolicyError: if one is not a role
    """

    def __init__(self, *roles: Role | Sequence[Role] | Roles) -> None:
        given: list[Any] = (
            list(roles[0]) if len(roles) == 1 and isinstance(roles[0], (list, tuple, Roles)) else list(roles)
        )
        for number, role in enumerate(given, 1):
            if isinstance(role, type) and issubclass(role, Role):
                raise PolicyError(
                    f"number {number} of Roles(...) is the class {role.__name__}, not a role of it",
                    remedy=f"Write {role.__name__}().",
                )
            if not isinstance(role, Role):
                raise PolicyError(
                    f"number {number} of Roles(...) is {type(role).__name__}, not a role",
                    remedy="Give Roles(...) objects of classes that inherit from Role.",
                )
        for role in given:
            _refuse_misspelt(type(role))
        self._roles: tuple[Role, ...] = tuple(given)

    def __iter__(self) -> Iterator[Role]:
        return iter(self._roles)

    def __len__(self) -> int:
        return len(self._roles)


def _refuse_misspelt(role_class: type[Role]) -> None:
    """Refuse a role that would do nothing because the name of its `main` is misspelt.

    :raises PolicyError: if it has no `main` and no `set_resources`, and a method whose name is nearly one of these
    """
    if role_class.main is not Role.main or role_class.set_resources is not Role.set_resources:
        return
    import difflib  # only for a role that does nothing

    for name in (name for base in role_class.__mro__ for name in vars(base) if not hasattr(Role, name)):
        meant = difflib.get_close_matches(name.lower(), ("main", "set_resources"), n=1, cutoff=0.7)
        if meant:
            raise PolicyError(
                f"{role_class.__name__} has no main() and no set_resources(), and would do nothing",
                remedy=f"It has {name}(): did you mean {meant[0]}()?",
            )


class Policy:
    """Roles and the variables they share. Subclass it and define `set_roles`.

    :param name: what reports call it; the class's name if not given
    :param tag: a word, or a list of them; `tags` means the same
    :param variables: any other keyword is a variable of every role
    """

    DEFAULT_DENY_FILESERVING_PATTERNS: ClassVar[list[str]] = [
        "*.py",
        "*__pycache__*",
        "*.pyo",
        "*.pyc",
        ".git",
        ".bak",
        ".swp",
    ]

    if not TYPE_CHECKING:

        def __new__(cls, *_: Any, **__: Any) -> Any:
            """A policy whose own ``__init__`` does not call that of `Policy` is one all the same."""
            policy = super().__new__(cls)
            policy.name, policy.tags, policy.constructor_variables = cls.__name__, (), {}
            return policy

    def __init__(self, *, name: str = "", tag: Any = None, tags: Any = None, **variables: Any) -> None:
        self.name = own_name(self, name)
        self.tags = tag_set(tag, tags)
        self.constructor_variables = variables

    def set_variables(self) -> dict[str, Any]:
        """Variables of every role. Called on the control machine."""
        return {}

    def fact_context(self) -> dict[str, Any]:
        """Facts of the policy's own, by the names under which templates see them; they travel with each role.

        Called once, on the control machine, before the first role. Each is an object, mostly of a subclass of `Fact`.
        """
        return {}

    def template_globals(self) -> dict[str, Any]:
        """Values and functions for templates, by name, weaker than any variable. Called and sent as `fact_context`."""
        return {}

    def template_filters(self) -> dict[str, Any]:
        """Functions for templates as ``{{ value | name }}``. Called and sent as `fact_context`."""
        return {}

    def allow_fileserving_paths(self) -> list[str]:
        """Where files for hosts may lie unless a role says otherwise, relative to the policy's file. Called on the control
        machine.
        """
        return ["."]

    def allow_fileserving_patterns(self) -> list[str]:
        """Fnmatch patterns of files that may be served. Called on the control machine."""
        return ["*"]

    def deny_fileserving_patterns(self) -> list[str]:
        """Fnmatch patterns of what is never served, and parts of paths. Called on the control machine."""
        return list(self.DEFAULT_DENY_FILESERVING_PATTERNS)

    def set_roles(self) -> Roles:
        """The roles, in order. Called on the control machine.

        :raises PolicyError: if a subclass does not define it
        """
        raise PolicyError(
            f"{type(self).__name__} does not define set_roles()",
            remedy="Define it: def set_roles(self): return Roles(MyRole())",
        )
