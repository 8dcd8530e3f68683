"""The bound: per host one ssh that runs one script, sent on its stdin, which does the work with the standard library.

``bound.py PLAN.json``: reads what to do, does it to all hosts at once, and prints what each said.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

# What is on the command line of each host.
READER = "import sys;b=sys.stdin.buffer;exec(compile(b.read(int(sys.argv[1])),'work','exec'))"

SCRIPT = """
import os, subprocess, sys
def put(path, content, mode=0o644):
    try:
        with open(path, "rb") as file:
            if file.read() == content and os.fstat(file.fileno()).st_mode & 0o7777 == mode:
                return say("ok", path)
    except FileNotFoundError:
        pass
    fresh = path + ".new"
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        os.fchmod(file.fileno(), mode)
    os.rename(fresh, path)
    say("changed", path)
def say(what, about):
    sys.stdout.write(what + " " + about + "\\n")
def folder(path):
    if os.path.isdir(path):
        return say("ok", path)
    os.mkdir(path, 0o755)
    say("changed", path)
def render(text):
    start, _, rest = text.partition("{% for peer in peers %}\\n")
    body, _, end = rest.partition("{% endfor %}\\n")
    text = start + "".join("\\n" + body.replace("{{ peer }}", peer) for peer in peers) + "\\n" + end
    for name in ("title", "port", "root"):
        text = text.replace("{{ " + name + " }}", str(variables[name]))
    return text.encode()
root, peers = variables["root"], variables["peers"]
os.umask(0o022)
for name in folders:
    folder(root + "/" + name)
for name, content in files.items():
    put(root + "/" + name, content)
for name, size in copies.items():
    put(root + "/" + name, b.read(size))
for name, text in templates.items():
    put(root + "/" + name, render(text))
for command in commands:
    done = subprocess.run(["/bin/sh", "-c", command.replace("ROOT", root)], capture_output=True, text=True, check=True)
    say("ran", command)
"""


def main() -> None:
    """Do what the plan says."""
    plan = json.loads(Path(sys.argv[1]).read_text())
    parts = [f"{name} = {value!r}\n" for name, value in _contents(plan).items()]
    copies = sorted((Path(plan["work"]) / "copies").iterdir())
    parts.append(f"copies = { {path.name: path.stat().st_size for path in copies}!r}\n")
    common = "".join(parts).encode(), b"".join(path.read_bytes() for path in copies)
    wrong: list[str] = []
    threads = [threading.Thread(target=_one, args=(plan, common, host, wrong)) for host in plan["hosts"]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.exit("".join(wrong) or 0)


def _contents(plan: dict[str, object]) -> dict[str, object]:
    work = Path(str(plan["work"]))
    named = {
        folder: {path.name: path for path in sorted((work / folder).iterdir())} for folder in ("files", "templates")
    }
    files = {name: path.read_bytes() for name, path in named["files"].items()}
    templates = {name.removesuffix(".j2"): path.read_text() for name, path in named["templates"].items()}
    return {"files": files, "templates": templates, "folders": plan["folders"], "commands": plan["commands"]}


def _one(plan: dict[str, list[str]], common: tuple[bytes, bytes], host: dict[str, str], wrong: list[str]) -> None:
    names, content = common
    script = f"variables = {host['variables']!r}\n".encode() + names + SCRIPT.encode()
    command = [*plan["ssh"], f"-p{host['port']}", host["address"], f'{plan["python"]} -ESs -c "{READER}" {len(script)}']
    done = subprocess.run(command, input=script + content, capture_output=True, check=False)
    sys.stdout.write(f"{host['address']}: {done.stdout.decode()}")
    if done.returncode:
        wrong.append(done.stderr.decode())


if __name__ == "__main__":
    main()
