"""A role: what its hosts should look like."""

from __future__ import annotations

from opsmop.errors import PolicyError
from opsmop.language.evaluation import current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike
    from typing import Any

    from opsmop.events import Failure
    from opsmop.inventory import Host, Inventory
    from opsmop.language.collections import Handlers, Resources
    from opsmop.language.scope import Variables

# What only the control machine calls. These methods, and what only they use, never travel to a target.
CONTROLLER_SIDE = frozenset(
    (
        "inventory",
        "set_variables",
        "ssh_as",
        "sudo",
        "sudo_as",
        "become_method",
        "sudo_role",
        "sudo_type",
        "check_host_keys",
        "should_contact",
        "serial",
        "max_failures",
        "on_unreachable",
        "before_connect",
        "before_contact",
        "after_connect",
        "after_contact",
        "on_failure",
        "get_delegate_host",
        "allow_fetching",
        "allow_fileserving_paths",
        "allow_fileserving_patterns",
        "deny_fileserving_patterns",
    )
)


def tag_set(tag: Any, tags: Any) -> tuple[str, ...]:
    """The tags that ``tag=`` and ``tags=`` name together, each a string or a list of strings.

    :raises PolicyError: if one is something else
    """
    named: list[str] = []
    for given in (tag, tags):
        named += list(given) if isinstance(given, (list, tuple, set, frozenset)) else [given] if given else []
    for word in named:
        if not isinstance(word, str):
            raise PolicyError(f"a tag is a word, not {type(word).__name__} {word!r}", remedy=f"Write tag='{word}'.")
    return tuple(dict.fromkeys(named))


def own_name(owner: Any, name: Any) -> str:
    """What reports call a role or a policy: what ``name=`` says, else its class's name.

    :raises PolicyError: if it says something else than a text
    """
    if not isinstance(name, str):
        made = type(owner).__name__
        raise PolicyError(f"{made}(name=...) takes a text, not {name!r}", remedy=f"Write name='{name}'.")
    return name or type(owner).__name__


def _meant(role: Role, name: str) -> str:
    """What says that a variable was probably meant; empty if there is none of that name."""
    if name == "results":
        return "; what earlier roles returned is there in set_variables() and in hooks, on the control machine"
    if name.startswith("_"):
        return ""
    try:
        known: Any = role.vars
    except PolicyError:  # nothing is being evaluated: what it was constructed with is all that there is
        known = vars(role).get("constructor_variables", ())
    return f"; the variable is self.vars.{name}" if name in known else ""


class Role:
    """What some hosts should look like. Subclass it; `main` is evaluated on each host of `inventory`.

    :param name: what reports call it; the class's name if not given
    :param tag: a word, or a list of them, by which ``--tags`` selects it; `tags` means the same
    :param variables: any other keyword is a variable of the role
    """

    if not TYPE_CHECKING:

        def __new__(cls, *_: Any, **__: Any) -> Any:
            """A role whose own ``__init__`` does not call that of `Role` is one all the same."""
            role = super().__new__(cls)
            role.name, role.tags, role.constructor_variables = cls.__name__, (), {}
            return role

        def __getattr__(self, name: str) -> Any:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{_meant(self, name)}")

    def __init__(self, *, name: str = "", tag: Any = None, tags: Any = None, **variables: Any) -> None:
        self.name = own_name(self, name)
        self.tags = tag_set(tag, tags)
        self.constructor_variables = variables

    def __str__(self) -> str:
        return self.name

    @property
    def vars(self) -> Variables:
        """The variables as a template would see them at this point: ``self.vars.port`` is ``{{ port }}``.

        :raises PolicyError: outside the evaluation of the role
        """
        evaluation = current()
        if evaluation is None:
            raise PolicyError(
                f"{self.name}.vars is read where no role is being evaluated",
                remedy="Read it in main() or in what main() calls.",
            )
        from opsmop.language.scope import ReadVariables  # where a role is evaluated, it is there

        return ReadVariables(evaluation.variables())

    if TYPE_CHECKING:
        # What a role need not have, as type checkers and editors are to know it; each is described in `docs/push.md`.
        # What hooks return does not matter. None says as much as not defining it.

        results: Mapping[str, Any]
        """What `main()` of earlier roles returned, by host: in `set_variables` and hooks."""

        def become_method(self) -> str | None: ...

        def sudo_role(self) -> str | None: ...

        def sudo_type(self) -> str | None: ...

        def serial(self) -> int | str | Sequence[int | str] | None: ...

        def max_failures(self) -> int | str | None: ...

        def on_unreachable(self) -> str | None: ...

        def before_connect(self, host: Host) -> object: ...

        def before_contact(self, host: Host) -> object: ...

        def after_connect(self, host: Host) -> object: ...

        def after_contact(self, host: Host) -> object: ...

        def on_failure(self, host: Host, failure: Failure) -> object: ...

        def get_delegate_host(self, host: Host) -> Host | str | None: ...

        def allow_fetching(self) -> Mapping[str, Sequence[str]] | None: ...

        def allow_fileserving_paths(self) -> Sequence[str | PathLike[str]] | None: ...

        def allow_fileserving_patterns(self) -> Sequence[str] | None: ...

        def deny_fileserving_patterns(self) -> Sequence[str] | None: ...

    # What a policy may define; each is described in the language reference.

    def set_variables(self) -> dict[str, Any]:
        """Variables of this role. Called once, on the control machine, when the role starts."""
        return {}

    def inventory(self) -> Inventory | None:
        """The hosts of this role, in push mode. Called on the control machine."""
        return None

    def ssh_as(self) -> tuple[str | None, str | None] | None:
        """Login name and password, or None for what inventory and defaults say. Called on the control machine."""
        return None

    def sudo(self) -> bool:
        """Whether to become another user after the login. Called on the control machine."""
        return False

    def sudo_as(self) -> tuple[str | None, str | None] | None:
        """Whom to become, and the password that takes, or None for root without. Called on the control machine."""
        return None

    def check_host_keys(self) -> bool | str | None:
        """True, False or ``"accept"`` (accept unknown keys, refuse changed ones). Called on the control machine."""
        return None

    def should_contact(self, host: Host) -> bool:  # noqa: ARG002 - the signature is the language's
        """Whether to contact `host` at all. Called on the control machine."""
        return True

    def should_process_when(self) -> bool:
        """Whether to evaluate the role on this host. Called on the target."""
        return True

    def set_resources(self) -> Resources | None:
        """Resources to evaluate in order, before `main`. Called on the target."""
        return None

    def set_handlers(self) -> Handlers | None:
        """Resources to evaluate at the end of the role if a changed one signals them. Called on the target."""
        return None

    def main(self) -> Any:
        """The role. Called on the target; may return a value that JSON can hold."""
        return None
