"""A secret is in nothing that a run writes anywhere but where the policy says: every type that takes a text is tried."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

CORE = "pa55w0rd-of-nobody"  # whatever way the whole is spelled, this part stands in it as it is
WHOLE = f'it\'s "{CORE}" \\ 5% ä'

POLICY = """
from pathlib import Path
from opsmop.core.easy import *

HERE = Path(__file__).parent
OUT = str(HERE / "out")
WORD = Secret((HERE / "vault").read_text())
inventory = TomlInventory(HERE / "inventory.toml")
LISTING = f"cat /proc/[0-9]*/cmdline >> {OUT}/listing 2>/dev/null; env | grep -v OPSMOP_WORD >> {OUT}/listing; "


class Quiet(Role):
    def inventory(self):
        return inventory

    def set_variables(self):
        return {"word": WORD}

    def set_handlers(self):
        return Handlers(told=Echo("handler {{ word }}"))

    def main(self):
        word = self.vars.word
        File(f"{OUT}/conf", from_template="conf.j2", signals="told")
        File(f"{OUT}/plain", from_content=word, backup=True)
        File(f"{OUT}/text", from_content=T("a = {{ word }}"), validate="cat %s")
        Line(f"{OUT}/plain", T("line {{ word }}"), regexp="^line", backup=True)
        Line(f"{OUT}/plain", Secret(f"more {word.reveal()}"))
        Block(f"{OUT}/plain", T("block {{ word }}"))
        Replace(f"{OUT}/text", "^a = .*", T("b = {{ word }}"))
        Directory(T(f"{OUT}/named {{{{ word }}}}"))
        Link(f"{OUT}/link", to=T("/nowhere/{{ word }}"))
        Cron("job", T("true {{ word }}"), kept_in="opsmop-never", only_if=False)
        Sysctl("net.no.such", T("{{ word }}"), ignore_missing=True, kept_in=f"{OUT}/90.conf")
        WaitFor(path=f"{OUT}/plain", regexp=T("{{ word }}"), timeout=1, ignore_errors=True)
        Shell(LISTING + "cat; echo $OPSMOP_WORD >&2; exit 3", stdin=word, env={"OPSMOP_WORD": word}, ignore_errors=True)
        Shell(T(LISTING + "printf '%s' \\"$(cat <<'END'\\n{{ word }}\\nEND\\n)\\""), executable="/bin/bash", register="said")
        Shell("true", only_if=T(LISTING + "cat <<'END'\\n{{ word }}\\nEND\\n"))
        Directory(f"{OUT}/guarded", unless=T(LISTING + "cat <<'END'\\n{{ word }}\\nEND\\nexit 1"))
        Command(["sh", "-c", LISTING + "cat; printenv OPSMOP_WORD"], stdin=word, env={"OPSMOP_WORD": word}, run_in_check=True)
        Shell("echo " + "x" * 30, until=lambda r: True, changed_when=lambda r: bool(print(word.reveal())))
        Echo("{{ word }} {{ said.data }}")
        print("printed", word.reveal(), word)
        DebugFacts()
        Shell("cat; exit 1", stdin=word, retries=1, delay=0, ignore_errors=True)
        raise RuntimeError("an author's exception: " + word.reveal())


class Site(Policy):
    def set_roles(self):
        return Roles(Quiet())


if __name__ == "__main__":
    Cli(Site())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("out", "home", "tmp"):
        (tmp_path / name).mkdir()
    (tmp_path / "vault").write_text(WHOLE)
    (tmp_path / "conf.j2").write_text(
        "password = {{ word }}\n{% if 1 %}{{ word | upper }} {{ word | urlencode }}{% endif %}\n"
    )
    (tmp_path / "inventory.toml").write_text('[groups.all.hosts]\nhere = "opsmop_connection=local"\n')
    (tmp_path / "site.py").write_text(textwrap.dedent(POLICY))
    return tmp_path


def leaks(folder: Path, done: subprocess.CompletedProcess[bytes]) -> list[str]:
    """Where the secret can be read, but for the vault and the files that were to hold it."""
    spoken = {"stdout": done.stdout, "stderr": done.stderr}
    listing = folder / "out" / "listing"
    written = [path for path in folder.rglob("*") if path.is_file() and folder / "out" not in path.parents]
    read = {str(path.relative_to(folder)): path.read_bytes() for path in [*written, listing] if path.name != "vault"}
    spelled = (CORE.encode(), CORE.upper().encode())  # the one letter for letter, the other as a filter made it
    return [name for name, content in {**spoken, **read}.items() for text in spelled if text in content]


@pytest.mark.parametrize("mode", ["--check", "--apply"])
@pytest.mark.parametrize("reach", ["--local", "--push"])
@pytest.mark.parametrize("output", ["console", "ndjson", "json", "junit", "github"])
def test_nothing_that_a_run_writes_holds_the_secret(folder: Path, reach: str, mode: str, output: str) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPSMOP_", "XDG_"))}
    done = subprocess.run(
        [sys.executable, "site.py", reach, mode, "--diff", "-vv", "--output", output],
        cwd=folder,
        env={**kept, "HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp")},
        capture_output=True,
        check=False,
        timeout=120,
    )
    said = (done.stdout + done.stderr).decode()
    assert ("an author" if mode == "--apply" else "site.py:") in said, said
    assert done.returncode == (1 if mode == "--apply" else 0), said
    assert (folder / "out" / "listing").stat().st_size > 1000, "the listing was looked at"
    assert (
        (CORE in (folder / "out" / "plain").read_text()) if mode == "--apply" else not (folder / "out/plain").exists()
    )
    assert list((folder / "home").rglob("*")), "a log was written"
    assert leaks(folder, done) == []


AT_HOME = """
import os
from opsmop import *
from opsmop.errors import PolicyError

WORD = Secret(open("vault").read())
inventory = TomlInventory("inventory.toml")
KEPT = {"words": [WORD]}


class Quiet(Role):
    def fails(self, place):
        if os.environ["FAILS"] == place:
            raise (PolicyError if place == "set_variables" else RuntimeError)("it was " + KEPT["words"][0].reveal())

    def inventory(self):
        self.fails("inventory")
        return inventory

    def set_variables(self):
        self.fails("set_variables")
        return {}

    def ssh_as(self):
        self.fails("ssh_as")

    def before_contact(self, host):
        word = Secret("another-" + WORD.reveal())
        self.fails("before_contact")

    def after_contact(self, host):
        self.fails("after_contact")

    def on_failure(self, host, failure):
        self.fails("on_failure")

    def main(self):
        if os.environ["FAILS"] == "on_failure":
            raise RuntimeError("for on_failure")


class Site(Policy):
    def set_roles(self):
        return Roles(Quiet())


if __name__ == "__main__":
    Cli(Site())
"""


@pytest.mark.parametrize("output", ["console", "json"])
@pytest.mark.parametrize(
    "place", ["inventory", "set_variables", "ssh_as", "before_contact", "after_contact", "on_failure"]
)
def test_an_error_of_what_runs_on_the_control_machine_quotes_no_secret(folder: Path, place: str, output: str) -> None:
    (folder / "site.py").write_text(AT_HOME)
    (folder / "out" / "listing").touch()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPSMOP_", "XDG_"))}
    done = subprocess.run(
        [sys.executable, "site.py", "--push", "--apply", "--verbose", "--output", output],
        cwd=folder,
        env={**kept, "HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), "FAILS": place},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode in (1, 2)
    assert "it was ********" in (done.stdout + done.stderr).decode(), done
    assert leaks(folder, done) == []
