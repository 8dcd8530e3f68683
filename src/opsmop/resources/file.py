"""Files."""

from __future__ import annotations

from opsmop.errors import FieldError, ProviderError, TemplateError
from opsmop.language.fields import bind, declared, field
from opsmop.language.machine import Content, Status
from opsmop.language.provider import ACT, Change, Provider
from opsmop.language.secrets import Secret
from opsmop.resources.modes import mode_of, octal
from opsmop.resources.permissions import (
    ATTRIBUTES,
    Labelled,
    absolute,
    flags_of,
    group_name,
    label_changes,
    label_of,
    owner_name,
    ownership_changes,
    while_free,
)
from opsmop.resources.standing import followed
from opsmop.resources.writing import BACKUP, VALIDATE, keep, put, refuse_validate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Callable

    from opsmop.language.syntax import Syntax

_OF_TEMPLATES = (
    "trim_blocks", "lstrip_blocks", "variable_delimiters", "block_delimiters", "comment_delimiters", "newline", "encoding",
)  # fmt: skip
_OF_DOWNLOADS = ("name", "checksum", "owner", "group", "mode", "validate", "backup")
_NEW_MODE = 0o644  # what a file gets when nothing says its mode: umask 022
_LARGEST_SHOWN = 1024 * 1024  # bytes up to which both contents are kept for a difference


class File(Labelled):
    """A file with its content, owner, group and mode; or none. It is replaced as a whole, never half-written."""

    name: str = field(kw_only=False, doc="where it stands on the target")
    from_content: str | bytes | Secret | None = field(default=None, doc="its content, as it is")
    from_file: str | None = field(default=None, doc="a file beside the policy, copied byte for byte")
    from_template: str | None = field(default=None, doc="a template beside the policy, rendered on the target")
    trim_blocks: bool = field(default=False, doc="of a template: the line break after a block goes")
    lstrip_blocks: bool = field(
        default=False, doc="of a template: white space before a block at a line's beginning goes"
    )
    variable_delimiters: list[str] | None = field(
        default=None, doc="of a template and what it includes: two texts instead of '{{' and '}}', such as ['[[', ']]']"
    )
    block_delimiters: list[str] | None = field(default=None, doc="likewise, instead of '{%' and '%}'")
    comment_delimiters: list[str] | None = field(default=None, doc="likewise, instead of '{#' and '#}'")
    newline: str | None = field(
        default=None,
        choices=("\n", "\r\n"),
        doc="what ends the lines of a rendered template; as in the template if not given",
    )
    encoding: str | None = field(
        default=None, doc='what a rendered template is written in, such as "latin-1"; else UTF-8'
    )
    from_url: str | None = field(default=None, doc="where it is on the web; `Download` says more about how")
    checksum: str | None = field(default=None, doc='of what `from_url` gives: "sha256:<hex>", or the URL of a list')
    owner: str | int | None = field(default=None, doc="the owner's name or number; stays if not given")
    group: str | int | None = field(default=None, doc="the group's name or number; stays if not given")
    mode: int | str | None = field(default=None, doc='permission bits, 0o644, "0644" or "u=rw,go=r"; stay if not given')
    attributes: str | None = field(default=None, doc=ATTRIBUTES)
    absent: bool = field(default=False, doc="there is to be no such file")
    overwrite: bool = field(default=True, doc="False leaves the content of a file that is already there")
    touch: bool = field(default=False, doc="set its times to now, each time")
    validate: str | None = field(default=None, doc=VALIDATE)
    backup: bool = field(default=False, doc=BACKUP)
    follow: bool = field(default=False, doc="where a symbolic link stands, manage what it points at")

    def check(self) -> None:
        """Refuse what contradicts itself."""
        absolute(self, self.name)
        self.exclusive("from_content", "from_file", "from_template", "from_url", "absent")
        self.exclusive("touch", "absent")
        refuse_validate(self, self.validate)
        self.bits = mode_of(self.mode, self)
        self.check_label()
        self.flags = flags_of(self.attributes, self)
        self.syntax = self._syntax()
        if self.from_url is not None:
            self.exclusive("from_url", "touch")
            self.download = self._download(self.from_url)
        elif self.checksum is not None:
            raise FieldError(f"{self}: checksum= goes with from_url=", place=self.place)

    def _syntax(self) -> Syntax | None:
        """How the template is written; None if in Jinja's usual way."""
        fields = declared(File)
        given = {name: getattr(self, name) for name in _OF_TEMPLATES if getattr(self, name) != fields[name].default}
        if not given:
            return None
        if self.from_template is None:
            raise FieldError(f"{self}: {min(given)}= goes with from_template=", place=self.place)
        self._refuse_encoding()
        from opsmop.language.syntax import syntax_of  # only for a template that is written in a way of its own

        try:
            return syntax_of(given)
        except ValueError as error:
            raise FieldError(f"{self}: {error}", place=self.place) from error

    def _refuse_encoding(self) -> None:
        try:
            "".encode(self.encoding or "utf-8")
        except (LookupError, ValueError) as error:
            raise FieldError(
                f"{self}: no Python knows the encoding {self.encoding!r} of texts",
                place=self.place,
                remedy='Such as "latin-1", "cp1252" or "utf-16-le".',
            ) from error

    def _download(self, url: str) -> Any:
        """The same as a `Download` says it."""
        from opsmop.resources.download import Download  # only for a file of the web

        made = object.__new__(Download)
        given = {name: getattr(self, name) for name in _OF_DOWNLOADS}
        vars(made).update(bind(Download, (), {**given, "url": url}, self.place))
        made.file, made.line, made.warnings = self.file, self.line, []
        made.check()
        return made


class PutFile(Provider, provides=File):
    """Through the file system."""

    _fetch: Provider | None = None  # of a file of the web; it knows what it was given

    def plan(self) -> Iterator[Change]:
        """Create or remove it, or change what differs."""
        file = self.resource
        path, status = self._found(file.name)
        yield from while_free(self.machine, path, file, self._changes(path, status))

    def _changes(self, path: str, status: Status | None) -> Iterator[Change]:
        file = self.resource
        if file.absent:
            yield from self._removal(path, status)
            return
        if status is not None and status.kind != "file":
            raise ProviderError(f"{path} is a {status.kind}, not a file")
        if file.from_url is not None and (status is None or file.overwrite):
            yield from self._downloaded(path)
            yield from label_changes(file, self.machine, path)
            return
        owner, group = owner_name(file.owner, self.machine), group_name(file.group, self.machine)
        if status is None:
            yield self._creation(path, owner, group)
            return
        yield from self._content(path, status, owner, group)
        bits = file.bits.of(status.mode) if file.bits else None
        yield from ownership_changes(path, status, self.machine, owner, group, bits)
        yield from label_changes(file, self.machine, path)
        if file.touch:
            yield Change("touch", lambda: self.machine.touch(path), ACT)

    def _found(self, path: str) -> tuple[str, Status | None]:
        """The path to manage and what stands there: a link's target if it is to be followed."""
        if self.resource.absent:
            return path, self.machine.status(path)
        return followed(self.machine, path, follow=self.resource.follow)

    def _downloaded(self, path: str) -> Iterator[Change]:
        from opsmop.resources.download import Fetch  # only for a file of the web

        self.resource.download.name = path
        self._fetch = self._fetch or Fetch(self.resource.download, self.machine, self.sources)
        yield from self._fetch.plan()

    def _removal(self, path: str, status: Status | None) -> Iterator[Change]:
        if status is None:
            return
        if status.kind == "directory":
            raise ProviderError(f"{path} is a directory", remedy="Directory(..., absent=True) removes it.")
        yield Change("remove", lambda: self._remove(path), before=f"{status.size} bytes")

    def _remove(self, path: str) -> None:
        if self.resource.backup:
            keep(self.machine, path)
        self.machine.remove(path)

    def _creation(self, path: str, owner: str | None, group: str | None) -> Change:
        content = self._wanted(str) or b""
        mode = self.resource.bits.of(_NEW_MODE) if self.resource.bits else _NEW_MODE
        label = label_of(self.resource, self.machine, path)
        after = f"{_size(content)} bytes, {octal(mode)}" + (f", {label}" if label else "")
        return Change(
            "create",
            lambda: self._put(path, content, mode, owner, group, label),
            after=after,
            contents=(b"", content) if isinstance(content, bytes) else None,
        )

    def _content(self, path: str, status: Status, owner: str | None, group: str | None) -> Iterator[Change]:
        wanted = self._wanted(lambda: self._digest(path, status)) if self.resource.overwrite else None
        if wanted is None:
            return
        small = max(status.size, _size(wanted)) <= _LARGEST_SHOWN
        current = self.machine.read(path) if small and isinstance(wanted, bytes) else b""
        if self._same(path, status, wanted, current):
            return
        # The new content takes its name with its final owner, mode and label: no moment in which others may read it.
        mode = self.resource.bits.of(status.mode) if self.resource.bits else status.mode
        label = label_of(self.resource, self.machine, path)
        yield Change(
            "content",
            lambda: self._put(path, wanted, mode, owner, group, label),
            before=f"{status.size} bytes",
            after=f"{_size(wanted)} bytes",
            contents=(current, wanted) if small and isinstance(wanted, bytes) else None,
        )

    def _put(
        self, path: str, content: bytes | Content, mode: int, owner: str | None, group: str | None, label: str
    ) -> None:
        file = self.resource
        put(
            self.machine, path, content, mode=mode, owner=owner, group=group, label=label,
            validate=file.validate, backup=file.backup,
        )  # fmt: skip

    def _same(self, path: str, status: Status, wanted: bytes | Content, current: bytes) -> bool:
        if status.size != _size(wanted):
            return False
        if isinstance(wanted, Content):
            return self.machine.digest(path) == wanted.digest
        return (current or self.machine.read(path)) == wanted

    def _digest(self, path: str, status: Status) -> str:
        """The digest of what is there, if that is small: a large file is compared once its size is known to be right."""
        return self.machine.digest(path) if status.size <= _LARGEST_SHOWN else ""

    def _wanted(self, has: Callable[[], str]) -> bytes | Content | None:
        """The content that it should have; None if nothing says. `has` tells the digest of what is there."""
        file = self.resource
        if file.from_file is not None:
            return self.sources.content(file.from_file, has)
        if file.from_template is not None:
            made = _ended(self.sources.rendered(file.from_template, file.syntax), file.newline)
            return made if file.encoding is None else _encoded(made, file.encoding, file.from_template)
        content = file.from_content.reveal() if isinstance(file.from_content, Secret) else file.from_content
        return content.encode() if isinstance(content, str) else content


def _ended(content: bytes, newline: str | None) -> bytes:
    """`content` with the ends of its lines as asked for, those that came out of variables too."""
    return content.replace(b"\r\n", b"\n").replace(b"\n", newline.encode()) if newline is not None else content


def _encoded(content: bytes, encoding: str, template: str) -> bytes:
    """What is rendered, which is UTF-8, in another encoding.

    :raises TemplateError: for a character that it does not have; what stands around it may be secret, and is not said
    """
    try:
        text = content.decode()
        return text.encode(encoding)
    except UnicodeEncodeError as error:
        line, letter = text.count("\n", 0, error.start) + 1, ord(text[error.start])
        raise TemplateError(
            f"line {line} of what the template {template} gives has the character U+{letter:04X}, which {encoding} has not"
        ) from error
    except UnicodeDecodeError as error:
        raise TemplateError(
            f"the template {template} is not UTF-8 text (byte {error.start})",
            remedy="Use from_file for a file that is no template.",
        ) from error


def _size(content: bytes | Content) -> int:
    return len(content) if isinstance(content, bytes) else content.size
