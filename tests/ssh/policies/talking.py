"""Roles that say much, or ask."""

import os

from opsmop.errors import OpsMopError
from opsmop.language.evaluation import current
from opsmop.language.role import Role
from opsmop.language.secrets import Secret
from opsmop.resources.echo import Echo
from opsmop.resources.shell import Shell


class Quick(Role):
    def main(self):
        for number in range(self.constructor_variables["number"]):
            Echo(f"line {number}")


class Curious(Role):
    """Says something, and asks for names."""

    def main(self):
        for name in self.constructor_variables["names"]:
            Echo(f"asking for {name}")
            try:
                current()._source._supply.content(name, str)
            except OpsMopError:
                continue


class Endless(Role):
    def main(self):
        mark = self.constructor_variables["mark"]
        Shell(f"echo $$ > {mark}.new && mv {mark}.new {mark} && exec sleep 1000")


class Printer(Role):
    def main(self):
        print("said")
        os.system("echo printed past Python")


class Confiding(Role):
    """Prints secrets past Python as soon as they are ones."""

    def main(self):
        for number in range(self.constructor_variables["number"]):
            password = f"pass{number:06}word"
            Secret(password)
            os.write(1, f"it is {password}\n".encode())
