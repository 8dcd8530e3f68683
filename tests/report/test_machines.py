"""What machines read: every form, of runs that went well, that failed, and that never began."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from tests.report import simulated

import opsmop.report
from opsmop.events import EVENT_TYPES, ChangeReport, Event, Failure, ResourceFinished, RunFinished
from opsmop.report.document import Digest
from opsmop.report.outputs import machine_report
from opsmop.wire.records import fields

SCHEMAS = Path(opsmop.report.__file__).parent / "schema"
EVENT, RUN = (
    jsonschema.Draft202012Validator(json.loads((SCHEMAS / f"{name}.json").read_text())) for name in ("event", "run")
)
POLICY = """
from opsmop.core.easy import *

class Web(Role):
    def inventory(self): return TomlInventory("hosts.toml").filter()
    def main(self):
        File(f"OUT/motd-{self.vars.own}", from_content="welcome\\n", mode=0o644)
        Shell("true", creates="/")
        Shell("echo said >&2; exit 3", ignore_errors=True)
        print("printed")
        if self.vars.broken:
            Shell("echo out; echo 'no <space> left & more' >&2; exit 4")
        return {"port": 80}

class Site(Policy):
    def set_roles(self): return Roles(Web())

if __name__ == "__main__":
    Cli(Site())
"""
HOSTS = """
[groups.all.hosts]
a = { opsmop_connection = "local", own = "a", broken = false }
b = { opsmop_connection = "local", own = "b", broken = true }
c = "opsmop_host=127.0.0.1 opsmop_ssh_port=1"
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "site.py").write_text(POLICY.replace("OUT", str(tmp_path)))
    (tmp_path / "hosts.toml").write_text(HOSTS)
    return tmp_path / "site.py"


def run(site: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(site), *options],
        cwd=site.parent,
        env={"HOME": str(site.parent), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_every_line_is_an_event_of_the_schema_and_people_read_on_stderr(site: Path) -> None:
    done = run(site, "--push", "--apply", "--diff", "-v", "--output", "ndjson")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    for line in lines:
        EVENT.validate(line)
    kinds = {line["event"] for line in lines}
    assert {"RunStarted", "ResourceFinished", "ResourceFailed", "ContactFinished", "Printed", "RunFinished"} <= kinds
    assert (lines[0]["event"], lines[-1]["event"], lines[-1]["exit_status"]) == ("RunStarted", "RunFinished", 1)
    assert "RESULT failed=1 unreachable=1" in done.stderr
    assert "RESULT" not in done.stdout


def test_the_document_tells_of_every_host_role_and_resource(site: Path) -> None:
    done = run(site, "--push", "--apply", "--output", "json")
    document = json.loads(done.stdout)
    RUN.validate(document)
    assert (done.returncode, document["exit_status"]) == (1, 1)
    assert [(host["host"], host["ending"]) for host in document["hosts"]] == [
        ("b", "failed"),
        ("c", "unreachable"),
        ("a", "changed"),
    ]
    failed, unreachable, changed = (host["roles"][0] for host in document["hosts"])
    assert changed["value"] == {"port": 80}
    assert [resource["status"] for resource in changed["resources"]] == ["changed", "skipped", "failed"]
    assert changed["resources"][0]["changes"][0]["name"] == "create"
    assert failed["failure"]["stderr"] == "no <space> left & more\n"
    assert failed["failure"]["rc"] == 4
    assert unreachable["failure"]["error"] == "ConnectError"


WRONG = {
    "an option": (["--push", "--check", "--limit-hosts", "a,,b"], None),
    "a host": (["--push", "--check", "--limit-hosts", "nobody"], None),
    "a list, which is for people": (["--push", "--check", "--list-hosts"], None),
    "the policy": (["--push", "--check"], ("return Roles(Web())", "return 7")),
    "what cannot travel": (["--push", "--check"], ('print("printed")', "open.__self__.lock = LOCK")),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_run_that_did_not_begin_is_a_whole_document_too(site: Path, what: str) -> None:
    options, change = WRONG[what]
    text = site.read_text().replace("class Web", "import threading\nLOCK = threading.Lock()\n\nclass Web")
    site.write_text(text.replace(*change) if change else text)
    for form in ("json", "ndjson", "junit", "github"):
        done = run(site, *options, "--output", form)
        assert done.returncode == 2, done.stdout + done.stderr
        assert done.stderr.startswith("opsmop: ")
        if form == "json":
            document = json.loads(done.stdout)
            RUN.validate(document)
            assert (document["exit_status"], document["hosts"], bool(document["failure"]["message"])) == (2, [], True)
        elif form == "ndjson":
            for line in done.stdout.splitlines():
                EVENT.validate(json.loads(line))
            assert json.loads(done.stdout.splitlines()[-1])["failure"]["message"]
        elif form == "junit":
            assert ET.fromstring(done.stdout).get("errors") == "1"
        else:
            assert done.stdout.startswith("::error ")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_a_lost_host_cost_is_counted_too(site: Path, workers: str) -> None:
    text = site.read_text().replace(
        "        if self.vars.broken:", "        if self.vars.broken: Shell('kill -9 $PPID')\n        if False:"
    )
    site.write_text(text)
    document = json.loads(run(site, "--push", "--apply", "--output", "json", "-j", workers).stdout)
    (lost,) = (host for host in document["hosts"] if host["lost"])
    assert (lost["host"], lost["roles"][0]["status"]) == ("b", "lost")
    assert lost["roles"][0]["sent"] > 1000
    assert lost["roles"][0]["received"] > 1000


def test_a_form_that_is_not_known_is_told_with_those_that_are(site: Path) -> None:
    done = run(site, "--push", "--check", "--output", "jsn")
    assert (done.returncode, done.stdout) == (2, "")
    assert "'jsn' is none of console, ndjson, json, junit, github" in done.stderr


def test_what_validation_finds_is_told_to_machines(site: Path) -> None:
    assert json.loads(run(site, "--push", "--validate", "--output", "json").stdout)["findings"] == []
    site.write_text(site.read_text().replace("mode=0o644", "mod=0o644").replace('creates="/"', 'create="/"'))
    done = run(site, "--push", "--validate", "--output", "json")
    document = json.loads(done.stdout)
    RUN.validate(document)
    assert (done.returncode, document["exit_status"], len(document["findings"])) == (2, 2, 2)
    assert document["findings"][0]["failure"]["place"].endswith("site.py:7")
    annotations = run(site, "--push", "--validate", "--output", "github").stdout
    assert annotations.startswith("::error file=site.py,line=7,title=validation::")


def test_junit_has_a_suite_for_each_contact_and_a_case_for_each_resource(site: Path) -> None:
    done = run(site, "--push", "--apply", "--output", "junit")
    suites = ET.fromstring(done.stdout)
    assert {
        suite.get("name"): (suite.get("tests"), suite.get("failures"), suite.get("errors")) for suite in suites
    } == {
        "Web on a": ("4", "0", "0"),
        "Web on b": ("5", "1", "0"),
        "Web on c": ("1", "0", "1"),
    }
    (failure,) = suites.findall(".//failure")
    assert failure.text is not None
    assert "no <space> left & more" in failure.text
    assert [suites.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["10", "1", "1", "2"]


def test_a_failure_that_the_policy_caught_is_none_in_any_form(site: Path) -> None:
    text = site.read_text().replace(
        '        print("printed")',
        '        try:\n            Shell("exit 5")\n        except ProviderError:\n            pass',
    )
    site.write_text(text)
    limited = ("--push", "--apply", "--limit-hosts", "a", "--output")
    assert ET.fromstring(run(site, *limited, "junit").stdout).get("failures") == "0"
    assert "::error" not in run(site, *limited, "github").stdout
    (host,) = json.loads(run(site, *limited, "json").stdout)["hosts"]
    assert (host["counts"]["failed"], host["counts"]["ignored"]) == (0, 2)
    assert [one["ignored"] for one in host["roles"][0]["resources"] if one["status"] == "failed"] == [True, True]


def test_github_gets_each_failure_once_beside_its_line(site: Path) -> None:
    done = run(site, "--push", "--apply", "--output", "github")
    first, *rest = done.stdout.splitlines()
    assert first.startswith(
        "::error file=site.py,line=12,title=Shell echo out; echo 'no <space> left & more' >&2; exit 4 on b::"
    )
    assert "%0Ano <space> left & more" in first
    assert [line.split("::")[1].split(" ")[0] for line in rest[:-1]] == ["error"]
    assert rest[-1].startswith("RESULT failed=1 unreachable=1")


def test_annotations_of_many_hosts_are_one_and_their_texts_are_escaped() -> None:
    out = io.StringIO()
    report = machine_report("github", out, {"GITHUB_WORKSPACE": "/srv"})
    assert report is not None
    for event in simulated.run(25):
        report(event)
    assert out.getvalue().splitlines()[0] == (
        "::error file=policy/site.py,line=13,title=Package nginxx on web03::Package nginxx: apt-get ended with exit status 100"
        "%0AE: Unable to locate package nginxx%0ACheck the name of the package."
    )


@pytest.mark.parametrize("kind", [*EVENT_TYPES, "ChangeReport", "Failure"])
def test_the_schema_knows_every_field_and_no_other(kind: str) -> None:
    declared = {"ChangeReport": ChangeReport, "Failure": Failure, **EVENT_TYPES}[kind]
    own = {entry.name for entry in fields(declared)}
    assert set(EVENT.schema["$defs"][kind]["properties"]) - {"v", "event"} == own


@pytest.mark.parametrize("hosts", [1, 25, 500])
@pytest.mark.parametrize("mode", ["check", "apply"])
def test_simulated_runs_keep_to_the_schemas(hosts: int, mode: str) -> None:
    digest, out = Digest(), io.StringIO()
    ndjson = machine_report("ndjson", out, {})
    assert ndjson is not None
    for event in simulated.run(hosts, mode):
        digest(event)
        ndjson(event)
    RUN.validate(digest.document())
    lines = out.getvalue().splitlines()
    for line in lines[:: max(1, hosts // 20)]:
        EVENT.validate(json.loads(line))


@pytest.mark.parametrize("form", ["ndjson", "json", "junit", "github"])
def test_whatever_a_host_says_the_form_is_kept(form: str) -> None:
    nasty = "]]>\x00\x1b[2J</failure>&%\r\n::error::x\ud800\ufffe\U0001f600"
    events: list[Event] = [
        *simulated.run(1)[:-2],
        ResourceFinished(host="web1", role=simulated.ROLE, type=nasty, name=nasty, status=nasty, output=nasty),
        RunFinished(exit_status=1, stopped=nasty, failure=Failure(nasty, nasty, nasty, nasty, nasty, 1, nasty, nasty)),
    ]
    raw = io.BytesIO()
    report: Any = machine_report(form, io.TextIOWrapper(raw, encoding="utf-8"), {})
    for event in events:
        report(event)
    written = raw.getvalue().decode()
    if form == "ndjson":
        for line in written.splitlines():
            EVENT.validate(json.loads(line))
    elif form == "json":
        RUN.validate(json.loads(written))
    elif form == "junit":
        ET.fromstring(written)
    else:
        assert [line[:7] for line in written.splitlines()] == ["::error", "RESULT "]


def test_the_documentation_shows_every_form_and_names_the_schemas() -> None:
    text = (Path(__file__).parents[2] / "docs" / "machines.md").read_text()
    words = (
        "--output ndjson",
        "--output json",
        "--output junit",
        "--output github",
        "schema/event.json",
        "schema/run.json",
    )
    assert [word for word in words if word not in text] == []
