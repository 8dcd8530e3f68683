"""Running apt-get and dpkg: never prompting, waiting for their locks, never ended in the middle."""

from __future__ import annotations

import time

from opsmop.errors import CommandFailed, ProviderError
from opsmop.language.machine import Completed, Effect, Machine
from opsmop.language.provider import succeeded
from opsmop.resources.package import locks, looks
from opsmop.resources.package.family import GRACE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# Nobody is there to answer: debconf(7), apt-listchanges(1), needrestart(1), ucf(1).
ENVIRONMENT = {
    "APT_LISTCHANGES_FRONTEND": "none",
    "DEBIAN_FRONTEND": "noninteractive",
    "NEEDRESTART_MODE": "l",
    "NEEDRESTART_SUSPEND": "1",
    "UCF_FORCE_CONFFOLD": "1",
}
# A configuration file that the operator has changed stays; one that nobody touched is renewed: dpkg(1).
KEEP_CONFIGURATION = ("--force-confdef", "--force-confold")
_BETWEEN_TRIES = 1.0  # seconds
# A mirror that is being renewed has lists, or packages, of two times for a moment.
_RENEWING = ("Hash Sum mismatch", "File has unexpected size")
_RENEWALS = 3  # tries, when a mirror is being renewed

_REMEDIES = (
    ("are you root", "Packages are root's to change: does the role need sudo()?"),
    ("Hash Sum mismatch", "The mirror is being renewed, or a proxy in between keeps something old: try again later."),
    ("Failed to fetch", "If the package lists are older than the mirror, update_cache=True refreshes them first."),
    ("Held packages were changed", "Something that has to change is on hold: apt-mark showhold lists it."),
    ("allow-releaseinfo-change", "The repository has changed what it says of itself: look, then accept it by hand."),
)


def apt_get(lock_timeout: int) -> list[str]:
    """apt-get with the options that every use of it has."""
    keep = [f"-oDPkg::Options::={option}" for option in KEEP_CONFIGURATION]
    return ["apt-get", "--yes", "--quiet", f"-oDPkg::Lock::Timeout={lock_timeout}", *keep]


def refresh(machine: Machine, *, lock_timeout: int) -> Completed:
    """Refresh the package lists, all of them, and note when."""
    stamp = f"mkdir -p {looks.STAMP.rpartition('/')[0]} && touch {looks.STAMP}"
    argv = [
        *apt_get(lock_timeout),
        "-oAPT::Update::Error-Mode=any",
        f"-oAPT::Update::Post-Invoke-Success::={stamp}",
        "update",
    ]
    return run(machine, argv, looks.REFRESHED, "refreshing the package lists", lock_timeout=lock_timeout)


def run(
    machine: Machine, argv: Sequence[str], effects: Sequence[Effect], doing: str, *, lock_timeout: int
) -> Completed:
    """Run it. apt waits for dpkg's locks by itself, for those of its lists and archives it does not; nor does it ask a
    mirror again that is just being renewed.

    :param lock_timeout: seconds
    :raises ProviderError: for who is not root; `CommandFailed` if it fails, or if somebody keeps a lock
    """
    if machine.real_user() != "root":
        raise ProviderError(f"{doing} is for root alone", remedy=_REMEDIES[0][1])
    deadline = time.monotonic() + lock_timeout
    renewals = 0
    while True:
        completed = machine.run(argv, effects=effects, env=ENVIRONMENT, grace=GRACE)
        taken, renewing = locks.taken(completed), any(sign in completed.output for sign in _RENEWING)
        renewals += renewing
        if not taken and not (completed.rc and renewing and renewals < _RENEWALS):
            return explained(completed, doing)
        if taken and time.monotonic() >= deadline:
            raise _locked(machine, completed, doing, lock_timeout)
        time.sleep(_BETWEEN_TRIES)


def _locked(machine: Machine, completed: Completed, doing: str, lock_timeout: int) -> CommandFailed:
    holder = locks.holder(machine) or "another program"
    return CommandFailed(
        f"{doing} failed: {holder} holds the package manager's lock, for longer than {lock_timeout} s",
        command=completed.command, rc=completed.rc, output=completed.output, completed=completed,
        remedy="Wait for it to end, or give lock_timeout= more seconds.",
    )  # fmt: skip


def explained(completed: Completed, doing: str) -> Completed:
    """`completed`, or its failure with what to do about it."""
    try:
        return succeeded(completed, doing)
    except CommandFailed as error:
        error.remedy = next((remedy for sign, remedy in _REMEDIES if sign in completed.output), "")
        raise
