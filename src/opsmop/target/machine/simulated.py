"""The machine of check mode: effects change a model, looks answer from the model first and the real machine beneath.

What cannot be known beforehand is not invented: a look whose answer may be another once the planned commands have run
is answered as things are now, and counted as an assumption (`assumptions`).
"""

from __future__ import annotations

import os

from opsmop.errors import ProviderError
from opsmop.language.machine import Account, AccountGroup, Completed, Content, Effect, Status
from opsmop.target.machine import contents
from opsmop.target.machine.model import Node, key_of
from opsmop.target.machine.planted import refuse_planted
from opsmop.target.machine.pretending import Pretending
from opsmop.target.machine.real import RealMachine
from opsmop.target.machine.stepping import MOST_LINKS
from opsmop.wire.lean import command_text
from opsmop.wire.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Callable

# Where packages put things (Filesystem Hierarchy Standard 3.0, chapters 3 to 5; Debian Policy, 9.1); /srv is the site's.
_INSTALLED_UNDER = tuple(
    f"/{name}/" for name in ("bin", "boot", "etc", "lib", "lib32", "lib64", "opt", "run", "sbin", "usr", "var")
)


class SimulatedMachine(Pretending):
    """A machine on which effects are only noted down.

    :param real: the machine beneath
    """

    simulated = True

    def __init__(self, real: RealMachine) -> None:
        super().__init__(real)
        self._known: dict[tuple[str, str], Any] = {}
        self._brought: set[str] = set()
        self._inside_look = False
        self._assumed_effects: set[tuple[str, str]] = set()
        self.assumptions = 0
        self.assuming = False  # the effects that come now belong to a change that may turn out unnecessary

    # Looks

    def status(self, path: str, *, follow: bool = False) -> Status | None:
        """See `Machine.status`."""
        found = self._status(path)
        for _ in range(MOST_LINKS):
            if not follow or found is None or found.kind != "link":
                return found
            path = os.path.normpath(os.path.join(os.path.dirname(path), found.target))
            found = self._status(path)
        return None

    def _status(self, path: str) -> Status | None:
        node = self._node(path)
        return self._real.status(key_of(path, self._nodes)) if node is None else node.status

    def _node(self, path: str) -> Node | None:
        """What the model has at `path`, or None if the machine must be asked; counts what is not certain about it."""
        key = key_of(path, self._nodes)
        node = self._nodes.get(key) or self._beneath(key)
        self._doubt(installed=_is_installed(key), assumed=node is not None and node.assumed)
        return node

    def _beneath(self, key: str) -> Node | None:
        """What is at a path of which the model has only a directory above: nothing, unless that is on the machine."""
        while key != "/":
            key = os.path.dirname(key)
            above = self._nodes.get(key)
            if above is not None:
                return Node(None, assumed=above.assumed) if above.status is None or above.fresh else None
        return None

    def _doubt(self, *, installed: bool, assumed: bool = False) -> None:
        """Count an assumption if what was just looked at may be different by then.

        :param installed: whether an installation may bring or change it
        :param assumed: whether the answer itself follows from something assumed
        """
        if not self._inside_look and (self._may_come(installed=installed) or assumed):
            self.assumptions += 1

    def _may_come(self, *, installed: bool) -> bool:
        """Whether something that is planned may bring a thing; `installed` as `_doubt` has it."""
        return "anything" in self._brought or (installed and "installation" in self._brought)

    def read(self, path: str) -> bytes:
        """See `Machine.read`."""
        planned = self._planned_content(path)
        return self._real.read(key_of(path, self._nodes)) if planned is None else contents.whole(planned)

    def digest(self, path: str) -> str:
        """See `Machine.digest`."""
        planned = self._planned_content(path)
        return self._real.digest(key_of(path, self._nodes)) if planned is None else contents.digest_of(planned)

    def content(self, path: str) -> Content:
        """See `Machine.content`."""
        planned = self._planned_content(path)
        return self._real.content(key_of(path, self._nodes)) if planned is None else contents.in_pieces(planned)

    def _planned_content(self, path: str) -> contents.Given | None:
        """What the file at `path` will hold; None if the machine must be asked."""
        node = self._node(path)
        if node is None or (node.status is not None and not node.fresh):
            return None
        if node.status is None:
            raise ProviderError(f"cannot read {path}: there will be no such file")
        return node.content

    def listing(self, path: str) -> list[str]:
        """See `Machine.listing`."""
        key = os.path.dirname(key_of(f"{path}/entry", self._nodes))  # a link to a directory lists what is in that
        node = self._node(key)
        names = set(self._real.listing(key)) if node is None or not node.fresh else set()
        for other, found in self._nodes.items():
            if os.path.dirname(other) == key and other != key:
                (names.discard if found.status is None else names.add)(os.path.basename(other))
        return sorted(names)

    def account(self, name: str | int) -> Account | None:
        """See `Machine.account`."""
        found: Account | None = self._numbered("account", name, self._real.account)
        return found

    def account_group(self, name: str | int) -> AccountGroup | None:
        """See `Machine.account_group`."""
        found: AccountGroup | None = self._numbered("group", name, self._real.account_group)
        return found

    def _numbered(self, kind: str, name: str | int, real: Callable[[str | int], Any]) -> Any:
        """An account or group by name or number; what is planned may have taken a number, or given it up."""
        if not str(name).isdigit():
            return self._known_or(kind, str(name), lambda: real(name))
        for (known, _), entry in self._known.items():
            if known == kind and entry is not None and _number_of(entry) == int(name):
                return entry
        found = self._known_or(kind, str(name), lambda: real(name))
        return None if found is not None and (kind, found.name) in self._known else found

    def which(self, command: str) -> str | None:
        """See `Machine.which`."""
        found = self._real.which(command)
        self._doubt(installed=found is None)
        return found

    def look(self, kind: str, name: str, real: Callable[[], Any]) -> Any:
        """See `Machine.look`."""
        return self._known_or(kind, name, real)

    def _known_or(self, kind: str, name: str, real: Callable[[], Any]) -> Any:
        if (kind, name) in self._known:
            self._doubt(installed=False, assumed=(kind, name) in self._assumed_effects)
            return self._known[kind, name]
        inside, self._inside_look = self._inside_look, True
        try:
            found = real()
        finally:
            self._inside_look = inside
        self._doubt(installed=not found or kind == "service")
        return found

    def ask(
        self,
        argv: Sequence[str],
        *,
        input: bytes | None = None,  # noqa: A002 - subprocess's word
        cwd: str | None = None,
        env: dict[str, str] | None = None,
        timeout: float | None = None,
    ) -> Completed:
        """See `Machine.ask`. The command sees the machine as it is: after any planned effect, its answer is assumed."""
        if not self._inside_look and (self._nodes or self._known or self._brought):
            self.assumptions += 1
        return self._real.ask(argv, input=input, cwd=cwd, env=env, timeout=timeout)

    # Effects, on the model

    def write(
        self,
        path: str,
        content: bytes | Content,
        *,
        mode: int,
        owner: str | None,
        group: str | None,
        validate: str = "",
        label: str = "",
    ) -> None:
        """See `Machine.write`."""
        self._refuse_unless_possible("write", path)
        self._refuse_fixed("write", path)
        if validate:
            self._prove(validate, content)
        old = self.status(path)
        status = Status(
            "file",
            mode,
            self._owner(owner) or (old.owner if old else self.real_user()),
            self._group(group) or (old.group if old else self._own_group()),
            size=contents.size_of(content),
            predicted=True,
        )
        labelled = self._labelled(path, label)
        self._nodes[key_of(path, self._nodes)] = Node(status, content, assumed=self.assuming, label=labelled)

    def make_directory(self, path: str, *, mode: int) -> None:
        """See `Machine.make_directory`."""
        self._refuse_unless_possible("make the directory", path)
        status = Status("directory", mode, self.real_user(), self._own_group(), predicted=True)
        self._nodes[key_of(path, self._nodes)] = Node(status, assumed=self.assuming)

    def remove(self, path: str) -> None:
        """See `Machine.remove`."""
        self._refuse_unless_possible("remove", path)
        self._refuse_fixed("remove", path)
        self._nodes[key_of(path, self._nodes)] = Node(None, assumed=self.assuming)

    def remove_tree(self, path: str) -> None:
        """See `Machine.remove_tree`."""
        self.remove(path)
        key = key_of(path, self._nodes)
        self._nodes = {other: node for other, node in self._nodes.items() if not other.startswith(key + "/")}

    def set_mode(self, path: str, mode: int) -> None:
        """See `Machine.set_mode`."""
        self._refuse_fixed("set the mode of", path)
        self._amend(path, mode=mode)

    def set_owner(self, path: str, owner: str | None, group: str | None) -> None:
        """See `Machine.set_owner`."""
        self._refuse_fixed("set the owner of", path)
        named = {"owner": self._owner(owner), "group": self._group(group)}
        self._amend(path, **{key: value for key, value in named.items() if value is not None})

    def _amend(self, path: str, **values: Any) -> None:
        refuse_planted("change", path, self._nodes, self.real_user())
        node = self._node(path)
        status = self.status(path)
        if status is None:
            raise ProviderError(f"cannot change {path}: there will be nothing there")
        if not status.predicted and self.real_user() not in ("root", status.owner):
            raise ProviderError(
                f"cannot change {path}: Operation not permitted, it belongs to {status.owner}",
                remedy="The evaluating user may not do this: does the role need sudo()?",
            )
        old = node or Node(status, fresh=False)
        status = replace(status, predicted=True, **values)
        self._nodes[key_of(path, self._nodes)] = replace(old, status=status, assumed=old.assumed or self.assuming)

    def run(
        self,
        argv: Sequence[str],
        *,
        effects: Sequence[Effect],
        input: bytes | None = None,  # noqa: A002, ARG002 - Machine's signature; nothing runs here
        cwd: str | None = None,  # noqa: ARG002
        env: dict[str, str] | None = None,  # noqa: ARG002
        timeout: float | None = None,  # noqa: ARG002
        grace: float = 0.0,  # noqa: ARG002
    ) -> Completed:
        """See `Machine.run`."""
        for effect in effects:
            self._known[effect.kind, effect.name] = effect.value
            if self.assuming:
                self._assumed_effects.add((effect.kind, effect.name))
            if effect.brings:
                self._brought.add(effect.brings)
        return Completed(command_text(argv), None, known=False)

    # What the real machine would refuse is refused here, so that check does not promise what apply cannot keep

    def _refuse_unless_possible(self, doing: str, path: str) -> None:
        refuse_planted(doing, path, self._nodes, self.real_user())
        parent = self._first_missing(os.path.dirname(path))
        found = self.status(parent, follow=True)
        if found is None:
            if self._may_come(installed=_is_installed(key_of(parent, self._nodes))):
                return  # looking has counted that
            raise ProviderError(
                f"cannot {doing} {path}: the directory {parent} does not exist",
                remedy="Manage it with Directory first.",
            )
        if found.kind != "directory":
            raise ProviderError(f"cannot {doing} {path}: {parent} is not a directory")
        self._refuse_fixed(doing, parent, path)
        if not found.predicted and not _may(os.path.dirname(key_of(path, self._nodes)), os.W_OK | os.X_OK):
            raise ProviderError(
                f"cannot {doing} {path}: Permission denied",
                remedy="The evaluating user may not do this: does the role need sudo()?",
            )

    def _first_missing(self, path: str) -> str:
        """`path`, or what its way leads down to and up again, if that is not there: path_resolution(7)."""
        down = [path[:end] for end in range(len(path)) if path.startswith("/..", end) and end]
        return next((each for each in down if self.status(each, follow=True) is None), path)

    def _owner(self, owner: str | None) -> str | None:
        account = self.account(owner) if owner is not None else None
        return self._named(owner, account.name if account else None, "user")

    def _group(self, group: str | None) -> str | None:
        entry = self.account_group(group) if group is not None else None
        return self._named(group, entry.name if entry else None, "group")

    def _named(self, wanted: str | None, found: str | None, kind: str) -> str | None:
        if wanted is None or found is not None or wanted.isdigit() or self._brought:
            return found or wanted
        raise ProviderError(f"there is no {kind} {wanted!r} on this machine")

    def _knows_nothing(self) -> bool:
        return "anything" in self._brought

    def _plans_anything(self) -> bool:
        return bool(self._known or self._brought)

    def _own_group(self) -> str:
        account = self.account(self.real_user())
        return account.group if account else str(os.getegid())


def _is_installed(key: str) -> bool:
    """Whether packages put things at that path."""
    return f"{key}/".startswith(_INSTALLED_UNDER)


def _number_of(entry: Account | AccountGroup) -> int | None:
    return entry.uid if isinstance(entry, Account) else entry.gid


def _may(path: str, how: int) -> bool:
    """Whether the user who acts may use `path` so."""
    return os.access(path, how, effective_ids=os.access in os.supports_effective_ids)
