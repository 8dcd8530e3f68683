"""Bare repositories of git: what another one has, and no files. Branches and tags are those of the other one."""

from __future__ import annotations

from opsmop.errors import ProviderError
from opsmop.language.machine import Completed
from opsmop.language.provider import Change
from opsmop.resources.masks import remaining
from opsmop.resources.references import read
from opsmop.resources.remotes import address, explained
from opsmop.resources.repository import Repository, few, short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_SPACES = ("refs/heads/", "refs/tags/")
_KEPT = "refs/opsmop/"  # what was last fetched: no commit that it reaches is somebody's own
_HEAD = "HEAD ->"
_LINE = "--format=%(objectname)%09%(refname)"
# Says, for the lists of git for-each-ref and git ls-remote, what only the first one has (-), and only the second (+).
_DIFFERING = f"""
url=$1; shift
here=$(git "$@" for-each-ref '{_LINE}' {" ".join(_SPACES)}) || exit
there=$(git "$@" ls-remote --refs -- "$url" '{_SPACES[0]}*' '{_SPACES[1]}*') || exit
printf '%s\\n' "$here" = "$there" | awk '
    $0 == "=" {{ second = 1; next }}
    $0 == "" {{ next }}
    !second {{ here[$0] = 1; next }}
    $0 in here {{ delete here[$0]; next }}
    {{ print "+" $0 }}
    END {{ for (line in here) print "-" line }}
'
"""
References = dict[str, str]  # what each branch and tag is at, by name; under `_HEAD` the branch that HEAD is


class Mirror(Repository):
    """A bare repository."""

    _long = False  # whether a list of references is longer than what is kept of what git prints

    def plan(self) -> Iterator[Change]:
        """Make it, or fetch what differs."""
        git = self.resource
        there = self._there()
        if there is not None and not git.update:
            return
        wanted = self._wanted()
        if there is None:
            more = "more than " if self._long else ""
            yield Change("clone", lambda: self._make(wanted), after=more + _counted(wanted))
            return
        if self._long:
            there, wanted = self._sides(there, wanted)
        if not self._planned():
            origin = self._said("config", "--get", f"remote.{git.remote}.url")
            if origin != self._remote.url:
                yield Change("address", self._set_address, before=address(origin).url, after=self._remote.url)
        differing = sorted(name for name in {*there, *wanted} if there.get(name) != wanted.get(name))
        if differing:
            self._refuse_to_clobber()
            before, after = (few([_told(name, side.get(name, "")) for name in differing]) for side in (there, wanted))
            yield Change("update", lambda: self._make(wanted), before=before, after=after)

    # Looking

    def _there(self) -> References | None:
        """What it has; None if there is no repository yet."""
        path = self.resource.name
        if planned := self._planned():
            return read(planned)
        status = self.machine.status(path, follow=True)
        if status is None:
            return None
        if status.kind != "directory":
            raise ProviderError(f"{path} is a {status.kind}, not a directory")
        if self.machine.status(f"{path}/HEAD") is None or self.machine.status(f"{path}/objects") is None:
            if status.predicted or not self.machine.listing(path):
                return None
            raise ProviderError(
                f"{path} holds something else and is no bare repository",
                remedy="Name another directory, or remove it first.",
            )
        self._refuse_other_owner(status.owner)
        listed = explained(self._ask("for-each-ref", _LINE, *_SPACES), f"git for-each-ref in {path}")
        self._long = listed.cut
        return {**read(listed.stdout), _HEAD: self._said("symbolic-ref", "--quiet", "HEAD")}

    def _wanted(self) -> References:
        """What it is to have. Where the other one's HEAD is no branch, its own stays."""
        listed = self._offered("HEAD", *(f"{space}*" for space in _SPACES), whole=False)
        self._long = self._long or listed.cut
        offered = read(listed.stdout)
        if listed.cut:  # HEAD stands first
            offered.update(read(self._offered("HEAD").stdout))
        wanted = {name: at for name, at in offered.items() if name.startswith(_SPACES) and not name.endswith("^{}")}
        head = offered.get(_HEAD) or self._said_there("symbolic-ref", "--quiet", "HEAD")
        return {**wanted, _HEAD: head} if head else wanted

    def _sides(self, there: References, wanted: References) -> tuple[References, References]:
        """Of two lists, of which one is too long to be read, what differs: on this side, and on the other."""
        heads = ({_HEAD: side[_HEAD]} if _HEAD in side else {} for side in (there, wanted))
        if self._planned():  # what is planned is all that the other one has
            return {}, {}
        remote = self._remote
        argv = ["sh", "-c", _DIFFERING, "sh", remote.url, *remote.options()]
        completed = self.machine.ask(argv, cwd=self.resource.name, env=self._environment())
        lines = explained(completed, f"comparing {self.resource.name} with {remote.url}").stdout.splitlines()
        here, other = (read("\n".join(line[1:] for line in lines if line.startswith(sign))) for sign in "-+")
        return {**here, **next(heads)}, {**other, **next(heads)}

    def _said_there(self, *argv: str) -> str:
        return self._said(*argv) if self.machine.status(f"{self.resource.name}/HEAD") is not None else ""

    def _refuse_to_clobber(self) -> None:
        """Keep what somebody pushed here, who may have it nowhere else."""
        git = self.resource
        if git.force or self._planned():
            return
        if not self._said("for-each-ref", "--count=1", _KEPT) and self._said("for-each-ref", "--count=1", *_SPACES):
            raise ProviderError(
                f"{git.name} was made by somebody else: nothing says which of its commits are in {self._remote.url} too",
                remedy="force=True takes it over, and leaves behind what only it has.",
            )
        own = self._said("rev-list", "--count", "--branches", "--tags", "--not", f"--glob={_KEPT}*")
        if own not in ("", "0"):
            raise ProviderError(
                f"{git.name} has {own} commit(s) of its own, which {self._remote.url} never had",
                remedy="Push them there; force=True leaves them behind.",
            )

    # Doing

    def _make(self, wanted: References) -> Completed:
        git = self.resource
        if self.machine.status(git.name) is None:
            self.machine.make_directory(git.name, mode=remaining(0o755, git.umask))
        self._run("init", "--quiet", "--bare")
        self._set_address()
        self._run("config", "transfer.hideRefs", _KEPT.rstrip("/"))  # nobody who fetches from it gets those
        depth = [f"--depth={git.depth}"] if git.depth else []
        kept = [f"+{space}*:{_KEPT}{space.split('/')[1]}/*" for space in _SPACES]
        where = [f"+{space}*:{space}*" for space in _SPACES]
        self._run("fetch", "--quiet", "--force", "--prune", "--no-tags", *depth, git.remote, *where, *kept)
        if _HEAD in wanted:
            self._run("symbolic-ref", "HEAD", wanted[_HEAD])
        becomes = "".join(f"{at}\t{name}\n" for name, at in wanted.items())
        return self._run("for-each-ref", "--count=1", becomes=becomes)


def _told(name: str, at: str) -> str:
    """A branch or tag and where it is, or the branch that HEAD is, as people are told."""
    if name == _HEAD:
        return f"HEAD {at.removeprefix(_SPACES[0]) or 'none'}"
    return f"{name.split('/', 2)[2]} {short(at) or 'none'}"


def _counted(references: References) -> str:
    branches, tags = (sum(name.startswith(space) for name in references) for space in _SPACES)
    return f"{branches} branches, {tags} tags"
