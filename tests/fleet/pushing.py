"""A role pushed to the hosts of a fleet by the product itself, and what was said of its resources."""

import importlib.util
import itertools
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

from tests.fleet.harness import Fleet

from opsmop.app import exit_status
from opsmop.drive import Drive, Interruption, prepare, ship
from opsmop.events import ContactFinished, Event, ResourceFailed, ResourceFinished, Warned
from opsmop.settings import Settings
from opsmop.transport.direct import Direct

POLICY = """\
from opsmop import *

class Pushed(Role):
    def inventory(self):
        return TomlInventory("inventory.toml").filter(groups="fleet")

    def sudo(self):
        return {sudo}

    def set_handlers(self):
        return Handlers({handlers})

    def main(self):
{main}

class Then(Pushed):
    def set_handlers(self):
        return Handlers()

    def main(self):
{then}

class Site(Policy):
    def allow_fetching(self):
        return {{"fetched": ["/srv/*", "/etc/hostname"]}}

    def set_roles(self):
        return Roles(Pushed(), Then()) if {later} else Roles(Pushed())
"""
NUMBERS = itertools.count(1)


@dataclass
class Pushed:
    """What a push came to, on all hosts together.

    `ended` holds the ending of every resource, `failures` the text of every failure, `warnings` that of every warning.
    """

    ended: list[ResourceFinished | ResourceFailed] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        if isinstance(event, (ResourceFinished, ResourceFailed)):
            self.ended.append(event)
        if isinstance(event, Warned):
            self.warnings.append(event.text)
        failure = event.failure if isinstance(event, (ContactFinished, ResourceFailed)) else None
        if failure is not None:
            self.failures.append(f"{failure.message}\n{failure.remedy}\n{failure.output}\n{failure.trace}")

    @property
    def changes(self) -> list[str]:
        """The name of every change, host after host, each in its order; with a ? where check only assumes it."""
        each = sorted(self.ended, key=lambda ended: ended.host)
        return [change.name + "?" * change.assumed for ended in each for change in ended.changes]

    @property
    def outputs(self) -> str:
        return "\n".join(ended.output for ended in self.ended if isinstance(ended, ResourceFinished))

    @property
    def texts(self) -> str:
        """What stood and what comes, of every change."""
        return "\n".join(f"{change.before} -> {change.after}" for ended in self.ended for change in ended.changes)


def push(
    fleet: Fleet,
    folder: Path,
    main: str,
    *,
    mode: str = "apply",
    sudo: bool = True,
    force_lock: bool = False,
    transport: Direct | None = None,
    handlers: str = "",
    then: str = "",
) -> Pushed:
    """Push a role whose `main()` has this text; a failure is no exception but in `failures`.

    :param handlers: what is written between the brackets of its `Handlers()`
    :param then: the text of the `main()` of a second role
    """
    number = next(NUMBERS)
    file = folder / f"site{number}.py"
    main, then_main = (textwrap.indent(textwrap.dedent(text).strip(), " " * 8) for text in (main, then or "pass"))
    text = POLICY.format(main=main, then=then_main, later=bool(then), handlers=handlers, sudo=sudo)
    file.write_text(text)
    fleet.inventory(folder / "inventory.toml")
    spec = importlib.util.spec_from_file_location(f"site{number}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    settings, pushed = Settings(mode=mode, reach="push", force_lock=force_lock), Pushed()
    transport = transport or Direct()
    try:
        drive = Drive(
            prepare(module.Site(), file, settings),
            transport=transport,
            pack=ship,
            report=pushed,
            interruption=Interruption(transport.close),
            judge=lambda outcome: exit_status(outcome, settings),
        )
        outcome = drive.drive()
        if outcome.error is not None:
            raise outcome.error
    finally:
        transport.close()
    return pushed


def apply(fleet: Fleet, folder: Path, main: str, **more: str) -> Pushed:
    """Push it, and refuse any failure; `more` as `push` has it."""
    pushed = push(fleet, folder, main, handlers=more.get("handlers", ""), then=more.get("then", ""))
    assert not pushed.failures, "\n".join(pushed.failures)
    return pushed


def check(fleet: Fleet, folder: Path, main: str) -> Pushed:
    """Say what pushing it would do, and refuse any failure."""
    pushed = push(fleet, folder, main, mode="check")
    assert not pushed.failures, "\n".join(pushed.failures)
    return pushed
