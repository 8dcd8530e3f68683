"""What systemd says of a unit, as a value."""

from __future__ import annotations

from opsmop.errors import ProviderError
from opsmop.language.machine import Completed, Machine
from opsmop.language.provider import succeeded
from opsmop.wire.records import dataclass, replace

KINDS = (
    ".service",
    ".socket",
    ".device",
    ".mount",
    ".automount",
    ".swap",
    ".target",
    ".path",
    ".timer",
    ".slice",
    ".scope",
)
PROPERTIES = (
    "Id",
    "LoadState",
    "LoadError",
    "ActiveState",
    "SubState",
    "UnitFileState",
    "NeedDaemonReload",
    "InvocationID",
    "Type",
    "RemainAfterExit",
    "Result",
    "CanReload",
    "NRestarts",
    "FragmentPath",
)
# Where unit files are looked for, first to last, as far as people and packages write there: systemd.unit(5).
OPERATORS_UNITS = "/etc/systemd/system"
_UNIT_DIRECTORIES = (OPERATORS_UNITS, "/run/systemd/system", "/usr/local/lib/systemd/system",
                     "/usr/lib/systemd/system", "/lib/systemd/system")  # fmt: skip
_USERS_DIRECTORIES = ("/etc/systemd/user", "/run/systemd/user", "/usr/local/lib/systemd/user", "/usr/lib/systemd/user")
# Kinds of service that tell systemd themselves when they are ready, or that have ended when they are: systemd.service(5).
_SAYS_READY = ("notify", "notify-reload", "dbus", "oneshot", "")


@dataclass(frozen=True)
class Manager:
    """The systemd that is asked: the system's, or a user's own.

    :param scope: what systemctl and journalctl are told of it
    :param environment: how they find it: systemctl(1), $XDG_RUNTIME_DIR
    :param directories: where it looks for unit files, the operator's first
    """

    scope: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    directories: tuple[str, ...] = _UNIT_DIRECTORIES

    @property
    def env(self) -> dict[str, str]:
        """The environment as the machine takes it."""
        return dict(self.environment)

    def systemctl(self, *arguments: str) -> list[str]:
        """A command for it."""
        return ["systemctl", *self.scope, *arguments]


def manager_of_user(machine: Machine) -> Manager:
    """The own systemd of the user who acts.

    :raises ProviderError: if it does not run
    """
    user = machine.real_user()
    account = machine.account(user)
    runtime = f"/run/user/{account.uid if account else user}"
    if machine.status(f"{runtime}/systemd/private") is None:
        raise ProviderError(
            f"no systemd of {user}'s own runs", remedy=f"Shell('loginctl enable-linger {user}') keeps one running."
        )
    own = f"{machine.home().rstrip('/')}/.config/systemd/user"
    environment = (("XDG_RUNTIME_DIR", runtime), ("DBUS_SESSION_BUS_ADDRESS", f"unix:path={runtime}/bus"))
    return Manager(("--user",), environment, (own, *_USERS_DIRECTORIES))


@dataclass(frozen=True)
class Unit:
    """A unit as systemd has it; the fields are its properties (org.freedesktop.systemd1(5)).

    :param name: its own name, which an alias leads to
    :param load: ``loaded``, ``not-found``, ``masked``, ``bad-setting``, ``error``
    :param load_error: why it could not be loaded
    :param active: ``active``, ``reloading``, ``inactive``, ``failed``, ``activating``, ``deactivating``
    :param sub: the state of its kind, such as ``running``, ``exited``, ``auto-restart``
    :param file: ``enabled``, ``disabled``, ``static``, ``indirect``, ``generated``, ``masked``; empty without a file
    :param stale: whether its file is newer than what systemd has read
    :param invocation: another word after each start
    :param kind: how a service says that it is started: ``simple``, ``notify``, ``oneshot``; empty for other units
    :param remains: whether it counts as active after its process has ended
    :param result: why it failed, or ``success``
    :param can_reload: whether it can be told to read its configuration again
    :param restarts: how often systemd has restarted it by itself
    :param path: its unit file
    """

    name: str
    load: str = "loaded"
    load_error: str = ""
    active: str = "inactive"
    sub: str = "dead"
    file: str = "disabled"
    stale: bool = False
    invocation: str = ""
    kind: str = "simple"
    remains: bool = False
    result: str = "success"
    can_reload: bool = True
    restarts: int = 0
    path: str = ""

    @property
    def runs(self) -> bool:
        """Whether it is started."""
        return self.active in ("active", "reloading")

    @property
    def comes_and_goes(self) -> bool:
        """Whether it is never started for longer than its command takes."""
        return self.kind == "oneshot" and not self.remains

    @property
    def says_ready(self) -> bool:
        """Whether systemd knows by itself when its start has succeeded."""
        return self.kind in _SAYS_READY

    @property
    def masked(self) -> bool:
        """Whether nothing can start it."""
        return self.load == "masked" or self.file.startswith("masked")


def full_name(name: str) -> str:
    """The name of the unit that a policy means: ``ssh`` is ``ssh.service``."""
    return name if name.endswith(KINDS) else f"{name}.service"


def unit_from(text: str, name: str) -> Unit:
    """The unit of which ``systemctl show`` printed `text`."""
    said = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return Unit(
        name=said.get("Id") or name,
        load=said.get("LoadState", ""),
        load_error=said.get("LoadError", ""),
        active=said.get("ActiveState", ""),
        sub=said.get("SubState", ""),
        file=said.get("UnitFileState", ""),
        stale=said.get("NeedDaemonReload") == "yes",
        invocation=said.get("InvocationID", ""),
        kind=said.get("Type", ""),
        remains=said.get("RemainAfterExit") == "yes",
        result=said.get("Result", "success"),
        can_reload=said.get("CanReload", "yes") == "yes",
        restarts=int(said.get("NRestarts") or 0),
        path=said.get("FragmentPath", ""),
    )


def look_at(machine: Machine, name: str, manager: Manager) -> Unit:
    """The unit as it is, or as it will be once planned files are written.

    :raises ProviderError: if systemd cannot be asked
    """
    argv = manager.systemctl("show", f"--property={','.join(PROPERTIES)}", "--", name)
    completed = machine.ask(argv, env=manager.env)
    if completed.timed_out:
        succeeded(completed, f"asking systemd about {name}")
    if completed.rc != 0:
        raise ProviderError(f"systemd cannot be asked about {name}: {completed.output.strip()}")
    unit = unit_from(completed.stdout, name)
    if unit.load != "not-found":
        return _with_sysv_state(machine, unit, manager)
    return _from_file(machine, unit, manager)


def _with_sysv_state(machine: Machine, unit: Unit, manager: Manager) -> Unit:
    """A unit made of a System V script is ``generated``; systemctl(1) asks the distribution whether it is enabled."""
    if unit.file != "generated":
        return unit
    said = _is_enabled(machine, unit.name, manager).stdout.split()
    return replace(unit, file=said[-1]) if said and said[-1] in ("enabled", "disabled") else unit


def _is_enabled(machine: Machine, name: str, manager: Manager) -> Completed:
    return machine.ask(manager.systemctl("is-enabled", "--", name), env=manager.env)


def _from_file(machine: Machine, unit: Unit, manager: Manager) -> Unit:
    """A unit that systemd does not know may have a file all the same: one that was written, or will be."""
    kind = unit.name.rpartition(".")[2]
    template = f"{unit.name.partition('@')[0]}@.{kind}" if "@" in unit.name else unit.name
    for directory in manager.directories:
        for name in dict.fromkeys((unit.name, template)):
            path = f"{directory}/{name}"
            status = machine.status(path, follow=True)
            if status is not None and status.kind == "file":
                return replace(_described_by(machine.read(path).decode("utf-8", "replace"), unit), path=path)
    return unit


def _described_by(text: str, unit: Unit) -> Unit:
    settings = dict(_settings(text))
    kind = settings.get("Type", "simple").lower() if unit.name.endswith(".service") else ""
    return replace(
        unit,
        load="loaded",
        load_error="",
        file="disabled" if "[Install]" in text else "static",
        stale=True,
        kind=kind,
        remains=settings.get("RemainAfterExit", "").lower() in ("yes", "true", "on", "1"),
        can_reload="ExecReload" in settings or kind == "notify-reload",
    )


def _settings(text: str) -> list[tuple[str, str]]:
    lines = [line.strip() for line in text.splitlines()]
    return [
        (name.strip(), value.strip())
        for name, _, value in (line.partition("=") for line in lines if "=" in line and line[:1] not in ("#", ";"))
    ]
