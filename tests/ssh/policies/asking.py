"""Roles that ask for files: as the product does, or as one that cheats would."""

import os

from opsmop.errors import OpsMopError
from opsmop.language.evaluation import current
from opsmop.language.role import Role
from opsmop.resources.directory import Directory
from opsmop.resources.file import File


def supply():
    """What a host can say about files, past all that resources make of it."""
    return current()._source._supply


def most_memory(pid):
    """The most memory that a process has come to hold, in MiB. ru_maxrss would begin with what it was forked from."""
    with open("/proc/%d/status" % pid) as status:
        return next(int(line.split()[1]) >> 10 for line in status if line.startswith("VmHWM"))


class Copier(Role):
    """Copies files the ordinary way, and tells how much memory its process and its agent have come to need, in MiB."""

    def main(self):
        for name in self.constructor_variables["names"]:
            File(self.constructor_variables["folder"] + "/" + os.path.basename(name), from_file=name)
        return [most_memory(os.getpid()), most_memory(os.getppid())]


class Asker(Role):
    """Asks for names, and tells what it got of each."""

    def main(self):
        return [self.answer(name) for name in self.constructor_variables["names"]]

    def answer(self, name):
        try:
            content = supply().content(name, str)
        except OpsMopError as error:
            return "refused: " + error.message
        return content.decode() if isinstance(content, bytes) else content.size


class Undecided(Role):
    """Begins to take a large file, lets it be, and asks for others."""

    def main(self):
        taken = []
        for _ in range(3):
            pieces = supply().content("large", str).pieces()
            taken.append(len(next(pieces)))
            taken.append(supply().content("small", str).decode())
        return taken


class Liar(Role):
    """Wants what nobody offered it, by a digest of its own."""

    def main(self):
        from opsmop.wire.frames import Offer

        offer = Offer(5_000_000, 0o644, bytes.fromhex(self.constructor_variables["digest"]), False)
        try:
            return sum(map(len, supply()._wanted(offer, "large")))
        except OpsMopError as error:
            return error.message


class Planter(Role):
    """Copies a directory."""

    def main(self):
        Directory(self.constructor_variables["folder"] + "/copy", from_dir="tree")


class Leaver(Role):
    """Leaves a file on the controller, or what it says is one."""

    def main(self):
        from opsmop.wire import frames

        given = self.constructor_variables
        leaving = frames.Leaving(given["size"], bytes.fromhex(given["digest"]), given["to"], given["path"])
        line = supply()
        line._request(frames.LEAVE, leaving.to_bytes())
        try:
            line._heard_one_of(frames.GIVE)
            for piece in given["pieces"]:
                line._say(frames.LOAD, piece.encode())
            if given.get("dies"):
                os.kill(os.getppid(), 9)
            line._heard_one_of(frames.HAVE)
        except OpsMopError as error:
            return error.message
        return "kept"
