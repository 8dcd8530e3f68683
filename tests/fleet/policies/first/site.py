"""Two roles on three hosts: what a first site looks like."""

from opsmop.core.easy import *

inventory = TomlInventory("inventory.toml")


class WebServers(Role):
    def inventory(self):
        return inventory.filter(groups="fleet")

    def sudo(self):
        return True

    def set_variables(self):
        return dict(port=8080, package="hello")

    def main(self):
        greeting = "from main()"
        Group("web", gid=4100)
        User("web", uid=4100, group="web", shell="/usr/sbin/nologin", home="/srv/web")
        Directory("/srv/web/pages", owner="web", group="web", mode=0o750)
        Package(self.vars.package)
        conf = File("/srv/web/app.conf", from_template="templates/app.conf.j2", owner="web", mode=0o640)
        File("/srv/web/pages/index.html", from_file="files/index.html", owner="web", group="web", mode="0644")
        File("/etc/systemd/system/beacon.service", from_file="files/beacon.service")
        beacon = Service("beacon", started=True, enabled=True)
        if conf.changed and not beacon.changed:
            Service("beacon", restarted=True)
        Shell("cp /srv/web/app.conf /srv/web/app.copy", creates="/srv/web/app.copy")
        Echo("{{ color }} {{ env }} {{ say }} {{ greeting }} on {{ Platform.codename() }}")


class Afterwards(Role):
    def inventory(self):
        return inventory.filter(groups="fleet")

    def sudo(self):
        return True

    def main(self):
        File("/srv/afterwards", from_content="the second role ran\n")


class Site(Policy):
    def set_variables(self):
        return dict(env="prod")

    def set_roles(self):
        return Roles(WebServers(color="blue", tag="web"), Afterwards())


if __name__ == "__main__":
    Cli(Site(say="hello"))
