"""A policy that type checkers accept: mypy --strict finds nothing here."""

from __future__ import annotations

from typing import Any

from opsmop import (
    AuthorizedKey,
    Block,
    Change,
    Command,
    Cron,
    Directory,
    Echo,
    Eval,
    Fact,
    File,
    FileTests,
    Handlers,
    Host,
    Inventory,
    Line,
    Link,
    Package,
    Platform,
    Policy,
    Provider,
    ProviderError,
    Replace,
    Resource,
    Resources,
    Role,
    Roles,
    RunResult,
    Secret,
    Service,
    Settings,
    Shell,
    Sysctl,
    T,
    Timer,
    TomlInventory,
    User,
    WaitFor,
    field,
    run,
)
from opsmop.events import Event, ResourceFailed

inventory = TomlInventory("inventory.toml")


class Motd(Resource):
    """A type of the policy's own."""

    text: str = field(kw_only=False, doc="what it says")
    loud: bool = field(default=False, doc="in capitals")


class Parts(Role):
    def main(self) -> None:
        File(
            "/a",
            from_url="https://x",
            checksum="sha256:0",
            only_if="test -e /x",
            run_as="ana",
            retries=3,
            delay=1.5,
            until=lambda r: bool(r.rc == 0),
            timeout=3,
        )
        Directory("/a", mode="u=rwX", only=["*.conf"], unless=Eval("x > 3"), sensitive=True)
        Link("/a", to="/b", relative=True)
        Line("/a", "b = 1", regexp="^b", before="^Match", validate="sshd -t -f %s", backup=True)
        Line("/a", regexp="^b", absent=True)
        Line("/a", Secret("x"), create=True, mode=0o600)
        Block("/a", T("{{ x }}"), title="web")
        Replace("/a", "x", r"\1", after="z")
        Command(["ls", "-l"], creates="/x", env={"A": Secret("x")})
        Shell("ls", only_if=True)
        AuthorizedKey("ana", ["ssh-ed25519 AAAA"], only=True, options=["no-pty"])
        Cron("backup", "tar", hour=3, minute="*/5", user="ana")
        Sysctl("vm.swappiness", 10, now=False)
        Timer("backup", "tar", on_calendar=["daily", "Sun 04:00"], persistent=True)
        WaitFor(port=80, drained=True, timeout=None)


class Web(Role):
    def inventory(self) -> Inventory:
        return inventory.filter(groups=["web*"], hosts="web1")

    def set_variables(self) -> dict[str, Any]:
        return {"port": 8080, "address": self.results["db1"]["address"]}

    def should_contact(self, host: Host) -> bool:
        return "dc1" in host.groups()

    def set_resources(self) -> Resources:
        more: list[File] = [File("/a")]
        return Resources(Directory("/etc/app", mode="0755"), [Echo("hello"), [Echo("b")]], Resources(more), more)

    def serial(self) -> list[int]:
        return [1, 5]

    def before_connect(self, host: Host) -> bool:
        host.values["token"] = "x"
        return True

    def get_delegate_host(self, host: Host) -> str:
        return "127.0.0.1"

    def allow_fileserving_paths(self) -> list[str]:
        return [".", "/opt/files"]

    def set_handlers(self) -> Handlers:
        return Handlers({"a b": Echo("x")}, Handlers(c=[Echo("c")]), restart_app=Service("app", restarted=True))

    def main(self) -> dict[str, int]:
        Motd("hello", loud=True)
        User("app", uid=1000, ignore_errors=True)
        Package(["nginx", "curl"], method="apt")
        conf = File("/etc/app.conf", from_template="app.j2", mode=0o644, signals="restart_app")
        File(T("/etc/{{ name }}"), from_content=Secret("hidden"), mode=Eval("mode"), register="made")
        done = Shell("true", changed_when=lambda result: result.rc == 0, timeout=2.5, env={"A": "b"})
        try:
            Shell("false")
        except ProviderError as error:
            Echo(error.message)
        if conf.changed and conf.changed() and FileTests.exists("/etc") and Platform.system() == "Linux":
            Echo(f"{done.stdout.upper()} {done.rc} {len(conf.actions)}")
        return {"port": int(self.vars.port)}


class Site(Policy):
    def set_roles(self) -> Roles:
        return Roles(Web(tag="web", color="blue"), [Web(tags=["a", "b"])][0])

    def fact_context(self) -> dict[str, Any]:
        return {"Rack": Fact()}


class Shout(Provider, provides=Motd):
    pass


def heard(event: Event) -> None:
    if isinstance(event, ResourceFailed):
        failure: str = event.failure.message
        Echo(failure)


result: RunResult = run(Site(env="prod"), Settings(mode="apply", reach="push"), events=heard)
names: tuple[str, ...] = tuple(resource.name for resource in result.resources if resource.changed)
change = Change("create", lambda: None)
