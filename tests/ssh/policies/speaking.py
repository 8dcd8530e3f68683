import os
import subprocess
import sys
import time

from opsmop.errors import ProviderError
from opsmop.language.role import Role
from opsmop.language.secrets import Secret
from opsmop.resources.directory import Directory
from opsmop.resources.echo import Echo
from opsmop.resources.file import File
from opsmop.resources.link import Link
from opsmop.resources.shell import Shell


class Pid(Role):
    def main(self):
        leftover = os.environ.get("LEFT_BY_EARLIER_ROLE", "")
        os.environ["LEFT_BY_EARLIER_ROLE"] = "yes"
        umask = os.umask(0o077)
        place = os.getcwd()
        os.chdir("/tmp")
        return {"pid": os.getpid(), "agent": os.getppid(), "umask": umask, "cwd": place, "leftover": leftover}


class Printer(Role):
    def main(self):
        print("hello from main")
        print("without an end", end="")
        sys.stderr.write("to stderr\n")
        os.write(1, b"past Python, \x00\xff\x1b[31m\n")
        os.system("echo from a child")
        return "printed"


class Teller(Role):
    def main(self):
        password = Secret("correct" + " horse").reveal()
        os.system(f"echo the password is {password}")
        print("printed", password)


class Sleeper(Role):
    def main(self):
        self.note("sleeping")
        time.sleep(self.constructor_variables.get("seconds", 60))
        return "slept"

    def note(self, word):
        with open(self.constructor_variables["marks"] + "/" + word, "w") as mark:
            mark.write("%d %d" % (os.getpid(), os.getppid()))


class Commander(Sleeper):
    def main(self):
        marks = self.constructor_variables["marks"]
        Shell("echo $$ > %s/part; mv %s/part %s/command; sleep 300 & sleep 300; true" % (marks, marks, marks))


class Stubborn(Sleeper):
    """Holds on to the interpreter's only signal: every interruption is swallowed."""

    def main(self):
        self.note("sleeping")
        while True:
            try:
                time.sleep(60)
            except BaseException:
                pass


class Suicide(Role):
    def main(self):
        os.kill(os.getpid(), 9)


class Reader(Role):
    def main(self):
        found = []
        for name in self.constructor_variables["names"]:
            try:
                File(self.constructor_variables["folder"] + "/copy", from_file=name)
                found.append(os.path.getsize(self.constructor_variables["folder"] + "/copy"))
            except ProviderError as error:
                found.append(type(error).__name__ + ": " + str(error))
        return found


class Talkative(Role):
    def main(self):
        for number in range(self.constructor_variables["lines"]):
            print(number)
        print("x" * 3_000_000)


class Raiser(Role):
    def main(self):
        raise ValueError("é" * self.constructor_variables["length"])


class Who(Role):
    def main(self):
        return {
            "uid": os.getuid(),
            "home": os.environ["HOME"],
            "python": list(sys.version_info[:2]),
            "pid": os.getpid(),
        }


class Importer(Role):
    def main(self):
        import opsmop.inventory.tree  # few roles do


class Compiled(Role):
    def main(self):
        place = os.environ["HOME"]
        Directory(place + "/folder")
        File(place + "/folder/file", from_content="{{ 1 }}")
        Link(place + "/folder/link", to="file")
        Shell("true", changed_when=False)
        Echo("done")
        finder = next(one for one in sys.meta_path if hasattr(one, "sent"))
        return sorted(finder.here)
