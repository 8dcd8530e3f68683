"""The code bundle: one message, the same bytes every time, importable from memory by any supported Python."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.ship.conftest import BOOT

from opsmop.ship.bundle import PACKAGE, Bundle, bundle_of, code_bundle
from opsmop.ship.packages import package_bundle
from opsmop.ship.places import CARRIED_LIBRARIES

PROGRAM = """
import json, sys
sizes = json.loads(sys.stdin.buffer.readline())
boot, raw = (sys.stdin.buffer.read(size) for size in sizes)
before = set(sys.modules)
here = {"__name__": "boot"}
exec(compile(boot, "<boot>", "exec"), here)
loaded = sorted(name for name in set(sys.modules) - before if not name.startswith(("json", "re", "sre", "enum", "encodings")))
finder = here["install"](raw, "0123456789abcdef")
"""


def run_with(raw: bytes, program: str, python: str) -> Any:
    head = json.dumps([len(BOOT), len(raw)]).encode() + b"\n"
    command = [python, "-I", "-S", "-W", "error", "-c", PROGRAM + program]
    ran = subprocess.run(command, input=head + BOOT + raw, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr.decode()
    return json.loads(ran.stdout)


def index_of(bundle: Bundle | None) -> dict[str, list[int]]:
    """Kind, place and size of all that a bundle holds."""
    raw = bundle.raw() if bundle is not None else b"\0\0\0\2{}"
    found: dict[str, list[int]] = json.loads(raw[4 : 4 + int.from_bytes(raw[:4], "big")])
    return found


def test_the_digest_is_the_sha256_of_the_raw_bytes() -> None:
    bundle = code_bundle()
    assert bundle.digest == hashlib.sha256(bundle.raw()).hexdigest()


def test_the_same_files_give_the_same_bytes_in_any_order() -> None:
    files = {"b": (0, b"2"), "a": (1, b"1")}
    one, other = bundle_of(files), bundle_of(dict(reversed(files.items())))
    assert (one.digest, one.data) == (other.digest, other.data)


@pytest.mark.parametrize("is_there", [True, False])
def test_what_was_packed_once_is_read_where_a_host_wants_it_and_packed_again_if_it_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    packed = code_bundle.__wrapped__()
    kept = code_bundle.__wrapped__()
    if not is_there:
        for file in (tmp_path / "opsmop").glob("bundle-*"):
            file.unlink()
    assert (kept.digest, kept.data) == (packed.digest, packed.data)


def test_only_rooms_that_travel_and_carried_libraries_are_in_the_bundle() -> None:
    index = index_of(code_bundle())
    assert {name.partition(".")[0] for name in index} <= {"opsmop", *CARRIED_LIBRARIES}
    rooms = {name.split(".")[1] for name in index if name.startswith("opsmop.")}
    assert not rooms & {"ship", "transport", "drive", "report", "settings", "schedule", "cli", "app", "demo"}
    assert {"opsmop.wire.boot", "opsmop.wire.rebuild", "opsmop.errors", "jinja2.runtime", "markupsafe._native"} <= set(
        index
    )


def test_every_target_renders_a_template_from_the_bundle_alone(travel: Any) -> None:
    program = """
import jinja2
print(json.dumps(jinja2.Template("{{ x|upper }}").render(x="fine")))
"""
    for python in travel.targets.values():
        assert run_with(code_bundle().raw(), program, python) == "FINE"


def test_the_boot_text_loads_nothing_but_json(travel: Any) -> None:
    for python in travel.targets.values():
        loaded = run_with(code_bundle().raw(), "print(json.dumps(loaded))", python)
        assert set(loaded) <= {"__future__"}


def test_only_what_is_imported_is_compiled_and_compiled_code_is_used_again(travel: Any) -> None:
    files = {"pack": (1, b""), "pack.one": (0, b"X = 1\n"), "pack.two": (0, b"X = 2\n")}
    program = """
import pack.one
kept = dict(finder.compiled)
for name in kept: del sys.modules[name]
kept["pack.one"] = compile("X = 'kept'", "x", "exec")
sys.meta_path.insert(0, here["finder_of"](raw, "0123456789abcdef", kept))
import pack.one
print(json.dumps([sorted(finder.compiled), pack.one.X]))
"""
    for python in travel.targets.values():
        assert run_with(bundle_of(files).raw(), program, python) == [["pack", "pack.one"], "kept"]


def test_the_bundle_wins_over_what_is_installed(travel: Any) -> None:
    files = {"string": (0, b"X = 'ours'\n")}
    program = "sys.modules.pop('string', None)\nimport string\nprint(json.dumps(string.X))"
    for python in travel.targets.values():
        assert run_with(bundle_of(files).raw(), program, python) == "ours"


def test_data_files_sources_and_resources_are_readable(travel: Any) -> None:
    files = {
        "pack": (1, b""),
        "pack.broken": (0, b"def f():\n    return 1 / 0  # the line\n"),
        "pack/data.txt": (2, b"data"),
        "pack/sub": (1, b""),
    }
    program = """
import importlib.resources, inspect, pkgutil, traceback, warnings
import pack.broken
warnings.simplefilter("ignore")
try:
    pack.broken.f()
except ZeroDivisionError:
    text = traceback.format_exc()
try:
    pkgutil.get_data("pack", "none.txt")
except OSError:
    missing = True
print(json.dumps([pkgutil.get_data("pack", "data.txt").decode(), importlib.resources.open_text("pack", "data.txt").read(),
    inspect.getsource(pack.broken.f), "# the line" in text, missing, importlib.resources.is_resource("pack", "data.txt")]))
"""
    source = "def f():\n    return 1 / 0  # the line\n"
    for python in travel.targets.values():
        found = run_with(bundle_of(files).raw(), program, python)
        assert found == ["data", "data", source, True, True, True]


def installed(folder: Path, monkeypatch: Any, files: dict[str, str]) -> None:
    library = folder / "site-packages"
    for name, text in files.items():
        path = library / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(library))


def test_the_list_of_packages_is_closed_over_what_they_import(tmp_path: Path, monkeypatch: Any) -> None:
    files = {
        "shop1/__init__.py": "import os, shop2\n",
        "shop1/late.py": "def f():\n    from shop3.deep import x\n",
        "shop2.py": "import json\nimport shop1\n",
        "shop3/deep.py": "x = 1\n",
        "shop4.py": "",
    }
    installed(tmp_path, monkeypatch, files)
    index = index_of(package_bundle(["shop1"]))
    assert list(index) == ["shop1", "shop1.late", "shop2", "shop3", "shop3.deep"]
    kind, _, length = index["shop3"]
    assert (kind, length) == (PACKAGE, 0)


def test_a_package_with_compiled_parts_is_not_sent(tmp_path: Path, monkeypatch: Any) -> None:
    files = {"fast1/__init__.py": "", "fast1/core.abi3.so": "", "user1.py": "import fast1\n"}
    installed(tmp_path, monkeypatch, files)
    assert list(index_of(package_bundle(["user1"]))) == ["user1"]
    assert package_bundle(["fast1"]) is None


def test_what_every_target_has_is_never_in_the_second_bundle() -> None:
    assert package_bundle(["json", "jinja2", "opsmop", "nowhere_at_all"]) is None


IMPORTS = """
import far1.deep as one, far2 ; import far3
from \\
    far4.x import (far5,
    b)
def f():
    try: import far6
    except ImportError: from far7 import c
    x = "import far8"
    for y in (yield from x): import far9
"""


def test_imports_are_found_wherever_they_stand_in_a_source(tmp_path: Path, monkeypatch: Any) -> None:
    others = {f"far{number}.py": "" for number in range(1, 10)}
    installed(tmp_path, monkeypatch, {"near.py": IMPORTS, **others})
    found = {name for name in index_of(package_bundle(["near"])) if name.startswith("far")}
    assert found == {f"far{number}" for number in (1, 2, 3, 4, 6, 7, 9)}


def test_a_package_that_imports_the_program_itself_is_sent(tmp_path: Path, monkeypatch: Any) -> None:
    files = {"diller.py": "import __main__\nimport odd1\n", "odd1.py": "X = 1\n"}
    installed(tmp_path, monkeypatch, files)
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)  # as where a program is run by its path
    assert list(index_of(package_bundle(["diller"]))) == ["diller", "odd1"]


def test_a_bundle_of_packages_is_made_once(tmp_path: Path, monkeypatch: Any) -> None:
    installed(tmp_path, monkeypatch, {"once1.py": "", "once2.py": ""})
    assert package_bundle(["once1", "once2"]) is package_bundle(("once2", "once1"))
    assert package_bundle(["once1"]) != package_bundle(["once2"])


def test_packages_of_one_name_in_two_places_are_two(tmp_path: Path, monkeypatch: Any) -> None:
    digests = set()
    for number in range(2):
        with monkeypatch.context() as here:
            installed(tmp_path / str(number), here, {"twice.py": f"X = {number}\n"})
            bundle = package_bundle(["twice"])
            assert bundle is not None
            digests.add(bundle.digest)
    assert len(digests) == 2
