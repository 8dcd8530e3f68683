"""The decision that every way of keeping users shares."""

from __future__ import annotations

from opsmop.errors import OpsMopError, ProviderError
from opsmop.language.machine import Account
from opsmop.language.provider import Change, Provider
from opsmop.language.secrets import revealed
from opsmop.resources.accounts import existing_group, root_only
from opsmop.resources.modes import octal
from opsmop.resources.user.key import OwnKey
from opsmop.resources.user.processes import endings
from opsmop.wire.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_NO_PASSWORD = "!"  # noqa: S105 - shadow(5): nobody can log in with a password


class UserProvider(Provider):
    """The decision that every way of keeping users shares; a subclass says only how."""

    def plan(self) -> Iterator[Change]:
        """Create or remove it, or change what differs."""
        user = self.resource
        found = self.machine.account(user.name)
        if user.absent:
            changes = self._removal(found)
        else:
            changes = self._creation() if found is None else self._differences(found)
        for change in changes:
            root_only(self.machine, f"change the user {user.name}")
            yield change

    # A new one

    def _creation(self) -> Iterator[Change]:
        user, machine = self.resource, self.machine
        self._refuse_taken()
        own_group = user.group is None and machine.account_group(user.name) is None
        group = user.name if user.group is None else existing_group(machine, user.group)
        further = tuple(sorted(existing_group(machine, name) for name in user.groups or ()))
        account = Account(
            name=user.name,
            uid=user.uid,
            group=group,
            home=user.home or self.default_home(),
            shell=user.shell or self.default_shell(),
            comment=user.comment or "",
            groups=further,
        )
        after = "" if user.uid is None else f"uid {user.uid}"
        yield Change("create", lambda: self.create(account, own_group=own_group), after=after)
        with_home = bool(user.create_home or (user.create_home is None and not user.system))
        if with_home:
            yield from self._home(account)
        yield from self._password(_NO_PASSWORD)
        if user.expires is not None:
            yield from self._expiry(self.default_expiry())
        if user.generate_ssh_key:
            key = OwnKey(machine, user.name, user.generate_ssh_key, account.home)
            yield from key.changes(account.home, comes=with_home)

    def _refuse_taken(self) -> None:
        user = self.resource
        other = self.machine.account(user.uid) if user.uid is not None else None
        if other is not None and other.name != user.name:
            raise ProviderError(
                f"{user} cannot have the number {user.uid}: the user {other.name} has it",
                remedy=f"Choose another uid, or give {other.name} another before this.",
            )

    # One that is there

    def _differences(self, found: Account) -> Iterator[Change]:
        user = self.resource
        if user.uid is not None and user.uid != found.uid:
            self._refuse_taken()
            yield self._amendment("uid", user.uid, found.uid)
        group = None if user.group is None else existing_group(self.machine, user.group)
        for name, wanted in (("group", group), ("comment", user.comment), ("shell", user.shell)):
            current = getattr(found, name)
            if wanted is not None and wanted != current:
                yield self._amendment(name, wanted, current)
        yield from self._groups(found)
        yield from self._home_of(found)
        if user.password_hash is not None or user.locked is not None:
            yield from self._password(self.machine.look("password", user.name, self.stored_password))
        if user.expires is not None:
            yield from self._expiry(self.machine.look("expiry", user.name, self.stored_expiry))
        if user.generate_ssh_key:
            home = user.home or found.home
            key = OwnKey(self.machine, user.name, user.generate_ssh_key, home)
            yield from key.changes(
                found.home if user.move_home else home, comes=bool(user.create_home or user.move_home)
            )

    def _expiry(self, current: str) -> Iterator[Change]:
        wanted = self.resource.expires
        if wanted != current:
            yield Change("expires", lambda: self.set_expiry(wanted), before=current, after=wanted)

    def _amendment(self, name: str, wanted: Any, current: Any) -> Change:
        return Change(name, lambda: self.amend(name, wanted), before=str(current), after=str(wanted))

    def _groups(self, found: Account) -> Iterator[Change]:
        if self.resource.groups is None:
            return
        wanted = {existing_group(self.machine, name) for name in self.resource.groups}
        if self.resource.append:
            wanted |= set(found.groups)
        if wanted == set(found.groups):
            return
        yield Change(
            "groups",
            lambda: self.amend("groups", tuple(sorted(wanted))),
            before=", ".join(sorted(found.groups)),
            after=", ".join(sorted(wanted)),
        )

    def _home_of(self, found: Account) -> Iterator[Change]:
        user = self.resource
        if user.home is not None and user.home.rstrip("/") != found.home.rstrip("/"):
            taken = self.machine.status(user.home) is not None
            move = user.move_home and self.machine.status(found.home) is not None
            if move and taken:
                raise ProviderError(
                    f"{user}: {found.home} cannot move to {user.home}, where something stands already",
                    remedy="Leave out move_home=True to use what stands there.",
                )
            yield Change("home", lambda: self.rehome(user.home, move=move), before=found.home, after=user.home)
            found = replace(found, home=user.home)
            if move:
                return
        if user.create_home:
            yield from self._home(found)

    def _home(self, account: Account) -> Iterator[Change]:
        if self.machine.status(account.home, follow=True) is None:
            mode, source = self.home_mode(), self._source()
            after = f"{account.home}, {octal(mode)}"
            yield Change("make home", lambda: self._make_home(account, mode, source), after=after)

    def _source(self) -> str:
        """Where a new home's content comes from; one that was asked for has to be there."""
        wanted = self.resource.skeleton
        if wanted is None:
            return self.skeleton()
        status = self.machine.status(wanted.rstrip("/") or "/", follow=True)
        if status is None or status.kind != "directory":
            why = "does not exist" if status is None else f"is a {status.kind}"
            raise ProviderError(
                f"{self.resource}: skeleton={wanted!r} {why}", remedy="Make it before this with Directory."
            )
        return str(wanted.rstrip("/"))

    def _make_home(self, account: Account, mode: int, source: str) -> None:
        parts = account.home.rstrip("/").split("/")
        for depth in range(2, len(parts)):
            parent = "/".join(parts[:depth])
            if self.machine.status(parent, follow=True) is None:
                self.machine.make_directory(parent, mode=0o755)
        self._copy_skeleton(source, account.home.rstrip("/"), mode, account)
        self.label(account.home)

    def _copy_skeleton(self, source: str, place: str, mode: int, account: Account) -> None:
        """Fill a directory and then give it away: nobody can put links where root still writes."""
        machine = self.machine
        machine.make_directory(place, mode=mode)
        names = machine.listing(source) if machine.status(source, follow=True) is not None else []
        for name in names:
            entry, target = f"{source}/{name}", f"{place}/{name}"
            status = machine.status(entry, follow=True)
            if status is not None and status.kind == "directory":
                self._copy_skeleton(entry, target, status.mode, account)
            elif status is not None and status.kind == "file":
                content = machine.read(entry)
                machine.write(target, content, mode=status.mode, owner=account.name, group=account.group)
        machine.set_owner(place, account.name, account.group)

    # Password and lock: shadow(5) keeps both in one text, a "!" before the hash being the lock

    def _password(self, stored: str) -> Iterator[Change]:
        user = self.resource
        was_locked, kept = stored.startswith("!"), stored.lstrip("!")
        locked = user.locked if user.locked is not None else was_locked and kept not in ("", "*")
        stays = user.password_hash is None or (user.keep_password and kept not in ("", "*"))
        wanted = kept if stays else revealed(user.password_hash).lstrip("!")
        if wanted != kept:
            new = ("!" if locked or not wanted else "") + wanted
            yield Change("password", lambda: self.set_password(new))
        elif user.locked is not None and user.locked != was_locked:
            if not user.locked and not wanted:
                raise ProviderError(f"{user} has no password that could be unlocked", remedy="Give password_hash=.")
            new = ("!" if user.locked else "") + wanted
            yield Change("lock" if user.locked else "unlock", lambda: self.set_lock(new, locked=bool(user.locked)))

    # One that is to go

    def _removal(self, found: Account | None) -> Iterator[Change]:
        if found is None:
            return
        if found.uid == 0:
            raise ProviderError(f"the user {found.name} is the superuser and is not removed")
        home = list(self._home_removal(found)) if self.resource.remove else []
        if self.resource.force:
            yield from endings(self.machine, found.name)
        yield Change("remove", lambda: self.remove(found), before="" if found.uid is None else f"uid {found.uid}")
        yield from home  # last: userdel(8) refuses who is logged in, and such a user keeps the home

    def _home_removal(self, found: Account) -> Iterator[Change]:
        machine, home = self.machine, found.home
        status = machine.status(home)
        if status is None:
            return
        mounted = machine.mount_points(home)
        if status.kind != "directory" or status.owner != found.name or mounted:
            why = f"has a mount point, {mounted[0]}," if mounted else f"is a {status.kind}"
            why = why if status.owner == found.name else f"belongs to {status.owner}"
            raise ProviderError(
                f"{home}, the home of {found.name}, {why} and is not removed",
                remedy="Leave out remove=True, and remove with Directory or File what is to go.",
            )
        yield Change("remove home", lambda: self._remove_home(home), before=home)

    def _remove_home(self, home: str) -> None:
        """Once the user is gone nobody knows any more whose home it was: what is left of it is named here or never."""
        try:
            self.machine.remove_tree(home)
        except OpsMopError as error:
            left = f"The user is gone and {home} is not, and the next run does not know of it: remove it with"
            left += f" Directory({home!r}, absent=True, recursive=True)."
            error.remedy = f"{error.remedy} {left}".lstrip()
            raise

    # How, which a subclass says

    def default_home(self) -> str:
        """Where a new user's home is if nothing says it."""
        raise NotImplementedError

    def default_shell(self) -> str:
        """The shell that a new user gets if nothing says it."""
        raise NotImplementedError

    def skeleton(self) -> str:
        """The directory whose content a new home starts with."""
        raise NotImplementedError

    def home_mode(self) -> int:
        """The permission bits of a new home."""
        raise NotImplementedError

    def stored_password(self) -> str:
        """What the machine keeps as the user's password (shadow(5), second part)."""
        raise NotImplementedError

    def default_expiry(self) -> str:
        """The day on which a new user ends if nothing says it, or `NEVER`."""
        raise NotImplementedError

    def stored_expiry(self) -> str:
        """The day on which the user ends, or `NEVER`."""
        raise NotImplementedError

    def set_expiry(self, day: str) -> None:
        """Let the user end on a day, or `NEVER`."""
        raise NotImplementedError

    def create(self, account: Account, *, own_group: bool) -> None:
        """Create the user, without a home; `own_group` makes its primary group too."""
        raise NotImplementedError

    def amend(self, name: str, value: Any) -> None:
        """Change one thing of an `Account`, by its name there."""
        raise NotImplementedError

    def rehome(self, home: str, *, move: bool) -> None:
        """Name another home; `move` takes what is in the old one along."""
        raise NotImplementedError

    def label(self, home: str) -> None:
        """Give a new home what the system's security wants on it."""
        raise NotImplementedError

    def set_password(self, stored: str) -> None:
        """Keep `stored` as the password."""
        raise NotImplementedError

    def set_lock(self, stored: str, *, locked: bool) -> None:
        """Lock or unlock the password; `stored` is what will be kept."""
        raise NotImplementedError

    def remove(self, account: Account) -> None:
        """Remove the user, and not its home."""
        raise NotImplementedError
