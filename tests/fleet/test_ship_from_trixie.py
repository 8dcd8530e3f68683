"""The suite's ship part the other way round: a controller with Python 3.13 ships to a target with Python 3.9."""

import re
import shutil
from pathlib import Path

from tests.fleet.conftest import Boot
from tests.fleet.harness import Host

CHECKOUT = Path(__file__).parents[2]
LIBRARIES = "python3-pytest python3-jinja2 python3-yaml python3-tomli"
# A target's Python on another host, for a suite that starts its targets' Pythons as commands.
ELSEWHERE = """#!/bin/bash
exec ssh -F /dev/null -i /root/key -o IdentitiesOnly=yes -o UserKnownHostsFile=/root/known_hosts \\
    root@{address} "python3 $(printf '%q ' "$@")"
"""


def copy_checkout(host: Host) -> None:
    folder = host.root / "root" / "checkout"
    for part in ("src", "tests/ship"):
        shutil.copytree(CHECKOUT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("pyproject.toml", "tests/conftest.py"):
        shutil.copy(CHECKOUT / part, folder / part)


def put(host: Host, path: str, content: str, mode: str) -> None:
    host.run(f"cat > {path} && chmod {mode} {path}", input=content)


def test_the_ship_suite_passes_from_python_313_to_39(boot: Boot) -> None:
    fleet = boot("trixie", "bullseye")
    controller, target = fleet.host("trixie1"), fleet.host("bullseye1")
    controller.run(f"apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qqy {LIBRARIES} >/dev/null")
    put(controller, "/root/key", fleet.key.read_text(), "600")
    put(controller, "/root/known_hosts", fleet.known_hosts.read_text(), "600")
    put(controller, "/root/python3.9", ELSEWHERE.format(address=target.address), "755")
    copy_checkout(controller)

    ran = controller.run(
        "cd /root/checkout && OPSMOP_TARGET_PYTHONS=/root/python3.9 PYTHONPATH=src"
        " python3 -m pytest -q -p no:cacheprovider -o addopts= -o xfail_strict=true tests/ship --import-mode=importlib",
        check=False,
        timeout=900,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(r"^\d\d+ passed in ", ran.stdout.splitlines()[-1]), ran.stdout
    assert (
        controller.run(
            "cd /root/checkout && OPSMOP_TARGET_PYTHONS=/root/python3.9 PYTHONPATH=src:tests/ship"
            " python3 -c 'import conftest; print(*conftest.TARGETS)'"
        ).stdout
        == "3.9 3.13\n"
    )
