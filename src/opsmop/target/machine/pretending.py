"""What check notes down of links, and of acting as another user."""

from __future__ import annotations

import os
from contextlib import contextmanager

from opsmop.errors import CommandFailed, ProviderError
from opsmop.language.machine import Status
from opsmop.target.machine import contents
from opsmop.target.machine.acting import no_such_user
from opsmop.target.machine.model import Node, key_of
from opsmop.target.machine.real import RealMachine
from opsmop.target.machine.unaffected import Unaffected
from opsmop.wire.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


class Pretending(Unaffected):
    """Part of the simulated machine.

    :param real: the machine beneath
    """

    assumptions: int
    assuming: bool

    def __init__(self, real: RealMachine) -> None:
        super().__init__(real)
        self._nodes: dict[str, Node] = {}
        self._planned_user = ""  # acted as, and only planned so far

    # Acting

    @contextmanager
    def acting_as(self, name: str | None) -> Iterator[None]:
        """See `Machine.acting_as`. A user who is only planned cannot be acted as: what is looked at then is assumed."""
        if name is None or self._real.account(name) is not None:
            if name is not None and self.account(name) is None:
                raise no_such_user(name)
            with self._real.acting_as(name):
                yield
            return
        if self.account(name) is None and not self._knows_nothing():
            raise no_such_user(name)
        self.assumptions += 1
        before, self._planned_user = self._planned_user, name
        try:
            yield
        finally:
            self._planned_user = before

    def limited(self, deadline: float | None) -> Any:
        """See `Machine.limited`."""
        return self._real.limited(deadline)

    def wait(self, seconds: float) -> None:
        """See `Machine.wait`."""
        self._real.wait(seconds)

    def real_user(self) -> str:
        """See `Machine.real_user`."""
        return self._planned_user or self._real.real_user()

    # Looks that a planned effect may change without being modelled

    def connects(self, host: str, port: int) -> bool:
        """See `Machine.connects`."""
        self._guess()
        return self._real.connects(host, port)

    def locked(self, path: str) -> bool:
        """See `Machine.locked`."""
        self._guess()
        return self._real.locked(path)

    def writable(self, path: str) -> bool:
        """See `Machine.writable`."""
        key = key_of(path, self._nodes)
        return self._nodes[key].status is not None if key in self._nodes else self._real.writable(key)

    def _guess(self) -> None:
        if self._nodes or self._plans_anything():
            self.assumptions += 1

    # Links

    def same_file(self, path: str, other: str) -> bool:
        """See `Machine.same_file`."""
        keys = [key_of(each, self._nodes) for each in (path, other)]
        nodes = [self._nodes.get(key) for key in keys]
        if nodes == [None, None]:
            return self._real.same_file(path, other)
        first, second = (node.twin or key if node else key for node, key in zip(nodes, keys))
        return first == second

    def make_link(self, path: str, target: str) -> None:
        """See `Machine.make_link`."""
        self._refuse_unless_possible("make the link", path)
        status = Status("link", 0o777, self.real_user(), self._own_group(), len(target), target, predicted=True)
        self._nodes[key_of(path, self._nodes)] = Node(status, assumed=self.assuming)

    def make_hard_link(self, path: str, other: str) -> None:
        """See `Machine.make_hard_link`."""
        self._refuse_unless_possible("make the link", path)
        status = self.status(other)
        if status is None:
            raise ProviderError(f"cannot make the link {path}: there will be no {other}")
        key = key_of(other, self._nodes)
        node = self._nodes.get(key) or Node(status, fresh=False)
        node = replace(node, twin=node.twin or key)
        content = node.content if node.fresh else self._real.read(other)
        self._nodes[key] = node
        self._nodes[key_of(path, self._nodes)] = replace(
            node, status=replace(status, predicted=True), content=content, fresh=True, assumed=self.assuming
        )

    def remove_directory(self, path: str) -> None:
        """See `Machine.remove_directory`."""
        self.remove(path)

    def touch(self, path: str) -> None:
        """See `Machine.touch`: times are not modelled."""
        if self.status(path) is None:
            raise ProviderError(f"cannot touch {path}: there will be nothing there")

    # What hangs on files

    def label(self, path: str) -> str | None:
        """See `Machine.label`. Which one a new file gets by itself is for SELinux's policy to say."""
        if self._real.label("/") is None:
            return None
        node, key = self._node(path), key_of(path, self._nodes)
        if node is not None and (node.status is None or node.label is not None):
            return node.label or ""
        if node is not None and node.fresh and self._real.status(key) is None:
            self.assumptions += 1
            return ""
        return self._real.label(key)

    def takes_label(self, label: str) -> bool:
        """See `Machine.takes_label`. What is planned may bring a policy that knows it."""
        if self._real.takes_label(label):
            return True
        self.assumptions += self._plans_anything()
        return self._plans_anything()

    def set_label(self, path: str, label: str) -> None:
        """See `Machine.set_label`."""
        labelled = self._labelled(path, label)
        self._amend(path)
        key = key_of(path, self._nodes)
        self._nodes[key] = replace(self._nodes[key], label=labelled)

    def _labelled(self, path: str, label: str) -> str | None:
        """The label that what stands at `path` will have, if it gets those parts of one; None if nobody says."""
        if label:
            from opsmop.language.labels import filled  # only where a label is named

            return filled(label, self.label(path) or "")
        node = self._nodes.get(key_of(path, self._nodes))
        return node.label if node is not None else None

    def attributes(self, path: str) -> str:
        """See `Machine.attributes`."""
        node, key = self._node(path), key_of(path, self._nodes)
        if node is not None and (node.attributes is not None or node.fresh):
            return node.attributes or ""
        return self._real.attributes(key)

    def set_attributes(self, path: str, letters: str) -> None:
        """See `Machine.set_attributes`. Those that nothing can be done against are root's: capabilities(7)."""
        changing = set(letters) ^ set(self.attributes(path))
        if changing & {"a", "i"} and self.real_user() != "root":
            raise ProviderError(
                f"cannot set the attributes of {path}: Operation not permitted, a and i are root's to set",
                remedy="Does the role need sudo()?",
            )
        self._amend(path)
        key = key_of(path, self._nodes)
        self._nodes[key] = replace(self._nodes[key], attributes=letters)

    def _refuse_fixed(self, doing: str, path: str, told: str = "") -> None:
        """Refuse to change what is immutable or only grows, as the kernel does: chattr(1).

        :param told: the path for the error's text, if it is another
        """
        status = self.status(path)
        if status is None or status.kind not in ("file", "directory"):
            return
        try:
            letters = self.attributes(path)
        except ProviderError:  # its file system has none, or this user may not look
            return
        if "i" in letters or ("a" in letters and not told):
            raise ProviderError(
                f"cannot {doing} {told or path}: Operation not permitted, {path} is immutable or only grows (lsattr)",
                remedy='attributes="+i" lets it be changed, and be so again; "-i" ends it.',
            )

    # Proving a content that nothing holds yet

    def _prove(self, validate: str, content: contents.Given) -> None:
        """Let the real command look at the content in memory (memfd_create(2)), where the machine can do that.

        :raises CommandFailed: if it refuses; after planned changes that is an assumption
        """
        if not hasattr(os, "memfd_create") or os.geteuid() != os.getuid():
            return
        descriptor = os.memfd_create("content", 0)
        try:
            contents.fill(descriptor, content)
            self._real.prove(validate, f"/proc/{os.getpid()}/fd/{descriptor}")
        except CommandFailed:
            others = any(not node.twin for node in self._nodes.values())  # a further name of a file changes nothing
            if self._knows_nothing() or self._plans_anything() or others:
                self.assumptions += 1
            raise
        finally:
            os.close(descriptor)

    # What the simulated machine says

    def status(self, path: str, *, follow: bool = False) -> Status | None:
        """See `Machine.status`."""
        raise NotImplementedError

    def account(self, name: str | int) -> Any:
        """See `Machine.account`."""
        raise NotImplementedError

    def _node(self, path: str) -> Node | None:
        raise NotImplementedError

    def _amend(self, path: str, **values: Any) -> None:
        raise NotImplementedError

    def remove(self, path: str) -> None:
        """See `Machine.remove`."""
        raise NotImplementedError

    def _refuse_unless_possible(self, doing: str, path: str) -> None:
        raise NotImplementedError

    def _own_group(self) -> str:
        raise NotImplementedError

    def _knows_nothing(self) -> bool:
        """Whether a command that did not run may have done whatever it likes, accounts included."""
        raise NotImplementedError

    def _plans_anything(self) -> bool:
        """Whether any command's effect is planned."""
        raise NotImplementedError
