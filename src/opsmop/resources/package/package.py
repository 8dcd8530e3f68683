"""What a policy says of packages."""

from __future__ import annotations

from opsmop.errors import FieldError
from opsmop.language.fields import field
from opsmop.language.resource import Resource
from opsmop.resources.permissions import absolute


class Package(Resource):
    """A package, or several in one transaction: installed, at a version, at the newest one, or absent."""

    name: str | list[str] = field(
        kw_only=False,
        doc='a package, or a list for one transaction; for apt also a .deb file\'s path, for dnf a group, "@web-server"',
    )
    version: str | None = field(default=None, doc='the version to have, "1.22.1-9" or "1.22.*"; may go up or down')
    latest: bool = field(default=False, doc="the newest version that the package lists offer")
    absent: bool = field(default=False, doc="there is to be no such package")
    purge: bool = field(default=False, doc="with absent: its configuration goes too")
    autoremove: bool = field(default=False, doc="with absent, for apt: what came only for it goes too")
    held: bool | None = field(
        default=None, doc="for apt and dnf: True keeps everybody else from upgrading or removing it, False lets them"
    )
    release: str | None = field(default=None, doc='for apt: take it from there if it can be, "bookworm-backports"')
    repositories: list[str] | None = field(
        default=None, doc="for dnf and yum: look into these too, which are switched off otherwise"
    )
    excludes: list[str] | None = field(
        default=None, doc="for dnf and yum: patterns of packages that are left as they are"
    )
    best: bool | None = field(
        default=None,
        doc="for dnf: False takes an older one where the newest cannot be had; the system's choice if None",
    )
    update_cache: bool = field(default=False, doc="refresh the package lists first, if something may have to be done")
    cache_valid_time: int = field(default=3600, doc="seconds for which refreshed package lists are not refreshed again")
    install_recommends: bool | None = field(default=None, doc="also what it recommends; the system's choice if None")
    venv: str | None = field(default=None, doc='method="pip": the virtual environment; it is made if there is none')
    directory: str | None = field(default=None, doc='method="npm": the project that it is for; all users if not given')
    lock_timeout: int = field(default=300, doc="seconds to wait while another program holds the package manager's lock")

    def check(self) -> None:
        """Refuse what contradicts itself."""
        self.exclusive("version", "latest", "absent")
        self.exclusive("absent", "held")
        if self.version is not None and isinstance(self.name, (list, tuple)) and len(self.name) != 1:
            raise FieldError(
                f"{self}: version= is that of one package, and {len(self.name)} are named",
                place=self.place,
                remedy="Write one Package(...) per version.",
            )
        for name, method in (("venv", "pip"), ("directory", "npm")):
            if getattr(self, name) is not None and self.method != method:
                raise FieldError(f'{self}: {name}= goes with method="{method}"', place=self.place)
            if getattr(self, name) is not None:
                absolute(self, getattr(self, name))
        for name in ("purge", "autoremove"):
            if getattr(self, name) and not self.absent:
                raise FieldError(f"{self}: {name}=True goes with absent=True", place=self.place)

    def names(self) -> list[str]:
        """The packages' names, each once.

        :raises FieldError: if there is none, or one that cannot be a name
        """
        given = list(dict.fromkeys([self.name] if isinstance(self.name, str) else self.name))
        if not given:
            raise FieldError("Package is given no name", place=self.place)
        for name in given:
            if not name or name.startswith("-") or set(name) & set(" \t\n,="):
                raise FieldError(
                    f"{name!r} is not the name of a package",
                    place=self.place,
                    remedy='Several are a list, ["one", "two"]; a version is version="1.2".',
                )
        return given
