"""Package managers that no test machine has, by table: what they print, to changes and argument lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from opsmop.errors import CommandFailed, NoProviderError, ProviderError
from opsmop.language.evaluation import EVALUATION
from opsmop.language.machine import Completed, Effect
from opsmop.language.provider import Change, Provider
from opsmop.resources.package import Brew, Dnf, Package, Yum
from opsmop.target.attempt import chosen_provider

Answers = dict[str, tuple[int, str]]

RPM = {
    "rpm --query --all": (0, "zlib\tx86_64\t0:1.2-3.el7\nepoch\tnoarch\t2:1.0-1\n"),
    "rpm --query --whatprovides webserver": (0, "nginx-1\n"),
    "rpm --query --whatprovides": (1, "no package provides it\n"),
    "find": (0, "/var/cache/yum/x/repomd.xml\n"),
}
YUM: Answers = {
    **RPM,
    "yum --quiet --cacheonly list available --showduplicates zlib": (
        0,
        "Available Packages\nzlib.x86_64   1.2-3.el7   base\nzlib.x86_64   1.3-1.el7   updates\n",
    ),
    "yum --quiet --cacheonly list available --showduplicates hello": (0, "hello.x86_64  1:2.10-1  base\n"),
    "yum --quiet --cacheonly list available": (1, "Error: No matching Packages to list\n"),
    "yum --quiet --cacheonly provides": (0, ""),
}
DNF: Answers = {
    **RPM,
    "dnf --quiet --cacheonly repoquery --available --latest-limit=1": (0, "zlib\tx86_64\t0:1.3-1.el9\n"),
    "dnf --quiet --cacheonly repoquery --available": (0, "zlib\tx86_64\t0:1.3-1.el9\n"),
}
BREW: Answers = {
    "brew list": (0, "wget 1.21 1.24\npython@3.12 3.12.1\n"),
    "brew info --json=v2 wget": (0, '{"formulae": [{"versions": {"stable": "1.25"}, "revision": 0}], "casks": []}'),
    "brew info --json=v2 python@3.12": (
        0,
        '{"formulae": [{"versions": {"stable": "3.12.1"}, "revision": 0}], "casks": []}',
    ),
    "brew info --json=v2 jq": (0, '{"formulae": [{"versions": {"stable": "1.7"}, "revision": 1}], "casks": []}'),
    "brew info --json=v2 firefox": (0, '{"formulae": [], "casks": [{"version": "121.0"}]}'),
    "brew info": (1, "Error: No available formula\n"),
}


@dataclass
class Machine:
    """A machine that answers by table: the first entry that a command begins with."""

    answers: Answers
    user: str = "root"
    commands: tuple[str, ...] = ()
    outcomes: list[Completed] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)
    simulated: bool = False
    assumptions: int = 0

    def real_user(self) -> str:
        return self.user

    def status(self, path: str, *, follow: bool = False) -> None:
        return None

    def which(self, command: str) -> str | None:
        return f"/usr/bin/{command}" if command in self.commands else None

    def read(self, path: str) -> bytes:
        return {"/proc/77/cmdline": b"dnf\0upgrade\0"}[path]

    def look(self, kind: str, name: str, real: Callable[[], Any]) -> Any:
        return real()

    def ask(self, argv: Sequence[str], **_: Any) -> Completed:
        command = " ".join(argv)
        rc, text = next(answer for start, answer in self.answers.items() if command.startswith(start))
        return Completed(command, rc, stdout="" if rc else text, output=text)

    def run(self, argv: Sequence[str], *, effects: Sequence[Effect], **_: Any) -> Completed:
        self.ran.append(" ".join(argv))
        return self.outcomes.pop(0) if self.outcomes else Completed(self.ran[-1], 0)


class NothingHappens:
    def evaluate(self, resource: object) -> None:
        pass


@pytest.fixture(autouse=True)
def _evaluation() -> Iterator[None]:
    token = EVALUATION.set(NothingHappens())  # type: ignore[arg-type]
    yield
    EVALUATION.reset(token)


def planned(provider: type[Provider], machine: Machine, *names: Any, **parameters: Any) -> list[Change]:
    package = Package(*names, **{"lock_timeout": 0, **parameters})
    return list(provider(package, machine, None).plan())  # type: ignore[arg-type]


def made(provider: type[Provider], machine: Machine, *names: Any, **parameters: Any) -> list[str]:
    for change in planned(provider, machine, *names, **parameters):
        change.make()
    return machine.ran


YUM_RUNS = "yum --assumeyes --quiet --setopt=exit_on_lock=1"


@pytest.mark.parametrize(
    ("name", "parameters", "ran"),
    [
        ("hello", {}, [f"{YUM_RUNS} install hello"]),
        ("zlib", {}, []),
        ("zlib.x86_64", {}, []),
        ("webserver", {}, []),
        (["hello", "zlib"], {}, [f"{YUM_RUNS} install hello"]),
        ("zlib", {"version": "1.2"}, []),
        ("zlib", {"version": "1.2-3.el7"}, []),
        ("epoch", {"version": "1.0"}, []),
        ("epoch", {"version": "2:1.0-1"}, []),
        ("zlib", {"version": "1.3"}, [f"{YUM_RUNS} install zlib-1.3"]),
        ("zlib", {"latest": True}, [f"{YUM_RUNS} install zlib-1.3-1.el7"]),
        ("zlib", {"absent": True}, [f"{YUM_RUNS} remove zlib"]),
        ("hello", {"absent": True}, []),
        ("hello", {"install_recommends": False}, [f"{YUM_RUNS} --setopt=install_weak_deps=False install hello"]),
    ],
)
def test_yum_does_what_differs(name: Any, parameters: dict[str, Any], ran: list[str]) -> None:
    machine = Machine(YUM)
    planned(Yum, machine, name, **parameters)
    assert machine.ran == [], "a plan only looks"
    assert made(Yum, machine, name, **parameters) == ran


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("nothing", {}, "yum knows no package 'nothing'"),
        ("zlib", {"version": "9"}, "yum offers no version 9 of zlib"),
        ("@web", {}, "@web is a group of packages"),
        ("a/b", {}, "'a/b' is not the name of an rpm package"),
    ],
)
def test_yum_refuses_what_it_has_not(name: str, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ProviderError) as caught:
        planned(Yum, Machine(YUM), name, **parameters)
    assert message in caught.value.message


def test_dnf_names_who_holds_its_lock_when_it_has_waited_long_enough() -> None:
    text = "Failed to obtain the transaction lock. The application with PID 77 is: dnf"
    machine = Machine(DNF, outcomes=[Completed("dnf", 200, output=text)])
    with pytest.raises(CommandFailed, match=r"process 77 \(dnf upgrade\) holds the package manager's lock"):
        made(Dnf, machine, "zlib", latest=True)


def test_lists_that_are_not_there_are_made_first() -> None:
    nothing = {"find": (0, ""), "dnf": (0, ""), **{start: answer for start, answer in RPM.items() if start != "find"}}
    assert [change.name for change in planned(Dnf, Machine(nothing), "hello")] == ["refresh lists", "install"]
    machine = Machine(nothing)
    with pytest.raises(ProviderError):  # they still are not there
        made(Dnf, machine, "hello")
    assert machine.ran == ["dnf --assumeyes --quiet --setopt=exit_on_lock=True makecache --refresh"]


@pytest.mark.parametrize(
    ("name", "parameters", "ran"),
    [
        ("jq", {}, ["brew install jq"]),
        ("firefox", {}, ["brew install firefox"]),
        ("wget", {}, []),
        (["jq", "wget"], {}, ["brew install jq"]),
        ("wget", {"latest": True}, ["brew upgrade wget"]),
        ("python@3.12", {"latest": True}, []),
        ("wget", {"absent": True}, ["brew uninstall wget"]),
        ("wget", {"absent": True, "purge": True}, ["brew uninstall --zap wget"]),
        ("jq", {"absent": True}, []),
        ("jq", {"update_cache": True}, ["brew update", "brew install jq"]),
    ],
)
def test_brew_does_what_differs(name: Any, parameters: dict[str, Any], ran: list[str]) -> None:
    assert made(Brew, Machine(BREW, user="ada"), name, **parameters) == ran


def test_brew_refuses_root_versions_and_what_it_has_not() -> None:
    for user, parameters, message in (
        ("root", {}, "brew does not run as root"),
        ("ada", {"version": "1"}, "brew installs no version of one's choice"),
        ("ada", {}, "brew knows no package 'nothing'"),
    ):
        with pytest.raises(ProviderError, match=message):
            planned(Brew, Machine(BREW, user=user), "nothing", **parameters)


@pytest.mark.parametrize(
    ("commands", "short"),
    [(("apt-get", "dnf"), "apt"), (("dnf", "yum"), "dnf"), (("yum",), "yum"), (("brew", "npm", "pip"), "brew")],
)
def test_the_machines_own_package_manager_is_chosen(commands: tuple[str, ...], short: str) -> None:
    machine = Machine({}, commands=commands)
    assert chosen_provider(Package("x"), machine).short == short  # type: ignore[arg-type]


class Rare(Package):
    """A type whose only providers are those that a test defines."""


def _recorded(module: str, short: str) -> type[Provider]:
    return type("Recorded", (Provider,), {"__module__": module}, provides=Rare, short=short)


def test_what_a_notebooks_cell_defines_anew_takes_the_place_of_the_earlier() -> None:
    kept = [_recorded("cell", "anew"), _recorded("cell", "anew")]
    assert chosen_provider(Rare("x", method="anew"), Machine({})) is kept[1]  # type: ignore[arg-type]


def test_a_short_name_that_two_modules_give_is_refused_and_told_in_full() -> None:
    kept = [_recorded("one", "twice"), _recorded("two", "twice")]
    with pytest.raises(NoProviderError, match=r"has 2 methods 'twice': one\.Recorded, two\.Recorded"):
        chosen_provider(Rare("x", method="twice"), Machine({}))  # type: ignore[arg-type]
    assert chosen_provider(Rare("x", method="two.Recorded"), Machine({})) is kept[1]  # type: ignore[arg-type]
