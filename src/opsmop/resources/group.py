"""Groups of users."""

from __future__ import annotations

from opsmop.errors import FieldError, ProviderError
from opsmop.language.fields import field
from opsmop.language.machine import Account, AccountGroup, Effect, Machine
from opsmop.language.provider import Change, Provider
from opsmop.language.resource import Resource
from opsmop.resources.accounts import GROUPS, done, entries, primary_users, refuse_name, refuse_number, root_only
from opsmop.wire.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class Group(Resource):
    """A group of users with its number; or none. Files keep the number of their group when a group's number changes."""

    name: str = field(kw_only=False, doc="the group's name")
    gid: int | None = field(default=None, doc="its number; stays, or the system chooses one, if not given")
    members: list[str] | None = field(
        default=None, doc="users who are in it besides those whose primary group it is; they must exist"
    )
    append: bool = field(default=True, doc="False puts everybody out of it whom `members` leaves out")
    system: bool = field(default=False, doc="a new group gets a number from the system's range")
    absent: bool = field(default=False, doc="there is to be no such group")

    def check(self) -> None:
        """Refuse what contradicts itself."""
        refuse_name(self, self.name)
        refuse_number(self, "gid", self.gid)
        self.exclusive("absent", "gid")
        self.exclusive("absent", "system")
        self.exclusive("absent", "members")
        for name in self.members or ():
            refuse_name(self, name)
        if self.members is None and not self.append:
            raise FieldError(f"{self}: append=False goes with members=", place=self.place)


class GroupProvider(Provider):
    """The decision that every way of keeping groups shares; a subclass says only how."""

    def plan(self) -> Iterator[Change]:
        """Create or remove it, or change its number."""
        for change in self._changes():
            root_only(self.machine, f"change the group {self.resource.name}")
            yield change

    def _changes(self) -> Iterator[Change]:
        group = self.resource
        found = self.machine.account_group(group.name)
        if group.absent:
            yield from self._removal(found)
            return
        if group.gid is not None and (found is None or found.gid != group.gid):
            self._refuse_taken(group.gid)
        if found is None:
            yield Change("create", self.create, after=_numbered(group.gid))
        elif group.gid is not None and found.gid != group.gid:
            yield Change("gid", self.renumber, before=_numbered(found.gid), after=_numbered(group.gid))
        if group.members is not None:
            yield from self._membership()

    def _membership(self) -> Iterator[Change]:
        """Who is in it is told by the accounts: an earlier resource may plan something else than the files say."""
        group, machine = self.resource, self.machine
        listed = next((parts[3] for parts in entries(machine, GROUPS) if parts[0] == group.name), "")
        known = {user: self._account(user) for user in (*filter(None, listed.split(",")), *group.members)}
        primary = {user for user, account in known.items() if account is not None and account.group == group.name}
        current = [user for user, account in known.items() if account is not None and group.name in account.groups]
        asked = [*(current if group.append else ()), *group.members]
        wanted = [user for user in dict.fromkeys(asked) if user not in primary]
        if set(wanted) != set(current):
            changed = [account for user, account in known.items() if account and (user in wanted) != (user in current)]
            yield Change(
                "members",
                lambda: self.assemble(wanted, [_moved(account, group.name) for account in changed]),
                before=", ".join(sorted(current)),
                after=", ".join(sorted(wanted)),
            )

    def _account(self, user: str) -> Account | None:
        account = self.machine.account(user)
        if account is None and user in self.resource.members:
            raise ProviderError(f"there is no user {user!r} on this machine", remedy="Make it before this with User.")
        return account

    def _removal(self, found: AccountGroup | None) -> Iterator[Change]:
        if found is None:
            return
        users = primary_users(self.machine, found)
        if users:
            raise ProviderError(
                f"the group {found.name} cannot go: it is the primary group of {', '.join(users)}",
                remedy="Remove those users before this, or give them another group.",
            )
        yield Change("remove", self.remove, before=_numbered(found.gid))

    def _refuse_taken(self, gid: int) -> None:
        other = self.machine.account_group(gid)
        if other is not None and other.name != self.resource.name:
            raise ProviderError(
                f"{self.resource} cannot have the number {gid}: the group {other.name} has it",
                remedy=f"Choose another gid, or give {other.name} another before this.",
            )

    def create(self) -> None:
        """Create the group."""
        raise NotImplementedError(f"{type(self).__name__} does not say how to create a group")

    def renumber(self) -> None:
        """Give the group its number."""
        raise NotImplementedError(f"{type(self).__name__} does not say how to renumber a group")

    def assemble(self, members: list[str], moved: list[Account]) -> None:
        """Let the group have these members.

        :param moved: the accounts of those who come or go, as they will be
        """
        raise NotImplementedError(f"{type(self).__name__} does not say how to change who is in a group")

    def remove(self) -> None:
        """Remove the group."""
        raise NotImplementedError(f"{type(self).__name__} does not say how to remove a group")


class Groupadd(GroupProvider, provides=Group, short="groupadd"):
    """With the shadow suite: groupadd(8), groupmod(8), groupdel(8)."""

    @classmethod
    def suits(cls, machine: Machine) -> bool:
        """Where groupadd is, its kin are."""
        return machine.which("groupadd") is not None

    def create(self) -> None:
        """See `GroupProvider.create`."""
        group = self.resource
        options = ["-g", str(group.gid)] if group.gid is not None else []
        self._run(["groupadd", *options, *(["-r"] if group.system else []), group.name], gone=False)

    def renumber(self) -> None:
        """See `GroupProvider.renumber`."""
        self._run(["groupmod", "-g", str(self.resource.gid), self.resource.name], gone=False)

    def remove(self) -> None:
        """See `GroupProvider.remove`."""
        self._run(["groupdel", self.resource.name], gone=True)

    def assemble(self, members: list[str], moved: list[Account]) -> None:
        """See `GroupProvider.assemble`; with gpasswd(1)."""
        effects = [Effect("account", account.name, account) for account in moved]
        argv = ["gpasswd", "-M", ",".join(members), self.resource.name]
        done(self.machine.run(argv, effects=effects), str(self.resource))

    def _run(self, argv: list[str], *, gone: bool) -> None:
        group = self.resource
        left = None if gone else AccountGroup(group.name, group.gid)
        done(self.machine.run(argv, effects=[Effect("group", group.name, left)]), str(group))


def _moved(account: Account, group: str) -> Account:
    """An account that has come into a group, or gone from it."""
    groups = set(account.groups) ^ {group}
    return replace(account, groups=tuple(sorted(groups)))


def _numbered(gid: int | None) -> str:
    return f"gid {gid}" if gid is not None else ""
