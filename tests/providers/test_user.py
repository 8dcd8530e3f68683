"""Users and groups: what is asked for and what the machine says, to changes and argument lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from opsmop import Secret
from opsmop.errors import CommandFailed, FieldError, OpsMopError, ProviderError
from opsmop.language.evaluation import EVALUATION
from opsmop.language.machine import Account, AccountGroup, Completed, Effect, Status
from opsmop.resources.group import Group, Groupadd
from opsmop.resources.user import User, Useradd

ANA = Account("ana", 1000, "ana", "/home/ana", "/bin/bash", "Ana", ("adm",))
HASH, OTHER_HASH = "$6$salt$hash", "$y$j9T$salt$other"
LOGIN_DEFINITIONS = b"# comment\nUMASK 022\nHOME_MODE\t0750\nUSERGROUPS_ENAB yes\n"


@dataclass
class Machine:
    """A machine with the user ana."""

    accounts: dict[str, Account] = field(default_factory=lambda: {"ana": ANA, "root": replace(ANA, name="root", uid=0)})
    groups: dict[str, int] = field(default_factory=lambda: {"ana": 1000, "adm": 4, "sudo": 27, "users": 100})
    shadow: str = f"root:*:1::::::\nana:{HASH}:1::::::\n"
    user: str = "root"
    rc: int = 0
    files: dict[str, Status] = field(
        default_factory=lambda: {
            "/home": Status("directory", 0o755, "root", "root"),
            "/home/ana": Status("directory", 0o700, "ana", "ana"),
            "/etc/login.defs": Status("file", 0o644, "root", "root"),
            "/etc/skel": Status("directory", 0o755, "root", "root"),
            "/etc/skel/.profile": Status("file", 0o644, "root", "root"),
        }
    )
    mounts: list[str] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)
    fed: list[bytes | None] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)

    def account(self, name: str | int) -> Account | None:
        return next((each for each in self.accounts.values() if name in (each.name, each.uid)), None)

    def account_group(self, name: str | int) -> AccountGroup | None:
        return next((AccountGroup(*entry) for entry in self.groups.items() if str(name) in map(str, entry)), None)

    def read(self, path: str) -> bytes:
        if path == "/etc/passwd":
            lines = [f"{each.name}:x:{each.uid}:{self.groups.get(each.group)}::::" for each in self.accounts.values()]
        elif path == "/etc/group":
            lines = [f"{name}:x:{gid}:" for name, gid in self.groups.items()]
        else:
            return {"/etc/shadow": self.shadow.encode(), "/etc/login.defs": LOGIN_DEFINITIONS}.get(path, b"content")
        return "\n".join(lines).encode()

    def status(self, path: str, *, follow: bool = False) -> Status | None:
        return self.files.get(path)

    def listing(self, path: str) -> list[str]:
        return [each.rpartition("/")[2] for each in self.files if each.rpartition("/")[0] == path]

    def mount_points(self, path: str) -> list[str]:
        return self.mounts

    programs: tuple[str, ...] = ("ssh-keygen",)

    def which(self, command: str) -> str | None:
        return command if command in self.programs else None

    @contextmanager
    def acting_as(self, name: str) -> Iterator[None]:
        self.ran.append(f"[as {name}]")
        yield
        self.ran.append("[as root]")

    def real_user(self) -> str:
        return self.user

    def look(self, kind: str, name: str, real: Callable[[], Any]) -> Any:
        return real()

    def ask(self, argv: Sequence[str], **_: Any) -> Completed:
        assert list(argv) == ["useradd", "-D"]
        return Completed("", 0, stdout="GROUP=100\nHOME=/home\nSHELL=/bin/sh\nSKEL=/etc/skel\n")

    def run(self, argv: Sequence[str], *, effects: Sequence[Effect], input: bytes | None = None) -> Completed:  # noqa: A002
        self.ran.append(" ".join(argv))
        self.fed.append(input)
        self.effects.extend(effects)
        return Completed(" ".join(argv), self.rc, output="what it said")

    def make_directory(self, path: str, *, mode: int) -> None:
        self.ran.append(f"[directory {path} {mode:o}]")

    def write(self, path: str, content: bytes, *, mode: int, owner: str | None, group: str | None) -> None:
        self.ran.append(f"[file {path} {mode:o} {owner} {group}]")

    def set_owner(self, path: str, owner: str | None, group: str | None) -> None:
        self.ran.append(f"[owner {path} {owner} {group}]")

    def remove_tree(self, path: str) -> None:
        self.ran.append(f"[remove {path}]")


class Planning:
    """An evaluation that plans and makes on a machine of these tests."""

    def __init__(self, machine: Machine) -> None:
        self.machine, self.changes = machine, []
        self.hidden: set[str] = set()

    def hide(self, text: str) -> None:
        self.hidden.add(text)

    def evaluate(self, resource: Any) -> None:
        provider = (Useradd if isinstance(resource, User) else Groupadd)(resource, self.machine, None)
        self.changes = list(provider.plan())
        for change in self.changes:
            change.make()


def made(construct: Callable[[], object], machine: Machine | None = None) -> tuple[list[str], list[str]]:
    """The names of the changes, and what they ran."""
    planning = Planning(machine or Machine())
    token = EVALUATION.set(planning)
    try:
        construct()
    finally:
        EVALUATION.reset(token)
    return [change.name for change in planning.changes], planning.machine.ran


HOME_OF_BO = ["[directory /home/bo 750]", "[file /home/bo/.profile 644 bo bo]", "[owner /home/bo bo bo]"]
SAME: tuple[list[str], list[str]] = ([], [])
TABLE: dict[str, tuple[Callable[[], object], tuple[list[str], list[str]]]] = {
    "a new user": (
        lambda: User("bo"),
        (["create", "make home"], ["useradd -M -U -d /home/bo -s /bin/sh -c  bo", *HOME_OF_BO]),
    ),
    "a new system user": (
        lambda: User("bo", system=True),
        (["create"], ["useradd -M -U -d /home/bo -s /bin/sh -c  -r bo"]),
    ),
    "a new user with all": (
        lambda: User(
            "bo", uid=1500, group="users", groups=["sudo", "adm"], shell="/bin/zsh", home="/srv/bo", comment="Bo B",
            create_home=False,
        ),
        (["create"], ["useradd -M -N -g users -d /srv/bo -s /bin/zsh -c Bo B -u 1500 -G adm,sudo bo"]),
    ),
    "a new user whose group is there already": (
        lambda: User("sudo", create_home=False),
        (["create"], ["useradd -M -N -g sudo -d /home/sudo -s /bin/sh -c  sudo"]),
    ),
    "a new user with a password": (
        lambda: User("bo", system=True, password_hash=Secret(HASH)),
        (["create", "password"], ["useradd -M -U -d /home/bo -s /bin/sh -c  -r bo", "chpasswd -e"]),
    ),
    "a home whose parents are missing": (
        lambda: User("bo", home="/srv/homes/bo", group=100),
        (
            ["create", "make home"],
            [
                "useradd -M -N -g users -d /srv/homes/bo -s /bin/sh -c  bo",
                "[directory /srv 755]",
                "[directory /srv/homes 755]",
                "[directory /srv/homes/bo 750]",
                "[file /srv/homes/bo/.profile 644 bo users]",
                "[owner /srv/homes/bo bo users]",
            ],
        ),
    ),
    "a user as it is": (
        lambda: User(
            "ana", uid=1000, group="ana", groups=["adm"], append=False, shell="/bin/bash", home="/home/ana/",
            create_home=True, comment="Ana", password_hash=Secret(HASH), locked=False, system=True,
        ),
        SAME,
    ),
    "a group by number": (lambda: User("ana", group=1000), SAME),
    "another number": (lambda: User("ana", uid=1200), (["uid"], ["usermod -u 1200 ana"])),
    "another group": (lambda: User("ana", group="users"), (["group"], ["usermod -g users ana"])),
    "another shell": (lambda: User("ana", shell="/bin/zsh"), (["shell"], ["usermod -s /bin/zsh ana"])),
    "another comment": (lambda: User("ana", comment=""), (["comment"], ["usermod -c  ana"])),
    "one more group": (lambda: User("ana", groups=["sudo"]), (["groups"], ["usermod -G adm,sudo ana"])),
    "exactly these groups": (
        lambda: User("ana", groups=["sudo"], append=False),
        (["groups"], ["usermod -G sudo ana"]),
    ),
    "no group at all": (lambda: User("ana", groups=[], append=False), (["groups"], ["usermod -G  ana"])),
    "another home": (lambda: User("ana", home="/srv/ana"), (["home"], ["usermod -d /srv/ana ana"])),
    "another home, moved": (
        lambda: User("ana", home="/srv/ana", move_home=True),
        (["home"], ["usermod -d /srv/ana -m ana"]),
    ),
    "another password": (lambda: User("ana", password_hash=Secret(OTHER_HASH)), (["password"], ["chpasswd -e"])),
    "a lock": (lambda: User("ana", locked=True), (["lock"], ["usermod -L ana"])),
    "an end": (lambda: User("ana", expires="2030-01-02"), (["expires"], ["chage -E 21916 ana"])),
    "no end, as it is": (lambda: User("ana", expires="never"), SAME),
    "a new user with an end": (
        lambda: User("bo", system=True, expires="1970-01-02"),
        (["create", "expires"], ["useradd -M -U -d /home/bo -s /bin/sh -c  -r bo", "chage -E 1 bo"]),
    ),
    "a new user without an end": (
        lambda: User("bo", system=True, expires="never"),
        (["create"], ["useradd -M -U -d /home/bo -s /bin/sh -c  -r bo"]),
    ),
    "a home from a skeleton of one's own": (
        lambda: User("bo", skeleton="/etc/skel/"),
        (["create", "make home"], ["useradd -M -U -d /home/bo -s /bin/sh -c  bo", *HOME_OF_BO]),
    ),
    "a key to log in elsewhere": (
        lambda: User("ana", generate_ssh_key=True),
        (
            ["make ssh key"],
            [
                "[as ana]",
                "[directory /home/ana/.ssh 700]",
                "ssh-keygen -q -t ed25519 -N  -f /home/ana/.ssh/id_ed25519",
                "[as root]",
            ],
        ),
    ),
    "gone": (lambda: User("ana", absent=True), (["remove"], ["userdel ana"])),
    "gone with its home": (
        lambda: User("ana", absent=True, remove=True),
        (["remove", "remove home"], ["userdel ana", "[remove /home/ana]"]),
    ),
    "gone already": (lambda: User("bo", absent=True, remove=True), SAME),
    "a new group": (lambda: Group("web"), (["create"], ["groupadd web"])),
    "a new system group": (lambda: Group("web", gid=800, system=True), (["create"], ["groupadd -g 800 -r web"])),
    "a group as it is": (lambda: Group("adm", gid=4, system=True), SAME),
    "a group's other number": (lambda: Group("adm", gid=40), (["gid"], ["groupmod -g 40 adm"])),
    "a group that goes": (lambda: Group("adm", absent=True), (["remove"], ["groupdel adm"])),
    "a group that is gone": (lambda: Group("web", absent=True), SAME),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_what_is_asked_for_and_what_is_there_make_the_changes(name: str) -> None:
    construct, expected = TABLE[name]
    assert made(construct) == expected


@pytest.mark.parametrize(
    ("construct", "said"),
    [
        (lambda: User("ana", uid=0), "User ana cannot have the number 0: the user root has it"),
        (lambda: User("bo", uid=1000), "User bo cannot have the number 1000: the user ana has it"),
        (lambda: User("ana", group="sudoo"), "there is no group 'sudoo'"),
        (lambda: User("ana", groups=["adm", "weel"]), "there is no group 'weel'"),
        (lambda: User("bo", group=77), "there is no group 77"),
        (lambda: User("root", absent=True), "the user root is the superuser"),
        (lambda: Group("adm", gid=27), "Group adm cannot have the number 27: the group sudo has it"),
        (lambda: Group("web", gid=27), "Group web cannot have the number 27: the group sudo has it"),
        (lambda: User("bo", system=True, generate_ssh_key=True), "/home/bo, the home of bo, does not exist"),
        (lambda: User("bo", skeleton="/etc/none"), "User bo: skeleton='/etc/none' does not exist"),
        (lambda: User("bo", skeleton="/etc/login.defs"), "User bo: skeleton='/etc/login.defs' is a file"),
        (lambda: Group("ana", absent=True), "the group ana cannot go: it is the primary group of ana, root"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(construct: Callable[[], object], said: str) -> None:
    machine = Machine()
    with pytest.raises(ProviderError) as caught:
        made(construct, machine)
    assert caught.value.message.startswith(said)
    assert machine.ran == []


def test_a_group_that_is_nearly_there_is_named() -> None:
    with pytest.raises(ProviderError) as caught:
        made(lambda: User("ana", groups=["sudoo"]))
    assert "'sudo'" in caught.value.remedy


@pytest.mark.parametrize(
    ("construct", "said"),
    [
        (lambda: User("bo:x"), "User cannot have the name 'bo:x'"),
        (lambda: User("-bo"), "User cannot have the name '-bo'"),
        (lambda: User("1000"), "User cannot have the name '1000'"),
        (lambda: Group("b" * 33), "Group cannot have the name"),
        (lambda: User("bo", uid=-1), "User bo: uid=-1 is not between"),
        (lambda: Group("web", gid=2**32), "Group web: gid=4294967296 is not between"),
        (lambda: User("bo", home="bo"), "User takes an absolute path, not 'bo'"),
        (lambda: User("bo", comment="a:b"), "User bo: comment= cannot hold a colon"),
        (lambda: User("bo", password_hash="hunter2"), "User bo: password_hash= is not a hash"),
        (lambda: User("bo", password_hash=Secret("hunter2\nroot:x")), "User bo: password_hash= is not a hash"),
        (lambda: User("bo", force=True), "User bo: force=True says what goes with absent=True"),
        (lambda: User("bo", absent=True, uid=5), "User takes only one of absent, uid"),
        (lambda: User("bo", expires="soon"), "User bo: expires='soon' is no day"),
        (lambda: User("bo", expires="2030-02-30"), "User bo: expires='2030-02-30' is no day"),
        (lambda: User("bo", expires="1970-01-01"), "User bo: expires='1970-01-01' is no day"),
        (lambda: User("bo", expires="20300101"), "User bo: expires='20300101' is no day"),
        (lambda: User("bo", absent=True, expires="never"), "User takes only one of absent, expires"),
        (lambda: User("bo", skeleton="skel"), "User takes an absolute path, not 'skel'"),
        (lambda: User("bo", skeleton="/srv/skel", system=True), "User bo: skeleton= is for a new home"),
        (lambda: User("bo", skeleton="/srv/skel", create_home=False), "User bo: skeleton= is for a new home"),
        (lambda: User("bo", generate_ssh_key="dsa"), "User bo: generate_ssh_key='dsa' is no kind of key"),
        (lambda: User("bo", absent=True, generate_ssh_key=True), "User takes only one of absent, generate_ssh_key"),
        (lambda: User("bo", remove=True), "User bo: remove=True says what goes with absent=True"),
        (lambda: User("bo", move_home=True), "User bo: move_home=True needs home="),
        (lambda: User("bo", groups="adm"), "User(groups=...) takes list[str] | None, not str 'adm'"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(construct: Callable[[], object], said: str) -> None:
    with pytest.raises(FieldError) as caught:
        made(construct)
    assert caught.value.message.startswith(said)
    assert "hunter2" not in str(caught.value)
    assert caught.value.place.startswith(__file__)


def test_a_hash_goes_by_standard_input_and_never_among_the_arguments() -> None:
    machine = Machine()
    made(lambda: User("ana", password_hash=Secret(OTHER_HASH)), machine)
    assert machine.fed == [f"ana:{OTHER_HASH}\n".encode()]
    assert OTHER_HASH not in " ".join(machine.ran)


def test_a_new_password_keeps_the_lock_unless_told_otherwise() -> None:
    for locked, line in (
        (None, f"ana:!{OTHER_HASH}\n"),
        (True, f"ana:!{OTHER_HASH}\n"),
        (False, f"ana:{OTHER_HASH}\n"),
    ):
        machine = Machine(shadow=f"ana:!{HASH}:1::::::\n")
        made(lambda: User("ana", password_hash=Secret(OTHER_HASH), locked=locked), machine)  # noqa: B023 - made at once
        assert machine.fed == [line.encode()]


def test_a_first_password_opens_an_account_that_had_none() -> None:
    machine = Machine(shadow="ana:!:1::::::\n")
    assert made(lambda: User("ana", password_hash=Secret(HASH)), machine)[0] == ["password"]
    assert machine.fed == [f"ana:{HASH}\n".encode()]


def test_a_password_of_ones_own_stays_if_that_is_said() -> None:
    for shadow, named in ((OTHER_HASH, []), (f"!{OTHER_HASH}", []), ("!", ["password"]), ("*", ["password"])):
        machine = Machine(shadow=f"ana:{shadow}:1::::::\n")
        assert made(lambda: User("ana", password_hash=Secret(HASH), keep_password=True), machine)[0] == named
    with pytest.raises(FieldError, match="keep_password=True goes with"):
        made(lambda: User("ana", keep_password=True), Machine())


def test_an_account_without_a_password_cannot_be_unlocked() -> None:
    with pytest.raises(ProviderError, match="User ana has no password that could be unlocked"):
        made(lambda: User("ana", locked=False), Machine(shadow="ana:!:1::::::\n"))


def test_a_locked_password_can_be_unlocked() -> None:
    assert made(lambda: User("ana", locked=False), Machine(shadow=f"ana:!{HASH}:1::::::\n")) == (
        ["unlock"],
        ["usermod -U ana"],
    )


def test_a_home_that_is_missing_is_made_for_a_user_that_is_there_only_when_told() -> None:
    machine = Machine()
    del machine.files["/home/ana"]
    assert made(lambda: User("ana"), machine) == SAME
    assert made(lambda: User("ana", create_home=True), machine)[0] == ["make home"]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (Status("directory", 0o755, "root", "root"), "belongs to root"),
        (Status("link", 0o777, "ana", "ana", target="/"), "is a link"),
    ],
)
def test_a_home_that_is_not_the_users_own_directory_stays(status: Status, said: str) -> None:
    machine = Machine()
    machine.files["/home/ana"] = status
    with pytest.raises(ProviderError, match=said):
        made(lambda: User("ana", absent=True, remove=True), machine)
    assert machine.ran == []


def test_the_home_of_a_user_who_cannot_be_removed_stays() -> None:
    machine = Machine(rc=8)  # userdel(8): the user is logged in
    with pytest.raises(CommandFailed, match=r"User ana failed: .* exit status 8"):
        made(lambda: User("ana", absent=True, remove=True), machine)
    assert machine.ran == ["userdel ana"]


def test_an_end_is_read_as_the_day_that_it_is_and_taken_away_again() -> None:
    for wanted, ran in (("2030-01-02", []), ("2030-01-03", ["chage -E 21917 ana"]), ("never", ["chage -E -1 ana"])):
        machine = Machine(shadow="ana:!:1:0:99999:7::21916:\n")
        assert made(lambda: User("ana", expires=wanted), machine)[1] == ran  # noqa: B023 - made at once


@pytest.mark.parametrize(
    ("there", "wanted", "kinds"),
    [
        ("id_rsa", True, []),
        ("id_ed25519.pub", True, []),
        ("id_rsa", "rsa", []),
        ("id_rsa", "ed25519", ["make ssh key"]),
        ("known_hosts", True, ["make ssh key"]),
    ],
)
def test_a_key_that_is_there_is_never_made_again(there: str, wanted: bool | str, kinds: list[str]) -> None:
    machine = Machine()
    machine.files[f"/home/ana/.ssh/{there}"] = Status("file", 0o600, "ana", "ana")
    assert made(lambda: User("ana", generate_ssh_key=wanted), machine)[0] == kinds


def test_a_machine_that_cannot_make_keys_says_so() -> None:
    with pytest.raises(ProviderError, match="there is no ssh-keygen") as caught:
        made(lambda: User("ana", generate_ssh_key=True), Machine(programs=()))
    assert "openssh-client" in caught.value.remedy


class Clinging(Machine):
    """A machine that removes no directory."""

    def remove_tree(self, path: str) -> None:
        raise ProviderError(f"cannot remove {path}", remedy="Look at it.")


def test_a_home_that_stays_when_its_user_is_gone_is_named_in_the_remedy() -> None:
    with pytest.raises(ProviderError) as caught:
        made(lambda: User("ana", absent=True, remove=True), Clinging())
    assert caught.value.remedy == (
        "Look at it. The user is gone and /home/ana is not, and the next run does not know of it: remove it with"
        " Directory('/home/ana', absent=True, recursive=True)."
    )


def test_a_home_with_something_mounted_beneath_stays() -> None:
    machine = Machine(mounts=["/home/ana/disk"])
    with pytest.raises(ProviderError, match="has a mount point, /home/ana/disk, and is not removed"):
        made(lambda: User("ana", absent=True, remove=True), machine)
    assert machine.ran == []


def test_a_home_does_not_move_onto_something() -> None:
    machine = Machine()
    machine.files["/srv/ana"] = Status("directory", 0o755, "root", "root")
    with pytest.raises(ProviderError, match="/home/ana cannot move to /srv/ana"):
        made(lambda: User("ana", home="/srv/ana", move_home=True), machine)


@pytest.mark.parametrize("construct", [lambda: User("bo"), lambda: Group("web"), lambda: User("ana", absent=True)])
def test_only_root_changes_accounts(construct: Callable[[], object]) -> None:
    machine = Machine(user="ana")
    with pytest.raises(ProviderError, match="only root may change") as caught:
        made(construct, machine)
    assert "sudo()" in caught.value.remedy
    assert machine.ran == []


def test_whoever_looks_may_find_that_nothing_is_to_be_done() -> None:
    assert made(lambda: User("ana", groups=["adm"]), Machine(user="ana")) == SAME


def test_a_busy_user_gives_an_error_with_a_remedy_and_what_the_command_said() -> None:
    with pytest.raises(CommandFailed) as caught:
        made(lambda: User("ana", absent=True), Machine(rc=8))
    assert "loginctl" in caught.value.remedy
    assert caught.value.output == "what it said"


def test_what_goes_with_a_user_is_predicted() -> None:
    machine = Machine(accounts={"ana": ANA})
    made(lambda: User("ana", absent=True), machine)
    assert machine.effects == [Effect("account", "ana", None), Effect("group", "ana", None)]


def test_a_group_that_others_use_stays_when_its_user_goes() -> None:
    machine = Machine()  # root's primary group is ana there
    made(lambda: User("ana", absent=True), machine)
    assert machine.effects == [Effect("account", "ana", None)]


def test_no_error_of_accounts_is_foreign() -> None:
    with pytest.raises(OpsMopError):
        made(lambda: User("ana", nonsense=1))
