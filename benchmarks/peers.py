"""Other tools that do the same jobs: each in a venv of its own, which is made when it is first wanted."""

from __future__ import annotations

import atexit
import json
import shlex
import shutil
import subprocess
import venv
from collections.abc import Callable
from pathlib import Path

from benchmarks.grounds import PYTHON, Grounds, Target
from benchmarks.jobs import Job, variables
from benchmarks.tools import Command

VENVS = Path(__file__).parent / "venvs"
PACKAGES = {
    "ansible": ("ansible-core>=2.19,<2.20", "mitogen>=0.3.50,<0.4"),
    "pyinfra": ("pyinfra>=3.4,<4",),
    "bundlewrap": ("bundlewrap>=5,<6", "jinja2>=3.1"),
}
STATE = Path("/var/lib/bundlewrap")  # what bundlewrap leaves on a host, which is this machine
Prepare = Callable[[Grounds, Job, tuple[Target, ...], Path], Command]


def installed() -> dict[str, Prepare]:
    """The other tools, by name; missing ones are installed with pip.

    :raises subprocess.CalledProcessError: if that fails
    """
    for name, packages in PACKAGES.items():
        if (VENVS / name / "installed").exists():
            continue
        print(f"Installing {' '.join(packages)}", flush=True)
        venv.create(VENVS / name, with_pip=True)
        subprocess.run([program(name, "pip"), "install", "-q", *packages], check=True)
        (VENVS / name / "installed").touch()
    return {"pyinfra": pyinfra, "bundlewrap": bundlewrap, "ansible+mitogen": ansible_with_mitogen, "ansible": ansible}


def program(tool: str, name: str) -> str:
    """A program of a tool's venv."""
    return str(VENVS / tool / "bin" / name)


def ansible(grounds: Grounds, job: Job, targets: tuple[Target, ...], folder: Path) -> Command:
    """ansible-core, with pipelining and a persistent connection for each host."""
    _playbook(grounds, job, targets, folder)
    (folder / "ansible.cfg").write_text(_ANSIBLE.format(folder=folder, args=shlex.join(grounds.ssh_args), more=""))
    return _of_ansible(folder)


def ansible_with_mitogen(grounds: Grounds, job: Job, targets: tuple[Target, ...], folder: Path) -> Command:
    """ansible-core with the strategy that mitogen brings."""
    _playbook(grounds, job, targets, folder)
    plugins = next((VENVS / "ansible" / "lib").glob("python3*/site-packages/ansible_mitogen/plugins/strategy"))
    more = f"strategy_plugins = {plugins}\nstrategy = mitogen_linear\n"
    (folder / "ansible.cfg").write_text(_ANSIBLE.format(folder=folder, args=shlex.join(grounds.ssh_args), more=more))
    return _of_ansible(folder)


def _of_ansible(folder: Path) -> Command:
    words = (program("ansible", "ansible-playbook"), "-i", "hosts.json", "site.json")
    home = folder / "operator"
    home.mkdir(exist_ok=True)
    return Command(words, folder, (("HOME", str(home)), ("ANSIBLE_CONFIG", str(folder / "ansible.cfg"))))


# A connection that outlives the run would make the next one look faster than it is.
_ANSIBLE = """\
[defaults]
forks = 50
host_key_checking = True
gathering = explicit
{more}
[ssh_connection]
pipelining = True
control_path = {folder}/%%C
ssh_args = {args} -o ControlMaster=auto -o ControlPersist=2s
"""


def _playbook(grounds: Grounds, job: Job, targets: tuple[Target, ...], folder: Path) -> None:
    job.lay_out(folder)
    for path in (folder / "templates").iterdir():  # Ansible's own default takes newlines away
        path.write_text("#jinja2: trim_blocks:False\n" + path.read_text())
    common = {"mode": "0644"}
    tasks = [{"file": {"path": f"{{{{ root }}}}/{name}", "state": "directory", "mode": "0755"}} for name in job.folders]
    tasks += [{"copy": {"src": f"files/{name}", "dest": f"{{{{ root }}}}/{name}", **common}} for name in job.files]
    tasks += [{"copy": {"src": f"copies/{name}", "dest": f"{{{{ root }}}}/{name}", **common}} for name in job.copies]
    tasks += [{"template": {"src": f"{name}.j2", "dest": f"{{{{ root }}}}/{name}", **common}} for name in job.templates]
    commands = [job.command(number, "{{ root }}") for number in range(job.commands)]
    tasks += [{"shell": command, "changed_when": False} for command in commands]  # type: ignore[dict-item]
    (folder / "site.json").write_text(json.dumps([{"hosts": "all", "tasks": tasks}]))
    hosts = {
        target.name: {
            "ansible_host": target.address,
            "ansible_port": target.port,
            **variables(target.number, str(target.root)),
        }
        for target in targets
    }
    own = {
        "ansible_user": grounds.user,
        "ansible_ssh_private_key_file": str(grounds.key_file),
        "ansible_python_interpreter": PYTHON,
    }
    (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts, "vars": own}}))


def pyinfra(grounds: Grounds, job: Job, targets: tuple[Target, ...], folder: Path) -> Command:
    """pyinfra."""
    job.lay_out(folder)
    known = next(argument.partition("=")[2] for argument in grounds.ssh_args if "UserKnownHostsFile=" in argument)
    connection = {"ssh_user": grounds.user, "ssh_key": str(grounds.key_file), "ssh_known_hosts_file": known}
    hosts = [
        (
            target.name,
            {
                "ssh_hostname": target.address,
                "ssh_port": target.port,
                **connection,
                **variables(target.number, str(target.root)),
            },
        )
        for target in targets
    ]
    (folder / "inventory.py").write_text(f"hosts = {hosts!r}\n")
    lines = ["from pyinfra import host", "from pyinfra.operations import files, server", "root = host.data.root"]
    lines += [f"files.directory(path=f'{{root}}/{name}', mode='755')" for name in job.folders]
    for where, names in (("files", job.files), ("copies", job.copies)):
        lines += [f"files.put(src='{where}/{name}', dest=f'{{root}}/{name}', mode='644')" for name in names]
    given = "title=host.data.title, port=host.data.port, peers=host.data.peers, root=root"
    lines += [
        f"files.template(src='templates/{name}.j2', dest=f'{{root}}/{name}', mode='644', {given})"
        for name in job.templates
    ]
    commands = (job.command(number, "{root}") for number in range(job.commands))
    lines += [f"server.shell(commands=[f'{command}'])" for command in commands]
    (folder / "deploy.py").write_text("\n".join(lines) + "\n")
    return Command((program("pyinfra", "pyinfra"), "inventory.py", "deploy.py", "-y"), folder, (("HOME", str(folder)),))


def bundlewrap(grounds: Grounds, job: Job, targets: tuple[Target, ...], folder: Path) -> Command:
    """bundlewrap. Its arguments of ssh are the same for all nodes, so that all must listen on one port."""
    if len({target.port for target in targets}) > 1:
        raise LookupError("bundlewrap can be told one port only")
    subprocess.run([program("bundlewrap", "bw"), "repo", "create"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    bundle = folder / "bundles" / "work"
    job.lay_out(bundle)
    for path in (bundle / "templates").iterdir():  # Jinja's own default takes the last newline away
        path.write_text(path.read_text() + "\n")
    nodes = {
        target.name: {
            "hostname": target.address,
            "bundles": ["work"],
            "os": "debian",
            "metadata": variables(target.number, str(target.root)),
        }
        for target in targets
    }
    if not STATE.exists():
        atexit.register(shutil.rmtree, STATE, ignore_errors=True)
    (folder / "nodes.py").write_text(f"nodes = {nodes!r}\n")
    (folder / "groups.py").write_text("groups = {}\n")
    (bundle / "items.py").write_text(_items(job))
    for where in ("copies", "templates"):
        for path in [*(bundle / where).iterdir()]:
            path.rename(bundle / "files" / path.name)
    ssh = shlex.join((*grounds.ssh_args, "-i", str(grounds.key_file), f"-oPort={targets[0].port}"))
    words = (program("bundlewrap", "bw"), "apply", "-p", "50", *(target.name for target in targets))
    return Command(words, folder, (("HOME", str(folder)), ("BW_SSH_ARGS", ssh), ("BW_SCP_ARGS", ssh)))


def _items(job: Job) -> str:
    plain = {name: {"source": name, "content_type": "binary", "mode": "0644"} for name in [*job.files, *job.copies]}
    rendered = {name: {"source": f"{name}.j2", "content_type": "jinja2", "mode": "0644"} for name in job.templates}
    commands = {f"run{number}": job.command(number, "ROOT") for number in range(job.commands)}
    return f"""
mine = {{"owner": "root", "group": "root"}}
root = node.metadata.get("root")
values = {{name: node.metadata.get(name) for name in ("title", "port", "peers", "root")}}
directories = {{f"{{root}}/{{name}}": {{"mode": "0755", **mine}} for name in {list(job.folders)!r}}}
files = {{f"{{root}}/{{name}}": {{**item, **mine, "context": values}} for name, item in {plain | rendered!r}.items()}}
actions = {{name: {{"command": command.replace("ROOT", root)}} for name, command in {commands!r}.items()}}
"""
