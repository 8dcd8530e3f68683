"""Facts about files of the target; in check mode, as earlier resources would leave them."""

from __future__ import annotations

from opsmop.facts.fact import Fact
from opsmop.language.machine import Status


class FileFacts(Fact):
    """Questions about paths of the target. Links are followed."""

    def _status(self, path: str) -> Status | None:
        return self._machine.status(str(path), follow=True)

    def exists(self, path: str) -> bool:
        """Whether something stands at `path`."""
        return self._status(path) is not None

    def is_file(self, path: str) -> bool:
        """Whether a regular file stands at `path`."""
        status = self._status(path)
        return status is not None and status.kind == "file"

    def is_directory(self, path: str) -> bool:
        """Whether a directory stands at `path`."""
        status = self._status(path)
        return status is not None and status.kind == "directory"

    def executable(self, path: str) -> bool:
        """Whether a file that anyone may execute stands at `path`."""
        status = self._status(path)
        return status is not None and status.kind == "file" and bool(status.mode & 0o111)

    def mode(self, path: str) -> int | None:
        """The permission bits of what stands at `path`; None if nothing does."""
        status = self._status(path)
        return status.mode if status else None

    def owner(self, path: str) -> str | None:
        """The name of the owner of what stands at `path`; None if nothing does."""
        status = self._status(path)
        return status.owner if status else None

    user = owner

    def group(self, path: str) -> str | None:
        """The name of the group of what stands at `path`; None if nothing does."""
        status = self._status(path)
        return status.group if status else None

    def checksum(self, path: str) -> str | None:
        """The SHA-256 of the file at `path`, in hexadecimal; None if there is no file."""
        return self.checksum_string(self._machine.read(str(path))) if self.is_file(path) else None

    def checksum_string(self, content: str | bytes) -> str:
        """The SHA-256 of a text or of bytes, in hexadecimal, as `checksum` would give it for a file of that content."""
        import hashlib  # only for checksums

        return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()

    def _called(self) -> str:
        return "FileTests"


FileTests = FileFacts()
