"""Templates written in a way of their own, rendered on real hosts: with an old Python and with a newer one."""

from collections.abc import Callable
from pathlib import Path

from tests.fleet.harness import Fleet
from tests.fleet.laws import everywhere, law

MAIN = """
File("/srv/units", from_template="units.j2", trim_blocks=True, lstrip_blocks=True, newline="\\r\\n")
File("/srv/macros.tex", from_template="macros.j2", variable_delimiters=["<<", ">>"], comment_delimiters=["<#", "#>"])
File("/srv/usual", from_template="units.j2", encoding="utf-16-le")
"""


def test_files_are_rendered_as_they_are_written(boot: Callable[..., Fleet], tmp_path: Path) -> None:
    fleet = boot("bullseye", "bookworm")
    (tmp_path / "units.j2").write_text("{% for number in range(2) %}\nunit {{ number }}\n  {% endfor %}\n")
    (tmp_path / "macros.j2").write_text("<# gone #>{\\bf{{#1}}} << Platform.system() >>\n")
    assert law(fleet, tmp_path, MAIN) == ["create", "create", "create"]
    assert everywhere(fleet, "od -An -c /srv/units | tr -d ' \\n'") == r"unit0\r\nunit1\r\n"
    assert everywhere(fleet, "cat /srv/macros.tex") == "{\\bf{{#1}}} Linux\n"
    assert everywhere(fleet, "iconv -f utf-16le -t utf-8 /srv/usual") == "\nunit 0\n  \nunit 1\n  \n"
