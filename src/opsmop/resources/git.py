"""Checkouts of git."""

from __future__ import annotations

from opsmop.errors import CommandFailed, FieldError, ProviderError
from opsmop.language.fields import field
from opsmop.language.machine import Completed, Machine
from opsmop.language.provider import Change
from opsmop.language.resource import Resource
from opsmop.resources import references
from opsmop.resources.masks import refuse_mask, remaining
from opsmop.resources.permissions import absolute
from opsmop.resources.references import Wanted
from opsmop.resources.remotes import address, refuse_name
from opsmop.resources.repository import Repository, few, short
from opsmop.wire.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

_KEPT = "refs/opsmop/checked-out"  # what was last checked out here: no commit that it reaches is somebody's own
_LEFT_OUT = "opsmop.leftout"  # of the checkout's configuration: the submodules that git passed over
_ABSENT = "(none)"


class Git(Resource):
    """A checkout of a git repository at a branch, tag or commit; or a bare repository. What people have changed in it stays unless `force` is
    given. Nothing is ever asked: no passwords, no unknown host keys.
    """

    name: str = field(kw_only=False, doc="the checkout's directory on the target")
    repository: str = field(doc="its URL, or a path on the target")
    version: str | None = field(
        default=None, doc="a branch, tag or full commit; the repository's own HEAD if not given"
    )
    update: bool = field(default=True, doc="False leaves a checkout that is already there as it is")
    force: bool = field(default=False, doc="throw away what was changed or committed in the checkout")
    depth: int | None = field(default=None, doc="fetch only so many commits; all if not given")
    submodules: bool = field(default=False, doc="check out its submodules too")
    verify_commit: bool = field(
        default=False, doc="only what is signed (commit or tag) by a key that the acting user's git trusts"
    )
    ssh_key: str | None = field(default=None, doc="a private key on the target to log in with")
    accept_new_host_key: bool = field(
        default=False, doc="trust a host of ssh that is not known yet; never a changed key"
    )
    remote: str = field(default="origin", doc="what the checkout calls the repository that it comes from")
    bare: bool = field(
        default=False, doc="a repository without files: all branches and tags as they are there, and no others"
    )
    umask: str | None = field(
        default=None, doc='octal digits: the permission bits taken from what it makes, "027"; of a role "022"'
    )

    elsewhere: ClassVar[dict[str, str]] = {
        "repo": "It is called repository=.",
        "dest": "Its directory stands first: Git('/srv/site', repository=...).",
    }

    def check(self) -> None:
        """Refuse what git would take for something else."""
        absolute(self, self.name)
        for value in (self.repository, self.version):
            if value is not None and (not value or value.startswith("-")):
                raise FieldError(f"{self}: {value!r} is neither a repository nor a version", place=self.place)
        if self.depth is not None and self.depth < 1:
            raise FieldError(f"{self}: depth={self.depth} is not 1 or more", place=self.place)
        if self.bare:
            for name in ("version", "submodules", "verify_commit"):
                self.exclusive("bare", name)
        refuse_name(self, self.remote, submodules=self.submodules)
        refuse_mask(self, self.umask)


class CheckOut(Repository, provides=Git):
    """Through git(1)."""

    needs = "git"

    @classmethod
    def suits(cls, machine: Machine) -> bool:
        """Whether there is a git."""
        return machine.which("git") is not None

    def plan(self) -> Iterator[Change]:
        """Clone it, or fetch and check out what differs."""
        if self.resource.bare:
            from opsmop.resources.mirror import Mirror  # only for a bare repository

            yield from Mirror(self.resource, self.machine, self.sources).plan()
            return
        current = self._current()
        if current is not None and not self.resource.update:
            return
        wanted = references.wanted(self._offered, self._remote.url, self.resource.version)
        if current is None:
            yield Change("clone", lambda: self._make(wanted), after=short(wanted.commit))
            return
        if self._planned():
            if current != wanted.commit:
                yield Change("update", lambda: self._make(wanted), before=short(current), after=short(wanted.commit))
            return
        yield from self._differing(current, wanted)

    def _differing(self, current: str, wanted: Wanted) -> Iterator[Change]:
        git = self.resource
        if git.verify_commit and current == wanted.commit:
            self._verify(wanted)
        origin = self._said("config", "--get", f"remote.{git.remote}.url")
        if origin != self._remote.url:
            yield Change("address", self._set_address, before=address(origin).url, after=self._remote.url)
        changed = self._changed() if current != _ABSENT else []
        if current == wanted.commit and not (changed and git.force):
            parts = self._parts_to_do() if git.submodules else []
            if parts:
                yield Change("submodules", self._make_parts, after=few(parts))
            return
        self._refuse_to_clobber(changed)
        if current == wanted.commit:
            yield Change("throw away", lambda: self._make(wanted), before=f"changes in {few(changed)}")
            return
        yield Change("update", lambda: self._update(current, wanted), before=short(current), after=short(wanted.commit))

    # Looking

    def _current(self) -> str | None:
        """The commit that is checked out; None if there is no checkout yet, ``(none)`` if it has none yet."""
        path = self.resource.name
        if planned := self._planned():
            return planned
        status = self.machine.status(path, follow=True)
        if status is None:
            return None
        if status.kind != "directory":
            raise ProviderError(f"{path} is a {status.kind}, not a directory")
        if self.machine.status(f"{path}/.git") is None:
            if status.predicted or not self.machine.listing(path):
                return None
            raise ProviderError(
                f"{path} holds something else and is no checkout", remedy="Name another directory, or remove it first."
            )
        self._refuse_other_owner(status.owner)
        completed = self._ask("rev-parse", "--verify", "--quiet", "HEAD")
        return completed.stdout.strip() if completed.rc == 0 else _ABSENT

    def _unfinished(self) -> bool:
        """Whether the last run checked a commit out and failed after that."""
        kept = self._said("rev-parse", "--verify", "--quiet", _KEPT)
        return bool(kept) and kept != self._said("rev-parse", "--verify", "--quiet", "HEAD")

    def _parts_to_do(self) -> list[str]:
        """The submodules that nobody has checked out, and those whose turn did not come: git-submodule(1), status."""
        signs = "-+" if self._unfinished() else "-"
        left_out = self._said("config", "--get", _LEFT_OUT).splitlines()
        return [name for name in self._parts(signs) if name not in left_out]

    def _parts(self, signs: str) -> list[str]:
        lines = self._said("submodule", "status", "--recursive").splitlines()
        return [line[1:].split(" ", 1)[1] for line in lines if line[0] in signs]

    def _changed(self) -> list[str]:
        """The files that people have changed; those that git does not know are not touched by it."""
        parts = ["--ignore-submodules"] if self._unfinished() else []  # what is left to do there is nobody's change
        lines = self._said("status", "--porcelain", "--untracked-files=no", *parts).splitlines()
        return [line[3:] if line[2:3] == " " else line.split(" ", 1)[-1] for line in lines]

    def _refuse_to_clobber(self, changed: list[str]) -> None:
        git = self.resource
        if git.force:
            return
        if changed:
            raise ProviderError(
                f"files in {git.name} have been changed: {few(changed)}",
                remedy="Commit or undo that there; force=True throws it away.",
            )
        own = self._ask("rev-list", "--count", "HEAD", "--not", "--remotes", "--tags", "--glob=refs/opsmop/*")
        if own.rc == 0 and own.stdout.strip() not in ("", "0"):
            raise ProviderError(
                f"{git.name} has {own.stdout.strip()} commit(s) of its own, which {self._remote.url} never had",
                remedy="Push them; force=True leaves them behind.",
            )

    # Doing

    def _update(self, current: str, wanted: Wanted) -> Completed:
        """Its outcome says how many commits came, where that can be counted: what git prints first is the new one."""
        made = self._make(wanted)
        count = self._said("rev-list", "--count", f"{current}..{wanted.commit}") if not self.machine.simulated else ""
        return replace(made, output=f"{made.output}{count} commits since {short(current)}\n") if count else made

    def _make(self, wanted: Wanted) -> Completed:
        git = self.resource
        if self.machine.status(git.name) is None:
            self.machine.make_directory(git.name, mode=remaining(0o755, git.umask))
        self._run("init", "--quiet")
        self._set_address()
        self._fetch(wanted)
        if git.verify_commit and not self.machine.simulated:
            self._verify(wanted)
        forced = ["--force"] if git.force else []
        place = ["-B", wanted.branch] if wanted.branch else ["--detach"]
        self._run("checkout", "--quiet", *forced, *place, wanted.commit)
        self._make_parts()
        return self._run("rev-parse", "HEAD", becomes=wanted.commit)

    def _make_parts(self) -> None:
        """Check out its submodules, but for those that it or its git's configuration leaves out: gitmodules(5), update."""
        git = self.resource
        if git.submodules:
            forced = ["--force"] if git.force else []
            self._run("submodule", "--quiet", "update", "--init", "--recursive", *forced)
            if left_out := [] if self.machine.simulated else self._parts("-"):
                self._run("config", _LEFT_OUT, "\n".join(left_out))
        self._run("update-ref", _KEPT, "HEAD")

    def _verify(self, wanted: Wanted) -> None:
        """Refuse what nobody has signed whom the acting user's git trusts: git-verify-commit(1), git-verify-tag(1)."""
        tag = (("verify-tag", wanted.reference),) if wanted.reference.startswith("refs/tags/") else ()
        answers = [self._ask(*words) for words in (*tag, ("verify-commit", wanted.commit))]
        if all(answer.rc != 0 for answer in answers):
            raise ProviderError(
                f"{short(wanted.commit)} of {self._remote.url} has no signature that is trusted here: "
                + (answers[-1].output.strip() or "it is not signed"),
                remedy="gpg --import as the user who acts, or gpg.ssh.allowedSignersFile in its git configuration.",
            )

    def _fetch(self, wanted: Wanted) -> None:
        """Fetch what is wanted. A commit that no reference is at may have to be found among all there are."""
        remote = self.resource.remote
        depth = [f"--depth={self.resource.depth}"] if self.resource.depth else []
        where = {"refs/heads/": f"refs/remotes/{remote}/{wanted.branch}", "refs/tags/": wanted.reference}
        to = next((to for start, to in where.items() if wanted.reference.startswith(start)), "")
        what = f"+{wanted.reference}:{to}" if to else wanted.commit
        try:
            self._run("fetch", "--quiet", "--force", "--no-recurse-submodules", *depth, remote, what)
        except CommandFailed:
            if to:
                raise
            everything = ("--tags", remote, f"+refs/heads/*:refs/remotes/{remote}/*")
            self._run("fetch", "--quiet", "--force", "--no-recurse-submodules", *everything)
