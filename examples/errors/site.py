"""Failures: one that does not matter, one that is judged by its output, one that is caught and mended."""

from pathlib import Path

from opsmop import *

inventory = TomlInventory("inventory.toml")
ROOT = f"{Path.home()}/opsmop-examples/errors"


class Careful(Role):
    def inventory(self):
        return inventory

    def main(self):
        Directory(ROOT)

        look = Shell("test -e /etc/no-such-file", ignore_errors=True, run_in_check=True)
        if look.failed:
            Echo(f"it is not there (exit status {look.rc}), and that is well")

        answer = Shell(
            "echo answer=42; exit 3",
            run_in_check=True,
            failed_when=lambda result: "answer=42" not in result.stdout,
            changed_when=False,
        )
        Echo(f"it said {answer.stdout}, which counts as success")

        try:
            File(f"{ROOT}/missing/file", from_content="x\n")
        except ProviderError as error:
            Echo(f"caught: {error.message}")
            Directory(f"{ROOT}/missing")
            File(f"{ROOT}/missing/file", from_content="x\n")


class Site(Policy):
    def set_roles(self):
        return Roles(Careful())


if __name__ == "__main__":
    Cli(Site())
