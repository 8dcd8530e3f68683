"""Files from the web."""

from __future__ import annotations

from opsmop.errors import FieldError, ProviderError
from opsmop.language.fields import field
from opsmop.language.machine import Completed, Effect, Status
from opsmop.language.provider import NOT_NEEDED, Change, Provider, succeeded
from opsmop.language.resource import Resource
from opsmop.language.secrets import Secret, revealed, without_login
from opsmop.resources.answers import answer, done
from opsmop.resources.marks import Mark
from opsmop.resources.modes import mode_of
from opsmop.resources.permissions import absolute, group_name, owner_name, ownership_changes
from opsmop.resources.writing import BACKUP, VALIDATE, keep, refuse_validate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_NEW_MODE = 0o644
_DIGEST_LENGTHS = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}
# Files of these kinds are never pages: a page in their place says that something went wrong.
_NO_PAGES = (".gz", ".tgz", ".xz", ".bz2", ".zst", ".zip", ".deb", ".rpm", ".jar", ".iso", ".whl", ".exe", ".so", ".AppImage")  # fmt: skip
_NOT_MODIFIED = 304


class Download(Resource):
    """A file as it is on the web. With a checksum it is fetched when it differs; without one, when the server says that
    it has another one (ETag, Last-Modified). It is replaced as a whole, never half-written.
    """

    name: str = field(kw_only=False, doc="where the file stands on the target")
    url: str = field(doc="http:// or https://; a redirect may not leave https")
    checksum: str | None = field(
        default=None, doc='"sha256:<hex>", or the URL of a list of checksums such as SHA256SUMS'
    )
    force: bool = field(
        default=False, doc="fetch it at every run and compare: for servers that do not say when they have another"
    )
    headers: dict[str, str | Secret] | None = field(
        default=None, doc="of the request, such as Authorization; to this host alone"
    )
    owner: str | int | None = field(default=None, doc="the owner's name or number; stays if not given")
    group: str | int | None = field(default=None, doc="the group's name or number; stays if not given")
    mode: int | str | None = field(default=None, doc='permission bits, 0o644, "0644" or "u+x"; stay if not given')
    validate: str | None = field(default=None, doc=f"{VALIDATE}; not in check mode, which has no content")
    backup: bool = field(default=False, doc=BACKUP)
    proxy: str | None = field(default=None, doc="the proxy to go through, http://host:port")
    ca_file: str | None = field(default=None, doc="a file on the target with the certificates to trust for https")
    patience: float = field(default=30.0, doc="seconds without a byte after which the server counts as gone")

    def check(self) -> None:
        """Refuse what cannot be fetched, and checksums that are none."""
        absolute(self, self.name)
        self.exclusive("force", "checksum")
        _refuse_scheme(self, self.url)
        self.algorithm, self.digest = "sha256", ""
        if self.checksum is not None and "://" not in self.checksum:
            self.algorithm, self.digest = _parsed(self, self.checksum)
        elif self.checksum is not None:
            _refuse_scheme(self, self.checksum)
        self.bits = mode_of(self.mode, self)
        refuse_validate(self, self.validate)


def _refuse_scheme(resource: Resource, url: str) -> None:
    if not url.startswith(("http://", "https://")):
        raise FieldError(f"{resource}: {url!r} is neither http:// nor https://", place=resource.place)


def _parsed(resource: Resource, checksum: str) -> tuple[str, str]:
    algorithm, _, digest = checksum.rpartition(":")
    algorithm, digest = algorithm.lower() or "sha256", digest.strip().lower()
    if len(digest) != _DIGEST_LENGTHS.get(algorithm) or set(digest) - set("0123456789abcdef"):
        raise FieldError(
            f"{resource}: checksum={checksum!r} is not one",
            place=resource.place,
            remedy=f'Write "sha256:" and 64 digits; {", ".join(_DIGEST_LENGTHS)} are known.',
        )
    return algorithm, digest


class Fetch(Provider, provides=Download):
    """With the target's own Python."""

    _fetched = ""  # the sha256 of what this attempt was given, by which alone it is judged

    def plan(self) -> Iterator[Change]:
        """Fetch it if it is another, and set what differs of owner, group and mode."""
        wanted = self.resource
        status = self._status()
        owner, group = owner_name(wanted.owner, self.machine), group_name(wanted.group, self.machine)
        digest = self._expected()
        doubtful = self._outdated(status, digest)
        if doubtful is not None:
            yield Change(
                "download",
                lambda: self._fetch(status, digest, owner, group),
                before=f"{status.size} bytes" if status else "",
                after=without_login(wanted.url).partition("?")[0],
                assumed=doubtful,
            )
        if status is not None:
            bits = wanted.bits.of(status.mode) if wanted.bits else None
            yield from ownership_changes(wanted.name, status, self.machine, owner, group, bits)

    def _status(self) -> Status | None:
        path = self.resource.name
        status = self.machine.status(path)
        if status is not None and status.kind != "file":
            raise ProviderError(f"{path} is a {status.kind}, not a file", remedy="Name the file itself.")
        folder = path.rpartition("/")[0] or "/"
        if self.machine.status(folder, follow=True) is None:
            raise ProviderError(f"{folder} does not exist", remedy="Manage it with Directory first.")
        return status

    def _outdated(self, status: Status | None, digest: str) -> bool | None:
        """Whether it is doubtful that it has to be fetched; None if it has not."""
        if status is None:
            return False
        if status.predicted:
            return True
        if digest:
            return None if self._digest_of(self.resource.algorithm) == digest else False
        if self._fetched:
            return None if self._digest_of("sha256") == self._fetched else True
        known = {} if self.resource.force else self._mark().read()
        if known.get("from") != self._from() or known.get("sha256") != self._digest_of("sha256"):
            return True
        return None if self._still(known) else True

    def _still(self, known: dict[str, Any]) -> bool:
        """Whether the server has what it had when the file was fetched. One that says nothing is taken to have it."""
        conditions = {"If-None-Match": known.get("etag"), "If-Modified-Since": known.get("modified")}
        said = self._ask("look", headers={name: value for name, value in conditions.items() if value})
        if said["status"] == _NOT_MODIFIED:
            return True
        return all(not said[name] or said[name] == known.get(name) for name in ("etag", "modified", "size"))

    def _expected(self) -> str:
        """The digest that it must have; empty if nobody says."""
        wanted = self.resource
        if not wanted.checksum or "://" not in wanted.checksum:
            return str(wanted.digest)
        text = self._ask("text", url=wanted.checksum)["text"]
        name = wanted.url.partition("?")[0].rpartition("/")[2]
        for line in text.splitlines():
            words = line.split()
            if len(words) == 1 or (len(words) > 1 and words[-1].lstrip("*").removeprefix("./") == name):
                return self._of_list(words[0].lower())
        raise ProviderError(f"{wanted.checksum} lists no checksum of {name}")

    def _of_list(self, digest: str) -> str:
        for algorithm, length in _DIGEST_LENGTHS.items():
            if len(digest) == length and not set(digest) - set("0123456789abcdef"):
                self.resource.algorithm = algorithm
                return digest
        raise ProviderError(f"{self.resource.checksum} lists {digest[:80]!r}, which is no checksum")

    def _fetch(self, status: Status | None, digest: str, owner: str | None, group: str | None) -> Completed | None:
        wanted = self.resource
        mode = wanted.bits.of(status.mode if status else _NEW_MODE) if wanted.bits else None
        if self.machine.simulated:
            self._model(status, mode, owner, group)
            return None
        if not digest:
            self._refuse_page()
        request = self._request("fetch", digest=digest, algorithm=wanted.algorithm, owner=owner, group=group, mode=mode)
        said = self._done({**request, "validate": wanted.validate or ""})
        if not digest:
            kept = {name: said[name] for name in ("etag", "modified", "size", "sha256")}
            self._mark().write({"from": self._from(), **kept})
            self._fetched = said["sha256"]
        return None if said["changed"] else NOT_NEEDED

    def _done(self, request: dict[str, Any]) -> dict[str, Any]:
        """Have it put in place; what was there is kept, if that is asked for and it is replaced."""
        wanted = self.resource
        said: dict[str, Any] = {"changed": False}
        kept = keep(self.machine, wanted.name) if wanted.backup else ""
        try:
            said = done(self.machine, "fetch", request, [Effect("download", wanted.name)])
            if failed := said.get("disproved"):
                said["changed"] = False
                completed = Completed(failed["command"], failed["rc"], failed["output"], output=failed["output"])
                succeeded(completed, f"the check validate={wanted.validate!r} of the new content")
        finally:
            if kept and not said["changed"]:
                self.machine.remove(kept)
        return said

    def _model(self, status: Status | None, mode: int | None, owner: str | None, group: str | None) -> None:
        """Where the file will be is certain, what it holds is not."""
        before, self.machine.assuming = self.machine.assuming, True
        bits = mode if mode is not None else status.mode if status else _NEW_MODE
        self.machine.write(self.resource.name, b"", mode=bits, owner=owner, group=group)
        self.machine.assuming = before

    def _refuse_page(self) -> None:
        """A server that has lost a file, or wants a login, often says so with a page and a status of success."""
        if self.resource.name.endswith(_NO_PAGES) and self._ask("look")["type"] == "text/html":
            raise ProviderError(
                f"{without_login(self.resource.url)} is a page (text/html), not what {self.resource.name} is to be",
                remedy="Look at the URL in a browser; checksum= says what is expected.",
            )

    def _digest_of(self, algorithm: str) -> str:
        return str(self._ask("digest", algorithm=algorithm)["digest"])

    def _ask(self, act: str, **more: Any) -> dict[str, Any]:
        request = self._request(act, **more)
        about = f"{act} {request['url'] if act != 'digest' else request['path']}"
        said: dict[str, Any] = self.machine.look("web", about, lambda: answer(self.machine, "fetch", request))
        return said

    def _request(self, act: str, **more: Any) -> dict[str, Any]:
        wanted = self.resource
        own = {name: str(revealed(value)) for name, value in (wanted.headers or {}).items()}
        return {
            "act": act,
            "path": wanted.name,
            "url": wanted.url,
            "ca_file": wanted.ca_file or "",
            "proxy": wanted.proxy or "",
            "timeout": wanted.patience,
            **more,
            "headers": {**own, **more.get("headers", {})},
        }

    def _from(self) -> str:
        """Which URL it is, without the login that may be in it; what else of it is secret is not to be read here either."""
        import hashlib  # only where there is no checksum

        return hashlib.sha256(without_login(self.resource.url).encode()).hexdigest()

    def _mark(self) -> Mark:
        return Mark(self.machine, "downloads", self.resource.name)
