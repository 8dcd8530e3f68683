"""A secret on a real host: all that either side wrote is searched for it, and the processes of the run are watched."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.fleet.harness import Fleet, Host

WORD = "Zaubr-wort9x7"  # stands as it is in every spelling of the whole
HASH = f"$6$salz$Qm5kPwT3nHxYz{'A' * 73}"
POLICY = """
from opsmop import *
from pathlib import Path

WORD, HASH = (Secret((Path(__file__).parent / name).read_text()) for name in ("vault", "hash"))

class Site(Role):
    def inventory(self): return TomlInventory("inventory.toml").filter(groups="fleet")
    def sudo(self): return True
    def set_variables(self): return {"word": WORD, "nested": {"inner": [WORD]}}
    def before_contact(self, host): host.values["attached"] = WORD
    def allow_fetching(self): return {"fetched": ["/srv/s/*"]}
    def set_handlers(self): return Handlers(told=Echo("{{ word }}"))

    def main(self):
        word, wrong = self.vars.word, {"ignore_errors": True}
        Directory("/srv/s")
        File("/srv/s/content", from_content=word, mode=0o600)
        File("/srv/s/template", from_template="conf.j2", mode=0o600, signals="told")
        File("/srv/s/refused", from_content=word, validate="cat %s; cat %s >&2; false", **wrong)
        File("/srv/s/broken", from_template="broken.j2", **wrong)
        File("/srv/s/ascii", from_template="conf.j2", encoding="ascii", **wrong)
        File(T("/srv/none/{{ word }}/x"), from_content="x", **wrong)
        Line("/srv/s/edited", T("a = {{ word }}"), regexp="^a =", create=True, mode=0o600)
        Block("/srv/s/edited", T("{{ word }}"), validate="grep -q nothing-of-it %s", **wrong)
        given = {"stdin": word, "env": {"GIVEN": word}}
        Command(["sh", "-c", "cat; echo $GIVEN >&2; sleep 1; exit 3"], retries=1, delay=0, **given, **wrong)
        Shell(T("cat > /dev/null; sleep 1; cat <<'END'\\n{{ word }}\\nEND"), register="said", **given)
        Shell("cat; sleep 9", timeout=1, **given, **wrong)
        Echo("{{ said.stdout }} {{ word }} {{ nested.inner[0] }} {{ attached | default('') }}")
        User("sam", password_hash=HASH)
        Cron("job", T("true '{{ word }}'"), kept_in="hidden")
        Fetch("/srv/s/content", to="fetched")
        WaitFor(path="/srv/s/content", regexp=T("no {{ word }}"), timeout=1, **wrong)
        Service(T("no-{{ word | length }}"), started=True, **wrong)
        Download("/srv/s/x", url=T("http://ann:{{ word | urlencode }}@127.0.0.1:9/"), headers={"X-Key": "a"}, **wrong)
        Git("/srv/s/checkout", repository=T("http://ann:{{ word | urlencode }}@127.0.0.1:9/x.git"), **wrong)
        DebugFacts()
        print(word.reveal())
        raise RuntimeError(word.reveal())

class All(Policy):
    def set_roles(self): return Roles(Site())

if __name__ == "__main__":
    Cli(All())
"""
HOLDERS = {"/srv/s/content", "/srv/s/template", "/srv/s/edited", "/etc/cron.d/hidden", "/etc/shadow"}

Boot = Callable[..., Fleet]


@contextmanager
def watching() -> Iterator[set[bytes]]:
    """The arguments of every process that hold the word or the hash: hosts of a fleet share this machine's kernel."""
    seen: set[bytes] = set()
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.02):
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    arguments = (process / "cmdline").read_bytes()
                except OSError:  # it has ended
                    continue
                if WORD.encode() in arguments or HASH[10:].encode() in arguments:
                    seen.add(arguments)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def spelled() -> list[str]:
    return [WORD, WORD.upper(), HASH[10:]]


def holding(folder: Path) -> set[str]:
    words = [argument for word in spelled() for argument in ("-e", word)]
    found = subprocess.run(["grep", "-rlF", *words, folder], capture_output=True, text=True, check=False).stdout
    return {f"/{Path(name).relative_to(folder)}" for name in found.splitlines()}


def elsewhere(host: Host) -> str:
    """Where it is in what is on no disk of the host, and in its journal."""
    words = " ".join(f"-e '{word}'" for word in spelled())
    return host.run(
        f"grep -rlF {words} /tmp /run /dev/shm 2>/dev/null; journalctl --no-pager | grep -F {words}", check=False
    ).stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {
        "vault": f"{WORD} ü$x 5%d",
        "hash": HASH,
        "site.py": POLICY,
        "conf.j2": "{{ word }} {{ attached | default('') }} {{ nested.inner[0] }} {{ word | upper }} {{ word | urlencode }}\n",
        "broken.j2": "{{ word }} {{ word.nothing.of_it }}\n",
        "home/.opsmop/defaults.toml": '[log]\npath = "/var/log/opsmop.log"\n',
        "tmp/empty": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_secret_is_nowhere_but_where_the_policy_put_it(boot: Boot, folder: Path) -> None:
    fleet = boot("bookworm")
    host = fleet.hosts[0]
    fleet.inventory(folder / "inventory.toml")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPSMOP_", "XDG_"))}
    for mode, words in [
        ("--check", ["-vv", "--diff"]), ("--check", ["--output", "json"]),
        ("--apply", ["-vv", "--diff"]), ("--apply", ["--output", "ndjson", "--diff"]), ("--apply", ["--output", "json"]),
    ]:  # fmt: skip
        with watching() as seen:
            done = subprocess.run(
                [sys.executable, "site.py", "--push", mode, *words],
                cwd=folder,
                env={**kept, "HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp")},
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
            )
        said = done.stdout + done.stderr
        assert done.returncode == (1 if mode == "--apply" else 0), said
        assert "RuntimeError" in said or mode == "--check", said
        assert [word for word in spelled() if word in said] == []
        assert seen == set()
        applied = mode == "--apply"
        ours = {"/vault", "/hash"} | ({"/fetched/bookworm1/srv/s/content"} if applied else set())
        assert holding(folder) == ours
        assert holding(host.upper) == (HOLDERS if applied else set())
        assert elsewhere(host) == ""
        if applied:
            assert "********" in host.run("cat /var/log/opsmop.log").stdout, "the host's log was written"
