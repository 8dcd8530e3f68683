"""Keys by which users may log in over ssh."""

from __future__ import annotations

from contextlib import nullcontext

from opsmop.errors import FieldError, ProviderError
from opsmop.language.fields import field
from opsmop.language.machine import Account, Status
from opsmop.language.provider import Change, Provider, succeeded
from opsmop.language.resource import Resource
from opsmop.language.secrets import without_login
from opsmop.resources.accounts import refuse_name
from opsmop.resources.answers import answer
from opsmop.resources.editing import Lines
from opsmop.resources.permissions import absolute, ownership_changes
from opsmop.resources.ssh_keys import Entry, is_whole, parsed
from opsmop.resources.sshd_config import keys_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_OTHERS_MAY_WRITE = 0o022
_SHORT = 8  # letters at the end of a key that tell it from others
_PATIENCE = 30.0  # seconds without a byte after which a server counts as gone
_DIRECTORY_MODE, _FILE_MODE, _FILE_MODE_ELSEWHERE = 0o700, 0o600, 0o644


class AuthorizedKey(Resource):
    """Public keys by which a user may log in over ssh; or may not. A key is known by itself, whatever its comment says."""

    name: str = field(kw_only=False, doc="the user's login name")
    key: str | list[str] | None = field(
        kw_only=False, default=None, doc="the public keys, each as in its .pub file: type, key and perhaps a comment"
    )
    from_file: str | None = field(default=None, doc="a file beside the policy with a key in each line")
    from_url: str | None = field(default=None, doc="an address, https://..., that the target finds such a file at")
    options: str | list[str] | None = field(
        default=None, doc="""what limits the keys, such as ["no-pty", 'from="10.0.0.0/8"']; stays if not given"""
    )
    only: bool = field(default=False, doc="no other key lets the user in; the one that you log in with must be named")
    path: str | None = field(default=None, doc="the file; the one that sshd looks at if not given")
    absent: bool = field(default=False, doc="these keys are not to let the user in")

    def check(self) -> None:
        """Refuse what is no key, and what contradicts itself."""
        refuse_name(self, self.name)
        self.exclusive("key", "from_file", "from_url")
        self.exclusive("absent", "only")
        self.exclusive("absent", "options")
        if self.path is not None:
            absolute(self, self.path)
        if self.from_url is not None and not self.from_url.startswith("https://"):
            raise FieldError(
                f"{self}: {without_login(self.from_url)!r} is not https://",
                place=self.place,
                remedy="What comes without encryption may be anybody's key.",
            )
        if not self.key and self.from_file is None and self.from_url is None:
            raise FieldError(f"{self}: no key is given", place=self.place)
        for key in [self.key] if isinstance(self.key, str) else self.key or ():
            self.entry(key)

    def entry(self, text: str) -> Entry:
        """A key as it is given.

        :raises FieldError: if it is none
        """
        found = parsed(text)
        if found is None or not is_whole(found):
            hint = "It is a private key!" if "PRIVATE KEY" in text else "Give the content of the .pub file."
            raise FieldError(f"{self}: {text[:40]!r}... is no public key of ssh", place=self.place, remedy=hint)
        given = self.options
        options = ",".join(given) if isinstance(given, (list, tuple)) else given or found.options
        return Entry(found.kind, found.body, options, found.comment)


class EditKeys(Provider, provides=AuthorizedKey, short="authorized_keys"):
    """In the file that sshd looks at. What lies in the user's home is done as that user: nobody can lead root elsewhere."""

    def plan(self) -> Iterator[Change]:
        """The directory, the file, and their owners and modes, without which sshd would look at neither."""
        account = self.machine.account(self.resource.name)
        if account is None:
            if not self.resource.absent:
                raise ProviderError(
                    f"there is no user {self.resource.name!r} on this machine", remedy="Make it before this with User."
                )
            return
        path = self.resource.path or keys_file(self.machine, account)
        at_home = path.startswith(account.home.rstrip("/") + "/")
        directory = path.rpartition("/")[0]
        if not self.resource.absent and at_home:
            yield from self._directory(directory, account)
        yield from self._keys(path, account, at_home=at_home)

    def _directory(self, path: str, account: Account) -> Iterator[Change]:
        machine = self.machine
        status = machine.status(path, follow=True)
        if status is None:
            if machine.status(path.rpartition("/")[0], follow=True) is None:
                raise ProviderError(
                    f"{account.home}, the home of {account.name}, does not exist",
                    remedy="User(..., create_home=True) before this makes it.",
                )
            yield Change("make directory", lambda: self._make_directory(path, account), after=path)
            return
        if status.kind != "directory":
            raise ProviderError(f"{path} is a {status.kind}, not a directory")
        if machine.status(path) == status:
            yield from ownership_changes(path, status, machine, account.name, None, _safe(status, _DIRECTORY_MODE))

    def _make_directory(self, path: str, account: Account) -> None:
        with self._as(account):
            self.machine.make_directory(path, mode=_DIRECTORY_MODE)
        self._label(path)

    def _keys(self, path: str, account: Account, *, at_home: bool) -> Iterator[Change]:
        machine = self.machine
        status = machine.status(path)
        if status is not None and status.kind != "file":
            raise ProviderError(f"{path} is a {status.kind}, not a file", remedy="Let it be a file of its own.")
        old = machine.read(path) if status is not None else b""
        new = self._edited(old.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        owner = account.name if at_home else None
        wanted = _FILE_MODE if at_home else _FILE_MODE_ELSEWHERE
        mode = wanted if status is None else _safe(status, wanted)

        def make() -> None:
            with self._as(account) if at_home else nullcontext():
                machine.write(path, new, mode=mode, owner=owner, group=account.group if at_home else None)
            if status is None:
                self._label(path)

        if new != old:
            gone, come = _keys_of(old, new), _keys_of(new, old)
            yield Change(self._named(old, new), make, before=gone, after=come, contents=(old, new))
        if status is not None and not self.resource.absent:
            yield from ownership_changes(path, status, machine, owner, None, mode)

    @staticmethod
    def _named(old: bytes, new: bytes) -> str:
        more = new.count(b"\n") - old.count(b"\n")
        return "allow" if more > 0 else "replace" if not more else "withdraw"

    def _as(self, account: Account) -> Any:
        """As the user, if that can be done: another evaluating user has only its own keys to write."""
        return self.machine.acting_as(account.name) if self.machine.real_user() == "root" else nullcontext()

    def _label(self, path: str) -> None:
        """SELinux lets sshd read only what is labelled as keys: restorecon(8)."""
        if self.machine.which("restorecon") is not None:
            succeeded(self.machine.run(["restorecon", path], effects=[]), f"labelling {path}")

    def _edited(self, text: str) -> str:
        wanted, lines = self._wanted(), Lines(text)
        known: set[int] = set()
        result: list[str] = []
        for line in lines.lines:
            there = parsed(line)
            number = next((number for number, entry in enumerate(wanted) if entry.same(there)), None)
            if there is None or (number is None and not self.resource.only):
                result.append(line)
            elif number is not None and number not in known and not self.resource.absent:
                known.add(number)
                result.append(self._kept(line, there, wanted[number]))
        if not self.resource.absent:
            result += [entry.line() for number, entry in enumerate(wanted) if number not in known]
        lines.lines = result
        return lines.text()

    def _kept(self, line: str, there: Entry, wanted: Entry) -> str:
        """The line as it is, unless other options are asked for."""
        if self.resource.options is None and not wanted.options:
            return line
        return (
            line
            if there.options == wanted.options
            else Entry(there.kind, there.body, wanted.options, there.comment).line()
        )

    def _wanted(self) -> list[Entry]:
        given, texts = self.resource, self._texts()
        entries: list[Entry] = []
        for text in texts:
            entry = given.entry(text)
            if not any(entry.same(other) for other in entries):
                entries.append(entry)
        if not entries:  # with `only`, nobody would get in again
            raise ProviderError(
                f"{given.from_file or without_login(given.from_url)} holds no key",
                remedy="A key stands in each line that is no comment.",
            )
        return entries

    def _texts(self) -> list[str]:
        given = self.resource
        if given.from_file is not None:
            content = self.sources.file(given.from_file).decode("utf-8", "replace")
        elif given.from_url is not None:
            content = self._fetched(given.from_url)
        else:
            return [given.key] if isinstance(given.key, str) else list(given.key)
        return [line for line in content.splitlines() if line.strip() and not line.lstrip().startswith("#")]

    def _fetched(self, url: str) -> str:
        request = {"act": "text", "url": url, "headers": {}, "ca_file": "", "proxy": "", "timeout": _PATIENCE}
        said: dict[str, Any] = self.machine.look("web", f"text {url}", lambda: answer(self.machine, "fetch", request))
        return str(said["text"])


def _keys_of(text: bytes, other: bytes) -> str:
    """The keys that `text` lets in and `other` does not, by what people know them by."""
    found, known = (
        [entry for entry in map(parsed, content.decode("utf-8", "replace").splitlines()) if entry is not None]
        for content in (text, other)
    )
    missing = [entry for entry in found if not any(entry.same(there) for there in known)]
    return ", ".join(entry.comment or f"{entry.kind} ...{entry.body[-_SHORT:]}" for entry in missing)


def _safe(status: Status, wanted: int) -> int:
    """The mode that sshd's StrictModes takes: what others may write to it does not believe."""
    return wanted if status.mode & _OTHERS_MAY_WRITE else status.mode
