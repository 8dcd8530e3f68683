"""What the person at the keyboard decides: one frozen value."""

from __future__ import annotations

from typing import Any

from opsmop.language.secrets import Secret
from opsmop.settings.defaults import Defaults
from opsmop.settings.user_defaults import UserDefaults
from opsmop.wire.records import dataclass, field

__all__ = ["Defaults", "Settings", "UserDefaults", "fact_options"]


@dataclass(frozen=True)
class Settings:
    """How to run a policy.

    :param mode: ``check``, ``apply`` or ``validate``
    :param reach: ``local`` or ``push``
    :param verbose: how much reports show: 1 what is fine already, too, and long commands while they run; 2 every host
        by itself, however many there are
    :param diff: whether reports show how the content of files differs
    :param color: ``auto``, ``always`` or ``never``
    :param output: what goes to stdout: the ``console`` report, or ``ndjson``, ``json``, ``junit`` or ``github``
    :param command: the words that started the run
    :param extra: the variables of ``--extra-vars``, which win over all others
    :param extra_files: the files that they came from, which are never served to a target
    :param limit_groups: fnmatch patterns; only hosts in a group that one of them matches
    :param limit_hosts: fnmatch patterns; only hosts whose name one of them matches
    :param retry: whether of these only the hosts on which the policy failed last are left in
    :param serial: in steps of how many hosts every role goes, whatever it says itself; empty if the roles decide
    :param tags: only roles that have one of these tags; all roles if empty
    :param skip_tags: no role that has one of these tags
    :param host: in local mode, the name that this machine has in the inventory
    :param detailed_exitcode: whether a check with pending changes ends with status 3
    :param list_hosts: whether to show which hosts each role would go to, and to do no more
    :param force_lock: whether to go on where another run is at work
    :param seed: makes Chaos repeatable; empty if it is not
    :param typed_passwords: what was typed for ``ssh`` and ``sudo`` when the run began
    :param defaults: what the environment and the defaults files say
    """

    mode: str = "check"
    reach: str = "local"
    verbose: int = 0
    diff: bool = False
    color: str = "auto"
    output: str = "console"
    command: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)
    extra_files: tuple[str, ...] = ()
    limit_groups: tuple[str, ...] = ()
    limit_hosts: tuple[str, ...] = ()
    retry: bool = False
    serial: tuple[int | str, ...] = ()
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    host: str = ""
    detailed_exitcode: bool = False
    list_hosts: bool = False
    force_lock: bool = False
    seed: str = ""
    typed_passwords: dict[str, Secret] = field(default_factory=dict)
    defaults: Defaults = field(default_factory=Defaults)


def fact_options(settings: Settings, *where: str) -> dict[str, Any]:
    """What facts are to know of the settings, as `opsmop.wire.order.Order.options` has it.

    :param where: names of host and role, which differ in how Chaos falls for them
    """
    return {
        "facts_dir": settings.defaults["facts_dir"],
        "facts_timeout": settings.defaults["facts_timeout"],
        "seed": " ".join((settings.seed, *where)) if settings.seed else "",
    }
