# ruff: noqa: F403, F405 - the star is what is looked at
"""The import that existing policies use: type checkers know its names too."""

from __future__ import annotations

from opsmop.core.easy import *


class One(Role):
    def main(self) -> None:
        made = File("/etc/app.conf", from_content=T("{{ a }}"), mode=0o644)
        if made.changed:
            Service("app", restarted=True)


class Site(Policy):
    def set_roles(self) -> Roles:
        return Roles(One())


if __name__ == "__main__":
    Cli(Site())
