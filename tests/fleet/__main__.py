"""The fleet by hand: `python3 -m tests.fleet up|build|check [release ...]` or `enforcing`, from the checkout, as root."""

import argparse
import shlex
import signal
import sys
import time
from collections.abc import Sequence

from .harness import RELEASES, EnforcingFleet, Fleet, FleetError, missing
from .harness.base import ensure_bases
from .harness.places import Places


def command(words: Sequence[str]) -> int:
    """Run one verb and return the exit code: 1 when the machine lacks something or a fleet fails, 130 on Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.fleet", description="Real hosts for tests, by hand.")
    parser.add_argument(
        "verb", choices=VERBS, help="boot hosts, or one with SELinux, until Ctrl-C; build; say what is missing"
    )
    parser.add_argument("releases", nargs="*", default=list(RELEASES), help=f"of {', '.join(RELEASES)}; one host each")
    chosen = parser.parse_args(words)
    # A shell without job control starts background commands with SIGINT ignored, and would have no way to end a fleet.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        VERBS[chosen.verb](chosen.releases)
    except FleetError as error:
        print(f"fleet: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def up(releases: Sequence[str]) -> None:
    """Boot a fleet, say how to reach it, and stay until Ctrl-C."""
    _stay(Fleet(releases, progress=_say))


def enforcing(_: Sequence[str]) -> None:
    """Boot a host that enforces SELinux, and stay until Ctrl-C."""
    _stay(EnforcingFleet(progress=_say))


def _stay(fleet: Fleet) -> None:
    started = time.monotonic()
    with fleet:
        inventory = fleet.inventory(fleet.key.parent / "inventory.toml")
        _say(f"{len(fleet.hosts)} hosts are up after {time.monotonic() - started:.1f} s")
        _say(f"inventory: {inventory}")
        for host in fleet.hosts:
            _say(f"{host.name:12} {shlex.join(fleet.ssh_command(host))}")
        _say("Ctrl-C takes them away")
        signal.pause()


def build(releases: Sequence[str]) -> None:
    """Build the bases that are missing."""
    check(releases)
    started = time.monotonic()
    for base in ensure_bases(releases, Places.of_environment(), _say).values():
        _say(f"{base.release.name:12} {base.root}")
        base.lock.close()
    _say(f"done in {time.monotonic() - started:.1f} s")


def check(releases: Sequence[str]) -> None:
    """Say what this machine lacks to boot a fleet."""
    lacks = missing()
    if lacks:
        raise FleetError("this machine cannot boot a fleet; it needs " + "; ".join(lacks))
    _say("this machine can boot a fleet")


def _say(text: str) -> None:
    print(text, flush=True)


VERBS = {"up": up, "enforcing": enforcing, "build": build, "check": check}

if __name__ == "__main__":
    sys.exit(command(sys.argv[1:]))
