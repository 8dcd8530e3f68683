"""Work that takes a while, and can be met at any moment of it: /srv/busy says when, /srv/hold makes it last."""

import json
import sys
import time

from opsmop import *
from opsmop import Settings, run


class Work(Role):
    def inventory(self):
        return TomlInventory("inventory.toml").filter(groups="fleet")

    def sudo(self):
        return True

    def main(self):
        Directory("/srv/work")
        File("/srv/work/small", from_content="small\n")
        Shell(
            "touch /srv/busy; while test -e /srv/hold; do sleep 0.1; done; touch /srv/work/waited",
            creates="/srv/work/waited",
        )
        if self.vars.memory == "in the role":
            bytearray(1 << 29)
        if self.vars.memory == "in a command":
            Shell("python3 -c 'b = bytearray(1 << 29)'", creates="/srv/work/never")
        File("/srv/work/large", from_file="large.bin")
        File("/srv/work/last", from_content="last\n")
        if self.vars.linger:
            time.sleep(20)


class Site(Policy):
    def set_roles(self):
        return Roles(Work())


if __name__ == "__main__":
    found = run(Site(), Settings(mode="apply", reach="push"), file=__file__)
    told = {}
    for host in found.hosts:
        failure = host.failure or next((one.failure for one in host.resources if one.failure), None)
        told[host.host] = {
            "status": host.status,
            "why": f"{failure.message}\n{failure.remedy}\n{failure.output}" if failure else "",
            "changed": [one.name for one in host.resources if one.changed],
        }
    json.dump({"exit_status": found.exit_status, "hosts": told}, sys.stdout)
    sys.exit(found.exit_status)
