"""The Debian releases that hosts can have."""

from dataclasses import dataclass

from .errors import FleetError


@dataclass(frozen=True)
class Release:
    """A release: its code name, its Python, the suites beside the main one, and lines its sshd alone understands."""

    name: str
    python: str
    updates: bool = True
    sshd: str = ""


RELEASES = {
    release.name: release
    for release in (
        # Past its end of life, so its updates and security suites may leave the mirrors before the main suite does.
        Release("bullseye", python="3.9", updates=False),
        Release("bookworm", python="3.11"),
        # OpenSSH 9.8 and newer lock out an address after failed logins (sshd_config(5), PerSourcePenalties):
        # every test logs in from the same one.
        Release("trixie", python="3.13", sshd="PerSourcePenalties no\n"),
    )
}


def release_named(name: str) -> Release:
    """Return the release of that code name, or raise FleetError naming those that exist."""
    if name not in RELEASES:
        raise FleetError(f"no release is named {name!r}; there are {', '.join(RELEASES)}")
    return RELEASES[name]
