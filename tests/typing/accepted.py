"""A policy that type checkers accept: mypy --strict finds nothing here."""

from __future__ import annotations

from typing import Any

from opsmop import (
    Change,
    Directory,
    Echo,
    Eval,
    Fact,
    File,
    FileTests,
    Handlers,
    Host,
    Inventory,
    Package,
    Platform,
    Policy,
    Provider,
    ProviderError,
    Resource,
    Resources,
    Role,
    Roles,
    RunResult,
    Secret,
    Service,
    Settings,
    Shell,
    T,
    TomlInventory,
    User,
    field,
    run,
)
from opsmop.events import Event, ResourceFailed

inventory = TomlInventory("inventory.toml")


class Motd(Resource):
    """A type of the policy's own."""

    text: str = field(kw_only=False, doc="what it says")
    loud: bool = field(default=False, doc="in capitals")


class Web(Role):
    def inventory(self) -> Inventory:
        return inventory.filter(groups=["web*"], hosts="web1")

    def set_variables(self) -> dict[str, Any]:
        return {"port": 8080}

    def should_contact(self, host: Host) -> bool:
        return "dc1" in host.groups()

    def set_resources(self) -> Resources:
        return Resources(Directory("/etc/app", mode="0755"), [Echo("hello")])

    def set_handlers(self) -> Handlers:
        return Handlers(restart_app=Service("app", restarted=True))

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
