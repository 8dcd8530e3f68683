"""The other end of git: addresses with a password in them, which is to stand in no process listing, error or file; and
what its refusals mean.
"""

from __future__ import annotations

import re

from opsmop.errors import CommandFailed, FieldError
from opsmop.language.machine import Completed
from opsmop.language.provider import succeeded
from opsmop.language.resource import Resource
from opsmop.language.secrets import without_login
from opsmop.wire.lean import command_text
from opsmop.wire.records import dataclass

# What git asks says both from its environment, which is its user's alone to read: gitcredentials(7).
_ANSWER = '!f() { printf "username=%s\\npassword=%s\\n" "$OPSMOP_USER" "$OPSMOP_PASSWORD"; }; f'

_USUAL = "origin"
_NAME = re.compile(
    r"(?!.*(\.\.|\.lock$|\.$))[A-Za-z0-9_][A-Za-z0-9_.-]*"
)  # a part of a reference: git-check-ref-format(1)
_REMEDIES = (
    ("Host key verification failed", "accept_new_host_key=True trusts a host that is not known yet."),
    ("Permission denied (publickey", "ssh_key= names a private key on the target that may log in there."),
    ("could not read Username", "The repository wants a login: give its URL one, or use ssh."),
    ("Authentication failed", "The repository wants a login: give its URL one, or use ssh."),
    ("dubious ownership", "run_as= works on it as its owner."),
)


@dataclass(frozen=True)
class Address:
    """An address, and who logs in there.

    :param url: the address without its login
    :param site: its scheme and host
    :param user: empty if the address names none
    :param password: likewise
    """

    url: str
    site: str = ""
    user: str = ""
    password: str = ""

    def options(self) -> list[str]:
        """What git(1) is told, so that it logs in at this site and nowhere else."""
        if not self.user:
            return []
        name = f"credential.{self.site}.helper"
        return ["-c", f"{name}=", "-c", f"{name}={_ANSWER}"]

    def environment(self) -> dict[str, str]:
        """What the answer to git needs."""
        return {"OPSMOP_USER": self.user, "OPSMOP_PASSWORD": self.password} if self.user else {}


def address(text: str) -> Address:
    """`text`, and the login that it may hold. Source: RFC 3986, 3.2.1; only those of the web can hold a password."""
    scheme, separator, rest = text.partition("://")
    login, at, host = rest.partition("/")[0].rpartition("@")
    if scheme not in ("http", "https") or not separator or not at:
        return Address(text)
    from urllib.parse import unquote  # only where there is a login

    user, _, password = login.partition(":")
    return Address(without_login(text), f"{scheme}://{host}", unquote(user), unquote(password))


def refuse_name(resource: Resource, name: str, *, submodules: bool) -> None:
    """Refuse what git can call no remote, and another than ``origin`` of what has submodules.

    :raises FieldError: naming it
    """
    if not _NAME.fullmatch(name):
        raise FieldError(
            f"{resource}: git can call no remote {name!r}", place=resource.place, remedy="Letters and digits."
        )
    if submodules and name != _USUAL:  # git-submodule(1), add: a relative address is one beside the default remote's
        raise FieldError(
            f"{resource}: remote={name!r} does not go with submodules=True",
            place=resource.place,
            remedy=f"Git finds submodules of relative addresses beside the remote that is called {_USUAL}.",
        )


def ssh_command(key: str | None, *, accept_new: bool) -> str:
    """How git is to call ssh: nobody is there to answer (ssh_config(5), BatchMode), and a changed key is never taken.

    :param key: the private key to log in with
    :param accept_new: whether the key of a host that is not known yet is taken
    """
    ssh = ["ssh", "-oBatchMode=yes", f"-oStrictHostKeyChecking={'accept-new' if accept_new else 'yes'}"]
    if key:
        ssh += ["-i", key, "-oIdentitiesOnly=yes"]
    return command_text(ssh)


def explained(completed: Completed, doing: str, *, whole: bool = False) -> Completed:
    """`completed`, or its failure with what to do about it; `whole` as `succeeded` has it."""
    try:
        return succeeded(completed, doing, whole=whole)
    except CommandFailed as error:
        error.remedy = next((remedy for sign, remedy in _REMEDIES if sign in completed.output), "")
        raise
