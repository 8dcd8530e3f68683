"""What users and groups have in common: names, numbers, and the files that hold them (passwd(5), group(5))."""

from __future__ import annotations

from opsmop.errors import CommandFailed, FieldError, ProviderError
from opsmop.language.machine import Account, AccountGroup, Completed, Effect, Machine
from opsmop.language.provider import succeeded
from opsmop.language.resource import Resource

GROUPS = "/etc/group"
USERS = "/etc/passwd"
_LOGIN_DEFINITIONS = "/etc/login.defs"
_LONGEST_NAME = 32  # characters: useradd(8)
_NEVER_IN_NAMES = set(":,/\\ \t\n\"'#@")
# Exit statuses of useradd(8), usermod(8), userdel(8), groupadd(8), groupmod(8) and groupdel(8) that say more than "no".
_REMEDIES = {
    1: "Another program may hold the account files (/etc/passwd.lock); if none does, remove the left-over lock.",
    8: "A process of the user runs, or it is the primary group of somebody: end those first (User(..., absent=True, "
    "force=True), or loginctl terminate-user).",
}


def refuse_name(resource: Resource, name: str) -> None:
    """Refuse a name that the account files or their tools could not hold.

    :raises FieldError: if it is one
    """
    if not isinstance(name, str):
        return
    if not name or len(name) > _LONGEST_NAME or set(name) & _NEVER_IN_NAMES or name[0] in "-+~." or name.isdigit():
        raise FieldError(
            f"{type(resource).__name__} cannot have the name {name!r}",
            place=resource.place,
            remedy=f"Letters, digits, '_', '-' and '.', at most {_LONGEST_NAME}, not digits alone.",
        )


def refuse_number(resource: Resource, name: str, number: int | None) -> None:
    """Refuse a number that no account can have: those from 2^32 - 1 on mean "none" to chown(2).

    :raises FieldError: if it is one
    """
    if isinstance(number, int) and not 0 <= number < 2**32 - 1:
        raise FieldError(f"{resource}: {name}={number} is not between 0 and 4294967294", place=resource.place)


def entries(machine: Machine, path: str) -> list[list[str]]:
    """The lines of an account file, each as its parts."""
    text = machine.read(path).decode("utf-8", "surrogateescape")
    return [line.split(":") for line in text.splitlines() if ":" in line]


def existing_group(machine: Machine, wanted: str | int) -> str:
    """The name of the group that `wanted` (a name or a number) says.

    :raises ProviderError: if there is none
    """
    entry = machine.account_group(wanted)
    if entry is not None:
        return entry.name
    import difflib  # only for an error's text

    close = difflib.get_close_matches(str(wanted), [parts[0] for parts in entries(machine, GROUPS)], n=2)
    meant = f"Did you mean {' or '.join(map(repr, close))}? If not, make" if close else "Make"
    raise ProviderError(f"there is no group {wanted!r} on this machine", remedy=f"{meant} it before this with Group.")


def primary_users(machine: Machine, group: AccountGroup) -> list[str]:
    """The names of the users whose primary group it is, or will be by what is planned."""
    number = next((parts[2] for parts in entries(machine, GROUPS) if parts[0] == group.name), None)
    named = [parts[0] for parts in entries(machine, USERS) if len(parts) > 3 and parts[3] == number]  # noqa: PLR2004 - passwd(5): the fourth part is the group
    found = [(user, machine.account(user)) for user in dict.fromkeys((*named, *_planned(machine)))]
    return [user for user, account in found if account is not None and account.group == group.name]


def accounted(machine: Machine, account: Account, *, brings: str = "") -> list[Effect]:
    """What a command does that makes or changes an account: that it is so, and that a plan knows of it."""
    names = tuple(dict.fromkeys((*_planned(machine), account.name)))
    return [Effect("account", account.name, account, brings=brings), Effect("accounts", "planned", names)]


def _planned(machine: Machine) -> tuple[str, ...]:
    """Of whom the account files may say less than what is planned."""
    names: tuple[str, ...] = machine.look("accounts", "planned", lambda: ())
    return names


def login_definitions(machine: Machine) -> dict[str, str]:
    """What login.defs(5) sets; nothing where there is no such file."""
    if machine.status(_LOGIN_DEFINITIONS, follow=True) is None:
        return {}
    lines = [line.split() for line in machine.read(_LOGIN_DEFINITIONS).decode("utf-8", "replace").splitlines()]
    return {words[0]: words[1] for words in lines if len(words) > 1 and not words[0].startswith("#")}


def root_only(machine: Machine, doing: str) -> None:
    """Refuse what only root may do before anything of it is planned.

    :raises ProviderError: if the evaluating user is another
    """
    user = machine.real_user()
    if user != "root":
        raise ProviderError(f"only root may {doing}, and this is {user}", remedy="Let the role's sudo() return True.")


def done(completed: Completed, doing: str) -> Completed:
    """`completed`, if it succeeded.

    :raises CommandFailed: if not; with a remedy where the account tools' exit status tells one
    """
    try:
        return succeeded(completed, doing)
    except CommandFailed as error:
        error.remedy = _REMEDIES.get(error.rc or 0, "")
        raise
