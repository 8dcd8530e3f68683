"""The mirror that bases come from is the one this machine's own apt uses."""

from pathlib import Path

import pytest
from tests.fleet.harness.apt import Source, machine_sources

ONE_LINE = """# a comment
deb-src http://x/src bookworm main
deb [arch=amd64] http://x/debian/ bookworm main # the mirror
"""

DEB822 = """Enabled: no
Types: deb
URIs: http://y/debian
Suites: bookworm
Components: main

Types: deb deb-src
# a comment
URIs: http://x/debian
Suites: bookworm
Components: main
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [("sources.list", ONE_LINE), ("sources.list.d/a.list", ONE_LINE), ("sources.list.d/a.sources", DEB822)],
)
def test_the_mirror_is_read_from_either_format_of_apts_sources(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / name).write_text(text)
    assert list(machine_sources(tmp_path)) == [Source("http://x/debian", ("bookworm",), ("main",))]
