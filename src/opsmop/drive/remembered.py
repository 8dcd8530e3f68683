"""The hosts on which a policy failed, remembered for the next run of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsmop.drive.leftover import Leftover, leftover
from opsmop.errors import UsageError
from opsmop.inventory.tree import literal
from opsmop.settings.command import choosing
from opsmop.settings.limits import FAILED
from opsmop.settings.state import state_folder
from opsmop.wire.arriving import sha256
from opsmop.wire.records import replace

if TYPE_CHECKING:
    from opsmop.drive.outcome import Outcome
    from opsmop.drive.preparing import Run
    from opsmop.inventory import Host
    from opsmop.schedule import Limits

_OURS = Path(__file__).resolve().parents[1]  # `opsmop run` and its kin have policies in here, which nobody retries


def memory_of(policy_file: Path) -> Path:
    """Where the failed hosts of a policy are remembered."""
    digest = sha256(os.fsencode(policy_file.resolve())).hex()[:16]
    return _memories() / f"{digest}.json"


def _memories() -> Path:
    return state_folder() / "failed"


def failed_last() -> Path | None:
    """The policy of the user's that failed last, of those that are remembered and still there."""
    for path in sorted(_memories().glob("*.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True):
        try:
            memory = json.loads(path.read_text(encoding="utf-8"))
            policy = Path(memory["policy"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if memory.get("hosts") and policy.is_file() and _OURS not in policy.resolve().parents:
            return policy
    return None


def failed_hosts(policy_file: Path) -> tuple[str, ...]:
    """The hosts on which the policy failed and has not ended well since."""
    return _names(_memory(policy_file).get("hosts"))


def options_last(policy_file: Path) -> tuple[str, ...]:
    """The options that chose what the run was for that failed last: hosts, roles and variables, as they may be kept."""
    return _names(_memory(policy_file).get("options"))


def _memory(policy_file: Path) -> dict[str, Any]:
    try:
        said = json.loads(memory_of(policy_file).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def _names(said: Any) -> tuple[str, ...]:
    return tuple(name for name in said if isinstance(name, str)) if isinstance(said, list) else ()


def remember(run: Run, outcome: Outcome) -> Leftover:
    """Remember the hosts that failed and what was not come to, and forget those that ended well.

    :returns: which hosts have not got which roles since a failure stopped this run or one before it
    :raises OSError: if that cannot be written
    """
    before = _memory(run.policy_file)
    hosts, left = _names(before.get("hosts")), before.get("left")
    left = {str(role): list(_names(names)) for role, names in left.items()} if isinstance(left, dict) else {}
    after = [*(name for name in hosts if name not in outcome.well and name not in outcome.failed), *outcome.failed]
    still = leftover(run, outcome, left)
    options = list(_options(run, outcome, _names(before.get("options"))))
    fresh = {"hosts": after, "left": still, "options": options} if after or still else {}
    if {name: value for name, value in before.items() if name != "policy"} != fresh:
        _write(run.policy_file, fresh)
    return still


def _options(run: Run, outcome: Outcome, before: tuple[str, ...]) -> tuple[str, ...]:
    """What a retry is to be given: it goes on with what the run had that it retries; what it leaves is older."""
    if not outcome.failed:
        return () if outcome.well else before
    return before if run.settings.retry else choosing(run.settings.command)


def _write(policy_file: Path, memory: dict[str, Any]) -> None:
    path = memory_of(policy_file)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not memory:
        path.unlink(missing_ok=True)
        return
    fresh = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump({"policy": str(policy_file), **memory}, file, indent=1)
    fresh.replace(path)


def recalled(patterns: tuple[str, ...], policy_file: Path, known: Iterable[str]) -> tuple[str, ...]:
    """`patterns` with the remembered hosts in place of ``@failed``.

    :param known: the hosts that there are now; the others are passed over
    :raises UsageError: if none is remembered
    """
    found: list[str] = []
    for pattern in patterns:
        sign = "!" if pattern.startswith("!") else ""
        if pattern.removeprefix("!") != FAILED:
            found.append(pattern)
            continue
        found += [f"{sign}{literal(name)}" for name in _failed_among(policy_file, known)]
    return tuple(found)


def retried(limits: Limits, policy_file: Path, known: Mapping[str, Host]) -> Limits:
    """`limits` with only those of their hosts left in on which the policy failed last.

    :param known: the hosts that there are now, by name
    :raises UsageError: if that is none
    """
    left = [name for name in _failed_among(policy_file, known) if limits.take(known[name])]
    if not left:
        raise UsageError(
            f"--limit-hosts and --limit-groups leave none of the hosts on which {policy_file.name} failed last",
            remedy="Without them, --retry goes to all of those.",
        )
    return replace(limits, hosts=tuple(map(literal, left)))


def _failed_among(policy_file: Path, known: Iterable[str]) -> list[str]:
    there = set(known)
    names = [name for name in failed_hosts(policy_file) if name in there]
    if not names:
        raise UsageError(
            f"no host is remembered on which {policy_file.name} failed",
            remedy="Its last --apply ended well everywhere, or has not been run by you.",
        )
    return names
