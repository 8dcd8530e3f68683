"""The password of an address on the web: used, and to be found nowhere."""

from __future__ import annotations

import base64
import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.hostile.test_secrets import SECRET, watching

KEY = "ssh-ed25519 " + base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes(32)).decode()
POLICY = f"""
import getpass
from opsmop import *
from pathlib import Path

inventory = TomlInventory("inventory.toml")

class One(Role):
    def inventory(self): return inventory
    def set_variables(self): return dict(password=Secret(Path("HOME/vault").read_text()))
    def main(self):
        Git("HOME/made/site", repository=T("http://ann:{{{{ password }}}}@SITE/site.git"))
        Git("HOME/made/none", repository=T("http://ann:{{{{ password }}}}@SITE/none.git"), ignore_errors=True)
        Git("HOME/made/old", repository=T("http://ann:{{{{ password }}}}@SITE/site.git"))
        Download("HOME/made/file", url=T("http://ann:{{{{ password }}}}@SITE/file"))
        Download("HOME/made/none", url=T("http://ann:{{{{ password }}}}@SITE/none"), ignore_errors=True)
        Download("HOME/made/token", url="http://SITE/file", headers={{"Authorization": T("{{{{ password }}}}")}}, ignore_errors=True)
        AuthorizedKey(getpass.getuser(), T("{KEY} {{{{ password }}}}"), path="HOME/made/keys")
        Unarchive("HOME/made", archive=T("HOME/{{{{ password }}}}"), ignore_errors=True)

class Site(Policy):
    def set_roles(self): return Roles(One())

if __name__ == "__main__":
    Cli(Site())
"""


class Guarded(http.server.SimpleHTTPRequestHandler):
    """Files for those who know the password."""

    def send_head(self) -> object:  # type: ignore[override]
        login = base64.b64encode(f"ann:{SECRET}".encode()).decode()
        if self.headers["Authorization"] == f"Basic {login}":
            return super().send_head()
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="files"')
        self.end_headers()
        return None

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    site = tmp_path / "served"
    (site / "work").mkdir(parents=True)
    (site / "file").write_text("content")
    author = ["-c", "user.name=a", "-c", "user.email=a@test"]
    for words in (
        ["init", "-q", "work"],
        ["-C", "work", *author, "commit", "-q", "--allow-empty", "-m", "one"],
        ["clone", "-q", "--bare", "work", "site.git"],
        ["-C", "site.git", "update-server-info"],
        ["clone", "-q", "work", tmp_path / "made" / "old"],
    ):
        subprocess.run(["git", *words], cwd=site, env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]}, check=True)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Guarded, directory=site))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    (tmp_path / "policy").mkdir()
    address = f"127.0.0.1:{server.server_port}"
    old = f"http://ann:earlier-{SECRET}@{address}/site.git"
    subprocess.run(["git", "config", "remote.origin.url", old], cwd=tmp_path / "made" / "old", check=True)
    (tmp_path / "policy" / "site.py").write_text(POLICY.replace("HOME", str(tmp_path)).replace("SITE", address))
    (tmp_path / "policy" / "inventory.toml").write_text('[groups.all.hosts]\nhere = "opsmop_connection=local"\n')
    (tmp_path / "vault").write_text(SECRET)
    yield tmp_path
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("reach", ["--push", "--local"])
def test_the_password_of_an_address_is_in_no_argument_output_record_nor_checkout(home: Path, reach: str) -> None:
    for mode in ("--check", "--apply", "--apply"):
        with watching() as seen:
            done = subprocess.run(
                [sys.executable, home / "policy/site.py", mode, reach, "--diff", "-vv"],
                env={**os.environ, "HOME": str(home)},
                cwd="/",
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        assert SECRET not in said
        assert [found for found in seen if not found.startswith("environ")] == []
    assert "changed=0" in said or " 0 changed" in said, said
    assert (home / "made" / "file").read_text() == "content"
    assert (home / "made" / "site" / ".git" / "HEAD").exists()
    holding = {
        str(path.relative_to(home))
        for path in home.rglob("*")
        if path.is_file() and SECRET in path.read_text(errors="replace")
    }
    assert holding == {"vault", "made/keys"}
