"""Users by the shadow suite of Linux: useradd(8), usermod(8), userdel(8), chpasswd(8)."""

from __future__ import annotations

from opsmop.language.machine import Account, AccountGroup, Effect, Machine
from opsmop.language.provider import succeeded
from opsmop.resources.accounts import GROUPS, accounted, done, entries, login_definitions, primary_users
from opsmop.resources.user.family import UserProvider
from opsmop.resources.user.user import NEVER, User
from opsmop.wire.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_SHADOW = "/etc/shadow"
_EXPIRY = 7  # its place in a line of shadow(5)
_OPTIONS = {"uid": "-u", "group": "-g", "comment": "-c", "shell": "-s", "home": "-d", "groups": "-G"}


class Useradd(UserProvider, provides=User, short="useradd"):
    """With the shadow suite, which keeps users in /etc/passwd and /etc/shadow."""

    @classmethod
    def suits(cls, machine: Machine) -> bool:
        """Where useradd is, its kin are."""
        return machine.which("useradd") is not None

    # What the system says of new users

    def default_home(self) -> str:
        """See `UserProvider.default_home`."""
        return f"{self._defaults().get('HOME', '/home')}/{self.resource.name}"

    def default_shell(self) -> str:
        """See `UserProvider.default_shell`."""
        return self._defaults().get("SHELL") or "/bin/sh"

    def skeleton(self) -> str:
        """See `UserProvider.skeleton`."""
        return self._defaults().get("SKEL") or "/etc/skel"

    def _defaults(self) -> dict[str, str]:
        def printed() -> str:
            return succeeded(self.machine.ask(["useradd", "-D"]), "asking for the defaults of new users").stdout

        text: str = self.machine.look("new users", "defaults", printed)
        return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)

    def home_mode(self) -> int:
        """See `UserProvider.home_mode`. Source: login.defs(5), HOME_MODE and UMASK."""
        definitions = login_definitions(self.machine)
        if "HOME_MODE" in definitions:
            return int(definitions["HOME_MODE"], 8)
        return 0o777 & ~int(definitions.get("UMASK", "022"), 8)

    def stored_password(self) -> str:
        """See `UserProvider.stored_password`."""
        name = self.resource.name
        return next((parts[1] for parts in entries(self.machine, _SHADOW) if parts[0] == name), "")

    def default_expiry(self) -> str:
        """See `UserProvider.default_expiry`."""
        return self._defaults().get("EXPIRE") or NEVER

    def stored_expiry(self) -> str:
        """See `UserProvider.stored_expiry`. Source: shadow(5), the eighth part: days since 1970-01-01, or nothing."""
        import datetime as dt  # only where a day is asked about

        found = next((parts for parts in entries(self.machine, _SHADOW) if parts[0] == self.resource.name), [])
        days = found[_EXPIRY] if len(found) > _EXPIRY else ""
        return str(dt.date(1970, 1, 1) + dt.timedelta(int(days))) if days.isdigit() else NEVER

    # What changes them

    def create(self, account: Account, *, own_group: bool) -> None:
        """See `UserProvider.create`."""
        argv = ["useradd", "-M", *(["-U"] if own_group else ["-N", "-g", account.group])]
        argv += ["-d", account.home, "-s", account.shell, "-c", account.comment]
        if account.uid is not None:
            argv += ["-u", str(account.uid)]
        if account.groups:
            argv += ["-G", ",".join(account.groups)]
        if self.resource.system:
            argv.append("-r")
        effects = [*accounted(self.machine, account), Effect("password", account.name, "!")]
        if own_group:
            effects.append(Effect("group", account.group, AccountGroup(account.group, None)))
        self._run([*argv, account.name], effects)

    def amend(self, name: str, value: Any) -> None:
        """See `UserProvider.amend`."""
        text = ",".join(value) if isinstance(value, tuple) else str(value)
        self._run(["usermod", _OPTIONS[name], text, self.resource.name], self._with(**{name: value}))

    def rehome(self, home: str, *, move: bool) -> None:
        """See `UserProvider.rehome`. Where a whole home goes, what stands there afterwards is more than check models."""
        argv = ["usermod", "-d", home, *(["-m"] if move else []), self.resource.name]
        self._run(argv, self._with(home=home, brings="anything" if move else ""))

    def _with(self, *, brings: str = "", **values: Any) -> list[Effect]:
        account = self.machine.account(self.resource.name)
        return accounted(self.machine, replace(account, **values), brings=brings) if account else []

    def label(self, home: str) -> None:
        """See `UserProvider.label`: SELinux lets ssh read keys only under a labelled home."""
        if self.machine.which("restorecon") is not None:
            self._run(["restorecon", "-R", home], [])

    def set_password(self, stored: str) -> None:
        """See `UserProvider.set_password`. The hash goes by standard input: everybody can read a command's arguments."""
        name = self.resource.name
        line = f"{name}:{stored}\n".encode()
        self._run(["chpasswd", "-e"], [Effect("password", name, stored)], data=line)

    def set_lock(self, stored: str, *, locked: bool) -> None:
        """See `UserProvider.set_lock`."""
        name = self.resource.name
        self._run(["usermod", "-L" if locked else "-U", name], [Effect("password", name, stored)])

    def set_expiry(self, day: str) -> None:
        """See `UserProvider.set_expiry`. As a number: chage(1) and usermod(8) read days in the machine's time zone."""
        import datetime as dt  # only where a day is given

        days = -1 if day == NEVER else (dt.date.fromisoformat(day) - dt.date(1970, 1, 1)).days
        name = self.resource.name
        self._run(["chage", "-E", str(days), name], [Effect("expiry", name, day)])

    def remove(self, account: Account) -> None:
        """See `UserProvider.remove`."""
        effects = [Effect("account", account.name, None)]
        if self._takes_its_group(account):
            effects.append(Effect("group", account.name, None))
        self._run(["userdel", account.name], effects)

    def _takes_its_group(self, account: Account) -> bool:
        """Whether userdel removes the user's own group too: login.defs(5), USERGROUPS_ENAB."""
        group = self.machine.account_group(account.name)
        if group is None or login_definitions(self.machine).get("USERGROUPS_ENAB") != "yes":
            return False
        members = next((parts[3] for parts in entries(self.machine, GROUPS) if parts[0] == account.name), "")
        others = {*members.split(","), *primary_users(self.machine, group)} - {"", account.name}
        return not others and account.group == account.name

    def _run(self, argv: list[str], effects: Sequence[Effect], *, data: bytes | None = None) -> None:
        done(self.machine.run(argv, effects=effects, input=data), str(self.resource))
