"""Packages: what is asked for and what dpkg and apt say, to changes and argument lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from opsmop.errors import CommandFailed, FieldError, ProviderError
from opsmop.language.evaluation import EVALUATION
from opsmop.language.machine import Completed, Effect, Status
from opsmop.language.provider import NOT_NEEDED, Change
from opsmop.resources.package import Apt, Dnf, Package, Yum, dpkg, locks

POLICY = """\
{name}:
  Installed: {installed}
  Candidate: {candidate}
  Version table:
     {candidate} 500
        500 http://mirror.test/debian stable/main amd64 Packages
     1.0-1 400
        400 http://mirror.test/debian stable-old/main amd64 Packages
"""
APT_GET = (
    "apt-get --yes --quiet -oDPkg::Lock::Timeout=0 -oDPkg::Options::=--force-confdef -oDPkg::Options::=--force-confold"
)


@dataclass
class Machine:
    """A Debian machine with zlib 1.2, removed old 0.9, mawk (which provides awk) and kept 3.0 on hold."""

    installed: str = "zlib\tamd64\tii \t1.2\nold\tall\trc \t0.9\nmawk\tamd64\tii \t1.3\nkept\tamd64\thi \t3.0\nzlib\ti386\tii \t1.1\n"
    candidates: dict[str, str] = field(
        default_factory=lambda: {"zlib": "1.3", "hello": "2.10-3", "kept": "3.1", "old": "0.9", "mawk": "1.3"}
    )
    simulation: str = "Inst hello (2.10-3 Debian:12/stable [amd64])\nConf hello (2.10-3 Debian:12/stable [amd64])\n"
    journal: tuple[str, ...] = ()
    lists: tuple[str, ...] = ("mirror.test_dists_stable_main_binary-amd64_Packages",)
    fresh: bool = True
    user: str = "root"
    outcome: Completed = field(default_factory=lambda: Completed("", 0))
    simulated: bool = False
    ran: list[str] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)

    def status(self, path: str) -> Status | None:
        target = locks.LOCKS[0] if path.startswith("/proc/812/fd/") else ""
        return Status("link" if target else "directory", 0o755, "root", "root", target=target)

    def listing(self, path: str) -> list[str]:
        directories = {"/var/lib/dpkg/updates": self.journal, "/var/lib/apt/lists": self.lists, "/proc/812/fd": ("4",)}
        return list(directories.get(path, ()))

    def read(self, path: str) -> bytes:
        texts = {
            "/proc/locks": b"1: POSIX  ADVISORY  READ 7 00:1:9 0 EOF\n2: POSIX  ADVISORY  WRITE 812 00:1:12 0 EOF\n",
            "/proc/812/cmdline": b"unattended-upgrade\0--verbose\0",
        }
        return texts[path]

    def real_user(self) -> str:
        return self.user

    def look(self, kind: str, name: str, real: Callable[[], Any]) -> Any:
        return real()

    def ask(self, argv: Sequence[str], **_: Any) -> Completed:
        command = " ".join(argv)
        if argv[0] == "apt-cache" and argv[1] == "policy":
            candidate = self.candidates.get(argv[2])
            text = POLICY.format(name=argv[2], installed="(none)", candidate=candidate) if candidate else ""
        elif "Provides" in command:
            text = "ii \t\nii \tawk, posix-awk (= 1)\nrc \tgone\n"
        else:
            answers = {
                "dpkg --print": "amd64\n",
                "dpkg-query": self.installed,
                "apt-cache showpkg mta": "Package: mta\nReverse Provides: \npostfix 3 (= )\nexim4 4 (= )\n",
                "apt-cache showpkg one": "Package: one\nReverse Provides: \nonly 3 (= )\n",
                "apt-cache showpkg": "",
                "apt-cache pkgnames": "hello\nzebra\n",
                "apt-get --simulate": self.simulation,
                "find": "/var/lib/apt/lists\n" if self.fresh else "",
            }
            text = next(answer for start, answer in answers.items() if command.startswith(start))
        return Completed(command, 0, stdout=text, output=text)

    def run(self, argv: Sequence[str], *, effects: Sequence[Effect], **_: Any) -> Completed:
        self.ran.append(" ".join(argv))
        self.effects += effects
        return self.outcome


class NothingHappens:
    """An evaluation in which resources are only constructed."""

    def evaluate(self, resource: object) -> None:
        pass

    def unknown_was_read(self, *, value: bool) -> None:
        pass


@pytest.fixture(autouse=True)
def _evaluation() -> Iterator[None]:
    token = EVALUATION.set(NothingHappens())  # type: ignore[arg-type]
    yield
    EVALUATION.reset(token)


def planned(machine: Machine, *names: Any, **parameters: Any) -> list[Change]:
    package = Package(*names, **{"lock_timeout": 0, **parameters})
    return list(Apt(package, machine, None).plan())  # type: ignore[arg-type]


def made(machine: Machine, *names: Any, **parameters: Any) -> list[str]:
    for change in planned(machine, *names, **parameters):
        change.make()
    return machine.ran


@pytest.mark.parametrize(
    ("name", "parameters", "changes", "command"),
    [
        ("hello", {}, ["install"], f"{APT_GET} install hello"),
        ("zlib", {}, [], ""),
        ("old", {}, ["install"], f"{APT_GET} install old"),
        ("awk", {}, [], ""),
        ("zlib:amd64", {}, [], ""),
        ("zlib:i386", {"absent": True}, ["remove"], f"{APT_GET} remove zlib:i386"),
        (["hello", "zlib", "old"], {}, ["install"], f"{APT_GET} install hello old"),
        ("zlib", {"latest": True}, ["upgrade"], f"{APT_GET} install zlib"),
        ("mawk", {"latest": True}, [], ""),
        (["zlib", "hello"], {"latest": True}, ["install"], f"{APT_GET} install zlib hello"),
        ("zlib", {"version": "1.2"}, [], ""),
        ("zlib", {"version": "1.*"}, [], ""),
        ("zlib", {"version": "1.0-1"}, ["upgrade"], f"{APT_GET} --allow-downgrades install zlib=1.0-1"),
        ("hello", {"version": "2.*"}, ["install"], f"{APT_GET} --allow-downgrades install hello=2.*"),
        ("zlib", {"absent": True}, ["remove"], f"{APT_GET} remove zlib"),
        ("zlib", {"absent": True, "purge": True}, ["purge"], f"{APT_GET} purge zlib"),
        ("old", {"absent": True}, [], ""),
        ("old", {"absent": True, "purge": True}, ["purge"], f"{APT_GET} purge old"),
        ("awk", {"absent": True}, [], ""),
        ("nosuch", {"absent": True}, [], ""),
        ("one", {}, ["install"], f"{APT_GET} install one"),
        (
            "hello",
            {"install_recommends": False},
            ["install"],
            f"{APT_GET} -oAPT::Install-Recommends=false install hello",
        ),
    ],
)
def test_what_differs_becomes_one_transaction(
    name: Any, parameters: dict[str, Any], changes: list[str], command: str
) -> None:
    machine = Machine()
    assert [change.name for change in planned(machine, name, **parameters)] == changes
    assert machine.ran == [], "a plan only looks"
    assert made(machine, name, **parameters) == [command] * len(changes)


def test_a_transaction_tells_of_all_that_it_brings_and_takes_away() -> None:
    machine = Machine(
        simulation="Inst a (1 x)\nInst b (1 x)\nInst c (1 x)\nInst d (1 x)\nInst hello [1] (2 x)\nRemv exim4 [4]\n"
    )
    (change,) = planned(machine, "hello")
    assert change.after == "hello 2, with a, b, c and 1 more, removes exim4"
    change.make()
    predicted = {effect.name: effect.value for effect in machine.effects if effect.kind == "package"}
    assert predicted == {"a": "1", "b": "1", "c": "1", "d": "1", "hello": "2", "exim4": None}
    assert {effect.brings for effect in machine.effects if effect.value} == {"installation"}


def test_a_removal_tells_what_goes_with_it() -> None:
    (change,) = planned(Machine(simulation="Remv needs-zlib [1]\nRemv zlib [1.2]\n"), "zlib", absent=True)
    assert (change.before, change.after) == ("zlib 1.2", "removes needs-zlib too")


@pytest.mark.parametrize(
    ("name", "parameters", "message", "remedy"),
    [
        ("helo", {}, "apt knows no package 'helo'", "Did you mean 'hello'? If it is new, update_cache=True"),
        ("hello", {"version": "9"}, "apt offers no version 9 of hello", "It offers 2.10-3, 1.0-1; update_cache=True"),
        ("mta", {}, "no package is named 'mta': it is a virtual one", "Name one of them: exim4, postfix."),
        ("kept", {"latest": True}, "kept is held at 3.0, and another version is wanted", "apt-mark unhold kept"),
        ("kept", {"absent": True}, "kept is held at 3.0, and it is to go", "apt-mark unhold kept"),
        ("hello-", {}, "'hello-' is not the name of a Debian package", "Names are lower-case letters"),
        ("Hello.*", {}, "'Hello.*' is not the name of a Debian package", "Names are lower-case letters"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is(
    name: str, parameters: dict[str, Any], message: str, remedy: str
) -> None:
    machine = Machine()
    with pytest.raises(ProviderError) as caught:
        planned(machine, name, **parameters)
    assert message in caught.value.message
    assert caught.value.remedy.startswith(remedy)
    assert machine.ran == []


@pytest.mark.parametrize(
    "parameters",
    [
        {"name": ["a", "b"], "version": "1"},
        {"name": "a", "version": "1", "latest": True},
        {"name": "a", "latest": True, "absent": True},
        {"name": "a", "purge": True},
    ],
)
def test_contradictions_are_refused_at_construction(parameters: dict[str, Any]) -> None:
    with pytest.raises(FieldError):
        Package(**parameters)


@pytest.mark.parametrize("name", ["", "-y", "a b", "a,b", "nginx=1.2", []])
def test_what_cannot_be_a_name_is_refused(name: Any) -> None:
    with pytest.raises(FieldError):
        planned(Machine(), name)


def test_a_host_without_lists_refreshes_them_first_and_says_so() -> None:
    machine = Machine(lists=("lock", "partial"), candidates={})
    refresh, install = planned(machine, "hello")
    assert (refresh.name, refresh.kind, install.name, install.assumed) == ("refresh lists", "act", "install", True)
    refresh.make()
    assert machine.ran[0].endswith(" update")
    with pytest.raises(ProviderError, match="apt knows no package 'hello'"):
        install.make()


def test_stale_lists_are_refreshed_only_if_asked_and_only_for_a_change() -> None:
    assert [change.name for change in planned(Machine(fresh=False), "hello")] == ["install"]
    assert [change.name for change in planned(Machine(fresh=False), "zlib", update_cache=True)] == []
    wanted = planned(Machine(fresh=False), "hello", update_cache=True)
    assert [change.name for change in wanted] == ["refresh lists", "install"]
    assert [change.name for change in planned(Machine(fresh=True), "hello", update_cache=True)] == ["install"]


def test_refreshed_lists_that_offer_nothing_newer_change_nothing() -> None:
    machine = Machine(fresh=False)
    (change,) = planned(machine, "mawk", latest=True, update_cache=True)
    assert change.assumed
    assert change.make() is NOT_NEEDED
    assert [command.split()[-1] for command in machine.ran] == ["update"]


def test_refreshed_lists_that_offer_a_newer_version_upgrade_to_it() -> None:
    machine = Machine(fresh=False)
    (change,) = planned(machine, ["mawk", "zlib"], latest=True, update_cache=True)
    change.make()
    assert [command.split()[-2:] for command in machine.ran][1] == ["install", "zlib"]


@pytest.mark.parametrize("state", ["iU", "iF", "iHR"])
def test_an_interrupted_dpkg_is_repaired_before_a_change_as_a_change(state: str) -> None:
    machine = Machine(installed=f"broken\tamd64\t{state} \t1\n")
    assert [change.name for change in planned(machine, "hello")] == ["repair dpkg", "install"]
    commands = made(machine, "hello")
    assert commands[0] == "dpkg --force-confdef --force-confold --configure --pending"
    assert commands[1].endswith("--fix-broken install")
    assert commands[2].endswith("install hello")


def test_a_journal_of_dpkg_is_repaired_before_a_removal() -> None:
    changes = planned(Machine(journal=("0001",)), "zlib", absent=True)
    assert [change.name for change in changes] == ["repair dpkg", "remove"]
    changes = planned(Machine(journal=("tmp.i",)), "zlib", absent=True)
    assert [change.name for change in changes] == ["remove"]


def test_whoever_is_not_root_is_told_of_sudo_before_apt_is() -> None:
    machine = Machine(user="ops")
    with pytest.raises(ProviderError) as caught:
        made(machine, "hello")
    assert "sudo()" in caught.value.remedy
    assert machine.ran == []


def test_a_lock_that_stays_names_its_holder() -> None:
    taken = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 812 (unattended-upgr)"
    machine = Machine(outcome=Completed("apt-get", 100, output=taken))
    with pytest.raises(CommandFailed, match=r"process 812 \(unattended-upgrade --verbose\) holds the package"):
        made(machine, "hello")


@pytest.mark.parametrize(
    "text",
    [
        "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?",
        "dpkg: error: dpkg frontend lock was locked by another process with pid 12",
        "dpkg: error: dpkg frontend lock is locked by another process",
        "E: Unable to lock directory /var/lib/apt/lists/",
    ],
)
def test_a_taken_lock_is_told_from_a_missing_right(text: str) -> None:
    assert locks.taken(Completed("", 100, output=text))
    assert not locks.taken(Completed("", 0, output=text))
    refused = "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), are you root?"
    assert not locks.taken(Completed("", 100, output=refused))


def test_a_failure_of_fetching_points_at_the_lists() -> None:
    machine = Machine(
        outcome=Completed("apt-get", 100, output="E: Failed to fetch http://m.test/x.deb  404  Not Found")
    )
    with pytest.raises(CommandFailed) as caught:
        made(machine, "hello")
    assert "update_cache=True" in caught.value.remedy


def test_policies_of_several_packages_are_told_apart() -> None:
    text = (
        POLICY.format(name="a", installed="(none)", candidate="1:2.0-1") + "b:\n  Installed: 3\n  Candidate: (none)\n"
    )
    assert dpkg.offers(text) == {"a": dpkg.Offer("1:2.0-1", ("1:2.0-1", "1.0-1")), "b": dpkg.Offer(None, ())}


def test_the_installed_version_is_among_those_on_offer() -> None:
    text = "a:\n  Installed: 2\n  Candidate: 2\n  Version table:\n *** 2 100\n        100 /var/lib/dpkg/status\n"
    assert dpkg.offers(text)["a"].versions == ("2",)


def test_a_mirror_that_stays_half_renewed_is_asked_three_times_and_told() -> None:
    said = "E: Failed to fetch http://m.test/Packages  Hash Sum mismatch"
    machine = Machine(outcome=Completed("apt-get", 100, output=said))
    with pytest.raises(CommandFailed) as caught:
        made(machine, "hello")
    assert len(machine.ran) == 3
    assert "being renewed" in caught.value.remedy
    once = Machine(outcome=Completed("apt-get", 100, output="E: nothing of the kind"))
    with pytest.raises(CommandFailed):
        made(once, "hello")
    assert len(once.ran) == 1


@pytest.mark.parametrize(
    ("name", "wanted", "commands"),
    [
        ("zlib", True, ["apt-mark hold zlib"]),
        ("zlib", False, []),
        ("kept", True, []),
        ("kept", False, ["apt-mark unhold kept"]),
        ("hello", True, ["install hello", "apt-mark hold hello"]),
    ],
)
def test_marks_are_made_where_they_are_not_as_wanted(name: str, wanted: bool, commands: list[str]) -> None:
    ran = made(Machine(), name, held=wanted)
    assert [command[-len(end) :] for command, end in zip(ran, commands, strict=True)] == commands


def test_what_a_package_manager_has_not_is_refused_with_its_name() -> None:
    with pytest.raises(FieldError, match="held"):
        Package("zlib", held=True, absent=True)
    for provider, parameters in (
        (Dnf, {"release": "stable"}),
        (Yum, {"held": True}),
        (Yum, {"best": False}),
        (Apt, {"repositories": ["extra"]}),
        (Apt, {"excludes": ["kernel*"]}),
    ):
        package = Package("zlib", **parameters)  # type: ignore[arg-type]
        with pytest.raises(ProviderError, match=f"{provider.short} has no {next(iter(parameters))}="):
            list(provider(package, Machine(), None).plan())  # type: ignore[arg-type]
