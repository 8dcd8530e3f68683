# ruff: noqa: B018 - what is only looked at is looked at by type checkers
"""Slips that type checkers find: each marked line is an error, with the code that its mark names, and no other is."""

from __future__ import annotations

from opsmop import (
    Echo,
    File,
    Handlers,
    Package,
    Policy,
    Resources,
    Role,
    Roles,
    Service,
    Settings,
    Shell,
    TomlInventory,
    User,
    run,
)


class Wrong(Role):
    def inventory(self) -> str:  # error: override
        return "web"

    def main(self) -> None:
        File("/a", mod=0o644)  # error: call-arg
        File("/a", mode=1.5)  # error: arg-type
        File(mode=0o644)  # error: call-arg
        File("/a", "b")  # error: call-arg
        File("/a", from_content=3)  # error: arg-type
        Shell("true", timeout="long")  # error: arg-type
        Shell(["true"])  # error: arg-type
        Service("app", restarted="yes")  # error: arg-type
        User("app", uid="many")  # error: arg-type
        Package(3)  # error: arg-type
        Echo("a", ignore_error=True)  # error: call-arg
        Echo("a", register=1)  # error: arg-type
        done = Shell("true")
        done.chnaged  # error: attr-defined
        done.rc.upper()  # error: union-attr
        done.stdout + 1  # error: operator

    def serial(self) -> dict[str, int]:  # error: override
        return {"a": 1}

    def before_connect(self) -> None:  # error: override
        self.results["db1"]

    def set_resources(self) -> Resources:
        return Resources(File("/a"), "b")  # error: arg-type

    def set_handlers(self) -> Handlers:
        return Handlers(restart="app")  # error: arg-type


class Site(Policy):
    def set_roles(self) -> Roles:
        return [Wrong()]  # error: return-value


Roles(Wrong)  # error: arg-type
run(Site(), Settings(mod="apply"))  # error: call-arg
run(Site(), events=3)  # error: arg-type
TomlInventory()  # error: call-arg
