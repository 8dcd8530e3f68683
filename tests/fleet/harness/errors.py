"""What can go wrong with a fleet.

FleetError
└─ CommandError     a command on this machine or on a host ended with another status than 0
"""

import subprocess


class FleetError(Exception):
    """A fleet could not be built, booted or asked; the message names the thing and the remedy."""


class CommandError(FleetError):
    """A command failed; `result` is its `CompletedProcess`."""

    def __init__(self, place: str, result: "subprocess.CompletedProcess[str]") -> None:
        self.result = result
        shown = result.args if isinstance(result.args, str) else " ".join(map(str, result.args))
        said = "\n".join(text for text in (result.stdout, result.stderr) if text)
        super().__init__(f"{place}: {shown!r} ended with status {result.returncode}\n{said[-4000:]}")
