"""Links, and what else a file has without its being content: further names, times, labels, attributes."""

from __future__ import annotations

import os

from opsmop.target.machine.refusals import refusals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable


class Linking:
    """Makes links, each under its final name at once or not at all. What few files have comes only where it is named."""

    def same_file(self, path: str, other: str) -> bool:
        """See `Machine.same_file`."""
        try:
            return os.path.samestat(os.lstat(path), os.lstat(other))
        except (FileNotFoundError, NotADirectoryError):
            return False

    def make_link(self, path: str, target: str) -> None:
        """See `Machine.make_link`."""
        with refusals("make the link", path) as held:
            _in_place(held, lambda temporary: os.symlink(target, temporary))

    def make_hard_link(self, path: str, other: str) -> None:
        """See `Machine.make_hard_link`."""
        with refusals("make the link", path) as held:
            _in_place(held, lambda temporary: os.link(other, temporary, follow_symlinks=False))

    def remove_directory(self, path: str) -> None:
        """See `Machine.remove_directory`."""
        with refusals("remove", path) as held:
            os.rmdir(held)

    def touch(self, path: str) -> None:
        """See `Machine.touch`."""
        with refusals("touch", path) as held:
            os.utime(held, follow_symlinks=False)

    def label(self, path: str) -> str | None:
        """See `Machine.label`."""
        from opsmop.target.machine import hanging

        with refusals("look at", path):
            return hanging.label(path)

    def takes_label(self, label: str) -> bool:
        """See `Machine.takes_label`."""
        from opsmop.target.machine import hanging

        return hanging.takes_label(label)

    def set_label(self, path: str, label: str) -> None:
        """See `Machine.set_label`."""
        from opsmop.target.machine import hanging

        with refusals("label", path) as held:
            hanging.set_label(held, label, path)

    def attributes(self, path: str) -> str:
        """See `Machine.attributes`."""
        from opsmop.target.machine import hanging

        with refusals("look at", path):
            return hanging.attributes(path)

    def set_attributes(self, path: str, letters: str) -> None:
        """See `Machine.set_attributes`."""
        from opsmop.target.machine import hanging

        with refusals("set the attributes of", path) as held:
            hanging.set_attributes(held, letters, path)


def _in_place(path: str, make: Callable[[str], None]) -> None:
    """Let something take the name `path`, whatever file or link has it now."""
    directory, name = os.path.split(path)
    temporary = os.path.join(directory, f".{name[:100]}.{os.urandom(8).hex()}")
    make(temporary)
    try:
        os.rename(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise
