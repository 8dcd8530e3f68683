"""A whole web stack: a database's host first, whose answer the web servers then use."""

from opsmop import *

inventory = TomlInventory("inventory.toml")


class Server(Role):
    """What all servers have."""

    def sudo(self):
        return True

    def account(self, name, mode):
        Group(name, system=True)
        User(name, system=True, group=name, home=f"/srv/{name}", shell="/usr/sbin/nologin")
        Directory(f"/srv/{name}", owner=name, group=name, mode=mode)


class Database(Server):
    def inventory(self):
        return inventory.filter(groups="databases")

    def main(self):
        self.account("store", 0o750)
        File("/srv/store/schema", from_content="create table visits\n", owner="store", mode=0o640)
        return {"address": Platform.default_ipv4() or Platform.hostname()}


class WebServers(Server):
    def inventory(self):
        return inventory.filter(groups="webservers")

    def set_variables(self):
        databases = inventory.filter(groups="databases")
        return dict(database=[self.results[host]["address"] for host in databases][0])

    def set_handlers(self):
        return Handlers(reload_nginx=Service("nginx", reloaded=True))

    def main(self):
        self.account("web", 0o755)
        Package("nginx-light")
        Directory("/srv/web/www", owner="web", group="web", mode=0o755)
        File("/srv/web/www/index.html", from_template="templates/index.html.j2", owner="web", mode=0o644)
        File("/etc/nginx/conf.d/app.conf", from_file="files/app.conf", mode=0o644, signals="reload_nginx")
        Service("nginx", started=True, enabled=True)


class Site(Policy):
    def set_roles(self):
        return Roles(Database(tag="db"), WebServers(tag="web"))


if __name__ == "__main__":
    Cli(Site())
