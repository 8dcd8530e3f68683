"""The hosts on which a policy failed, remembered for the next run of it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterable
from pathlib import Path

from opsmop.errors import UsageError
from opsmop.inventory.tree import literal
from opsmop.settings.limits import FAILED
from opsmop.settings.state import state_folder

_OURS = Path(__file__).resolve().parents[1]  # `opsmop run` and its kin have policies in here, which nobody retries


def memory_of(policy_file: Path) -> Path:
    """Where the failed hosts of a policy are remembered."""
    digest = hashlib.sha256(os.fsencode(policy_file.resolve())).hexdigest()[:16]
    return _memories() / f"{digest}.json"


def _memories() -> Path:
    return state_folder() / "failed"


def failed_last() -> Path | None:
    """The policy of the user's that failed last, of those that are remembered and still there."""
    for path in sorted(_memories().glob("*.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True):
        try:
            policy = Path(json.loads(path.read_text(encoding="utf-8"))["policy"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if policy.is_file() and _OURS not in policy.resolve().parents:
            return policy
    return None


def failed_hosts(policy_file: Path) -> tuple[str, ...]:
    """The hosts on which the policy failed and has not ended well since."""
    try:
        said = json.loads(memory_of(policy_file).read_text(encoding="utf-8"))["hosts"]
    except (OSError, ValueError, KeyError, TypeError):
        return ()
    return tuple(name for name in said if isinstance(name, str)) if isinstance(said, list) else ()


def remember(policy_file: Path, failed: Collection[str], mended: Collection[str]) -> None:
    """Remember the hosts that failed, and forget those that ended well.

    :raises OSError: if that cannot be written
    """
    before = failed_hosts(policy_file)
    after = [*(name for name in before if name not in mended and name not in failed), *failed]
    if list(before) == after:
        return
    path = memory_of(policy_file)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not after:
        path.unlink(missing_ok=True)
        return
    fresh = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump({"policy": str(policy_file), "hosts": after}, file, indent=1)
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
        there = set(known)
        names = [name for name in failed_hosts(policy_file) if name in there]
        if not names:
            raise UsageError(
                f"--limit-hosts {pattern!r}: no host is remembered on which {policy_file.name} failed",
                remedy="Its last --apply ended well everywhere, or has not been run by you.",
            )
        found += [f"{sign}{literal(name)}" for name in names]
    return tuple(found)
