"""What a command line means: the settings of a run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from opsmop.cli.options import TIME_LIMITS, TO_DEFAULTS
from opsmop.errors import UsageError
from opsmop.settings import Defaults, Settings
from opsmop.settings.extra import extra_variables
from opsmop.settings.limits import limit_patterns
from opsmop.settings.sources import usual

VARS = "vars"  # a mode of the command line alone: opsmop vars POLICY.py --host NAME


def settings_from(parsed: argparse.Namespace, folder: Path) -> Settings:
    """The settings that a command line, the environment and the defaults files make.

    :param folder: the policy's
    :raises UsageError: if one of them says something impossible
    """
    if parsed.serial and parsed.reach != "push":
        raise UsageError("--serial goes with --push")
    if parsed.mode == VARS and not parsed.host and parsed.reach == "push":
        raise UsageError("opsmop vars takes the host", remedy="Write: opsmop vars site.py --host web1")
    if parsed.mode == VARS and _of(parsed, "output") not in (None, "console", "json"):
        raise UsageError(f"opsmop vars tells console or json, not {parsed.output}")
    if parsed.names and parsed.mode != VARS:
        raise UsageError(f"{parsed.names[0]!r} means nothing here", remedy="--help shows the options.")
    if parsed.host and parsed.reach != "local" and parsed.mode != VARS:
        raise UsageError("--host goes with --local", remedy="With --push, use --limit-hosts.")
    given = [f"--ask-{what}-pass" for what in parsed.ask or ()]
    given += [f"--{name}" for name in TIME_LIMITS if _of(parsed, name) is not None]
    if given and parsed.reach != "push":
        raise UsageError(f"{given[0]} goes with --push")
    if parsed.detailed_exitcode and parsed.mode != "check":
        raise UsageError("--detailed-exitcode goes with --check")
    if parsed.list_hosts and _of(parsed, "output") not in (None, "console"):
        raise UsageError("--list-hosts is for people", remedy="opsmop inventory list --json tells programs of hosts.")
    defaults = defaults_from(parsed, folder)
    extra, extra_files = extra_variables(parsed.extra_vars)
    return Settings(
        mode=parsed.mode,
        reach=parsed.reach,
        verbose=parsed.verbose,
        diff=defaults["report_diff"],
        color=defaults["report_color"],
        output=defaults["report_output"],
        command=command_words(),
        extra=extra,
        extra_files=extra_files,
        limit_groups=limit_patterns("--limit-groups", listed(parsed.limit_groups)),
        limit_hosts=limit_patterns("--limit-hosts", listed(parsed.limit_hosts)),
        retry=parsed.retry,
        serial=steps(listed(parsed.serial)),
        tags=listed(parsed.tags),
        skip_tags=listed(parsed.skip_tags),
        host=parsed.host,
        detailed_exitcode=parsed.detailed_exitcode,
        list_hosts=parsed.list_hosts,
        force_lock=parsed.force_lock,
        seed=parsed.seed,
        typed_passwords=typed_passwords(parsed.ask or ()),
        defaults=defaults,
    )


def command_words() -> tuple[str, ...]:
    """What was typed to start this process, as somebody would type it again."""
    for number, word in enumerate(sys.orig_argv):
        if Path(word).name == "opsmop":
            return ("opsmop", *sys.orig_argv[number + 1 :])
    return ("python3", *sys.argv)


def defaults_from(parsed: argparse.Namespace, folder: Path) -> Defaults:
    """The defaults that hold in `folder`, with what options say instead.

    :raises UsageError: if one of them says something impossible
    """
    said = {default: (f"--{name}", _of(parsed, name)) for name, default in TO_DEFAULTS.items()}
    return usual(folder).overridden(said)


def _of(parsed: argparse.Namespace, option: str) -> Any:
    """What was given for an option; None if nothing was, or the command has no such option."""
    return getattr(parsed, option.replace("-", "_"), None)


def typed_passwords(asked: Sequence[str]) -> dict[str, Any]:
    """Ask for passwords on the terminal.

    :raises UsageError: if there is none, or nothing was typed
    """
    import getpass  # few runs ask
    import warnings  # as above

    from opsmop.settings.passwords import one_line  # as above

    typed = {}
    for what in dict.fromkeys(asked):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", getpass.GetPassWarning)
                typed[what] = one_line(getpass.getpass(f"Password for {what}: "), f"--ask-{what}-pass")
        except (getpass.GetPassWarning, EOFError):
            raise UsageError(
                f"--ask-{what}-pass: there is no terminal to ask on",
                remedy=f"Name a file or a command instead: [{what}] password_file or password_command in the defaults.",
            ) from None
    return typed


def listed(given: list[str]) -> tuple[str, ...]:
    """The words of an option that may be given several times, each time with several words.

    :raises UsageError: if one of them is empty
    """
    words = [word.strip() for text in given for word in text.split(",")]
    if not all(words):
        raise UsageError(f"there is an empty word in {','.join(given)!r}", remedy="Separate words by one comma.")
    return tuple(words)


def steps(words: tuple[str, ...]) -> tuple[int | str, ...]:
    """What ``--serial`` says.

    :raises UsageError: if a word is no number of hosts
    """
    for word in words:
        number = word.removesuffix("%")
        if not number.isdecimal() or not int(number) or (word != number and int(number) > 100):  # noqa: PLR2004
            raise UsageError(f"--serial {word!r} is no number of hosts", remedy="Say 10, 25% or 1,10%,50%.")
    return tuple(word if word.endswith("%") else int(word) for word in words)
