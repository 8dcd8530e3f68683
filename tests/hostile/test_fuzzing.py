"""A short run of the fuzzer; a longer one is `python tests/hostile/fuzz.py wire 600`."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

FUZZER = Path(__file__).parent / "fuzz.py"


@pytest.mark.parametrize("target", ["wire", "inventory"])
def test_coverage_guided_bytes_bring_nothing_but_the_promised_errors(target: str, tmp_path: Path) -> None:
    assert importlib.util.find_spec("atheris"), "this test needs atheris: pip install -e .[fuzz]"
    # libFuzzer bounds getrusage's ru_maxrss, which begins with what a process was forked from: here a small shell.
    done = subprocess.run(
        ["/bin/sh", "-c", '"$@"; exit $?', "sh", sys.executable, str(FUZZER), target, "8"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Done " in done.stderr
