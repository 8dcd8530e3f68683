"""`both(policy)` runs one policy here in this process and pushed to a process of its own, and gives the one stream."""

from __future__ import annotations

import dataclasses
import importlib.util
import itertools
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from opsmop import RunResult, Settings, run
from opsmop.events import ContactFinished, EvaluationFinished, Event, ResourceFailed, ResourceFinished, RunStarted

HEAD = "from opsmop.core.easy import *\nOUT = {out!r}\ninventory = TomlInventory('inventory.toml')\n\n"
INVENTORY = '[groups.all.hosts]\nhere = "opsmop_connection=local"\n'
_NUMBERS = itertools.count(1)


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log and the run lock are not those of whoever runs the tests."""
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))


@dataclass(frozen=True)
class Seen:
    """What a policy came to, the same in both modes."""

    events: tuple[Event, ...]
    result: RunResult
    out: Path

    @property
    def echoed(self) -> list[str]:
        """What every `Echo` said."""
        return [event.output for event in self._all(ResourceFinished) if event.type == "Echo"]

    @property
    def endings(self) -> list[tuple[str, str, str]]:
        """Type, name and status of every resource, in the order of their endings."""
        ended = (event for event in self.events if isinstance(event, (ResourceFinished, ResourceFailed)))
        return [(event.type, event.name, getattr(event, "status", "failed")) for event in ended]

    @property
    def ending(self) -> EvaluationFinished:
        """How the last role ended on its host."""
        found: EvaluationFinished = self._all(EvaluationFinished)[-1]
        return found

    @property
    def failure(self) -> str:
        """Place, message and remedy of what failed last."""
        failure = self.ending.failure
        assert failure is not None, self.events
        return f"{failure.place}: {failure.error}: {failure.message}\n{failure.remedy}"

    def _all(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


class Both:
    """See the module."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder, folder / "out"
        (folder / "inventory.toml").write_text(INVENTORY)

    def write(self, text: str, files: Mapping[str, str | bytes]) -> Path:
        """The policy's file, with others beside it; `Role` means one for the host of the inventory."""
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        site = self.folder / f"site{next(_NUMBERS)}.py"
        site.write_text(HEAD.format(out=str(self.out)) + textwrap.dedent(text))
        return site

    def one(self, reach: str, site: Path, **settings: Any) -> Seen:
        """Run it in one mode."""
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir()
        events: list[Event] = []
        module = loaded(site)
        try:
            result = run(
                module.Site(),
                Settings(**{"mode": "apply", "reach": reach, "host": "here" if reach == "local" else "", **settings}),
                events=events.append,
            )
        finally:
            del sys.modules[module.__name__]
        return Seen(tuple(plain(event) for event in events), result, self.out)

    def __call__(self, text: str, files: Mapping[str, str | bytes] | None = None, **settings: Any) -> Seen:
        """Run it in both, and see that they say the same."""
        site = self.write(text, files or {})
        here, pushed = (self.one(reach, site, **settings) for reach in ("local", "push"))
        assert here.events == pushed.events
        return pushed


def loaded(site: Path) -> ModuleType:
    """The policy's module, as an import of it would give it."""
    spec = importlib.util.spec_from_file_location(site.stem, site)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[site.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def plain(event: Event) -> Event:
    """The event without what may differ: the run, times, the reach, and the bytes and files that travelled."""
    blank: dict[str, Any] = {"run": "", "ts": 0.0, "heard": 0.0}
    blank |= {name: 0.0 for name in ("duration",) if hasattr(event, name)}
    if isinstance(event, RunStarted):
        blank["reach"] = ""
    if isinstance(event, ContactFinished):
        blank |= {"sent": 0, "received": 0, "requests": 0}
    return dataclasses.replace(event, **blank)


BothModes = Callable[..., Seen]


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Both]:
    """Run policies in both modes; see `Both.__call__`. Relative paths of the inventory are in the test's folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield Both(tmp_path)
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]
