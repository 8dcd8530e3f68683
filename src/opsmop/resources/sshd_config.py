"""What sshd's configuration says: sshd_config(5)."""

from __future__ import annotations

from opsmop.errors import ProviderError
from opsmop.language.machine import Account, Machine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_MAIN = "/etc/ssh/sshd_config"
_USUAL = ".ssh/authorized_keys"
_DEEPEST = 16  # as sshd has it


def keys_file(machine: Machine, account: Account) -> str:
    """The first file in which sshd looks for the keys that may log in as `account`.

    :raises ProviderError: if it looks in none
    """
    said = next((value for name, value in _settings(machine, _MAIN) if name == "authorizedkeysfile"), _USUAL)
    first = said.split()[0].strip('"') if said.split() else _USUAL
    if first == "none":
        raise ProviderError(
            f"sshd looks at no file of keys: {_MAIN} says AuthorizedKeysFile none", remedy="Say where with path=."
        )
    for token, value in (("%h", account.home), ("%u", account.name), ("%U", str(account.uid)), ("%%", "%")):
        first = first.replace(token, value)
    return first if first.startswith("/") else f"{account.home.rstrip('/')}/{first}"


def _settings(machine: Machine, path: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Names, in small letters, and values that hold for everybody, in the order in which the first one wins."""
    if depth > _DEEPEST or machine.status(path, follow=True) is None:
        return
    try:
        text = machine.read(path).decode("utf-8", "replace")
    except ProviderError:  # only root may read it: then what is usual is as good as can be known
        return
    for line in text.splitlines():
        name, _, value = line.strip().replace("=", " ", 1).partition(" ")
        name = name.lower()
        if name == "match":
            return
        if name == "include":
            for pattern in value.split():
                yield from _included(machine, pattern, depth)
        elif name and not name.startswith("#"):
            yield name, value.strip()


def _included(machine: Machine, pattern: str, depth: int) -> Iterator[tuple[str, str]]:
    from fnmatch import fnmatchcase  # only where something is included

    whole = pattern if pattern.startswith("/") else f"/etc/ssh/{pattern}"
    directory, _, names = whole.rpartition("/")
    if machine.status(directory, follow=True) is None:
        return
    for name in machine.listing(directory):
        if fnmatchcase(name, names):
            yield from _settings(machine, f"{directory}/{name}", depth + 1)
