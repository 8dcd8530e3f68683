"""What a machine's owner says about it: the files of its facts directory."""

from __future__ import annotations

import posixpath  # paths alone; the machine is what looks at files

from opsmop.errors import CommandFailed, ProviderError
from opsmop.facts.documents import READERS, UnknownFact, read
from opsmop.facts.fact import SECONDS, Fact
from opsmop.facts.safety import refuse_unsafe, resolved
from opsmop.language.fields import nearest
from opsmop.language.machine import Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Callable

DIRECTORY = "/etc/opsmop/facts.d"
# What editors and package managers leave behind beside the files that count.
_LEFT_BEHIND = ("~", ".bak", ".swp", ".dpkg-new", ".dpkg-old", ".dpkg-dist", ".rpmnew", ".rpmsave")


class UserFactFiles(Fact):
    """Each file by its name without the ending: ``app.json`` is ``UserFacts.app``, or ``UserFacts["app"]``.

    A file is JSON, TOML or YAML, as its ending says, or it is executable and prints one of these. Tables in it are
    attributes, to any depth: ``UserFacts.app.database.port``. A file is read when it is first asked for.
    The run's settings say where the files are (``[facts] dir``, OPSMOP_FACTS_DIR) and how many seconds an executable
    may take (``[facts] timeout``).
    """

    _limits_itself = True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Any:
        return self._once(f"file {name}", lambda: self._found(name))

    def __contains__(self, name: object) -> bool:
        return name in self._files()

    def __iter__(self) -> Iterator[str]:
        return iter(self._files())

    def __len__(self) -> int:
        return len(self._files())

    def invalidate(self) -> None:
        """Let every file be read again when it is next asked for."""
        self._forget()

    def _called(self) -> str:
        return "UserFacts"

    def _answers(self) -> dict[str, Callable[[], Any]]:
        return {name: lambda name=name: self[name] for name in self}  # type: ignore[misc] # name is a str

    def _directory(self) -> str:
        return posixpath.normpath(str(self._evaluation().options.get("facts_dir") or DIRECTORY))

    def _files(self) -> dict[str, list[str]]:
        files: dict[str, list[str]] = self._once("files", self._listed)
        return files

    def _listed(self) -> dict[str, list[str]]:
        """The paths of the files by fact's name: one each, if all is well."""
        found: dict[str, list[str]] = {}
        directory = self._directory()
        if self._machine.status(directory, follow=True) is None:
            return found
        for name in self._machine.listing(directory):
            path = posixpath.join(directory, name)
            if not name.startswith(".") and not name.endswith(_LEFT_BEHIND):
                status = self._machine.status(path)
                if status is not None and status.kind in ("file", "link"):
                    found.setdefault(posixpath.splitext(name)[0], []).append(path)
        return found

    def _found(self, name: str) -> Any:
        doubts = self._machine.assumptions
        paths = self._files().get(name, [])
        if not paths:
            self._unknown(was_doubtful=self._machine.assumptions > doubts)
            raise UnknownFact(
                f"there is no user fact {name!r} in {self._directory()}",
                remedy=nearest(name, self._files(), "There are"),
            )
        if len(paths) > 1:
            raise ProviderError(f"{' and '.join(paths)} are both the user fact {name!r}", remedy="Rename one of them.")
        return self._read(paths[0])

    def _read(self, path: str) -> Any:
        file, ending = resolved(self._machine, path), posixpath.splitext(path)[1].lower()
        refuse_unsafe(self._machine, path if file == path else posixpath.dirname(path))
        refuse_unsafe(self._machine, file)
        status = self._machine.status(file)
        if status is None or status.kind != "file":
            raise ProviderError(f"{path} is no user fact: it leads to {file}, which is no file")
        if status.mode & 0o111:
            return read(self._printed(file, status), ending, path, "what this user fact prints")
        if ending in READERS:
            return read(self._machine.read(file), ending, path, "this user fact")
        raise ProviderError(
            f"{path} is no user fact: its ending is none of {', '.join(READERS)}, and it is not executable",
            remedy="Rename it, make it executable, or move it elsewhere.",
        )

    def _printed(self, path: str, status: Status) -> bytes:
        if status.predicted:
            self._unknown(was_doubtful=True)
            raise ProviderError(f"what {path} will print is not known before it is there")
        seconds = float(self._evaluation().options.get("facts_timeout") or SECONDS)
        try:
            completed = self._machine.ask([path], timeout=seconds, cwd="/")
        except CommandFailed as error:
            raise ProviderError(error.message, remedy=f"If it is not meant to be run: chmod a-x {path}") from error
        if completed.timed_out:
            raise ProviderError(f"the user fact {path} took more than {seconds:g} seconds and was ended")
        if completed.rc != 0:
            said = completed.stderr.strip()[-500:]
            raise ProviderError(f"the user fact {path} ended with exit status {completed.rc}: {said or 'no message'}")
        return completed.stdout.encode()

    def _unknown(self, *, was_doubtful: bool) -> None:
        """Tell check mode that the policy asked for what only apply will know."""
        if was_doubtful and self._machine.simulated:
            self._doubt()
            self._evaluation().unknown_was_read(value=True)


UserFacts = UserFactFiles()
