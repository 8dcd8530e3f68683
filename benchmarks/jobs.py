"""What is measured: jobs that every tool carries out with equal effect."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

SMALL = 1200  # bytes of a small file
COPY = 100_000  # bytes of a copied file
PEERS = ("ash", "birch", "cedar", "elm", "fir")  # what the templates loop over

TEMPLATE = """\
# {{ title }} listens on {{ port }}; part NUMBER
server {
    listen {{ port }};
    name {{ title }}.example.org;
    root {{ root }}/data;
}
{% for peer in peers %}
peer {{ peer }}:{{ port }}
{% endfor %}
# the end of {{ title }}
"""


@dataclass(frozen=True)
class Job:
    """What one run does on each host.

    :param files: small files, by name
    :param templates: templates with variables of the host, by name
    :param folders: directories
    :param copies: larger files, by name
    :param commands: how many commands run
    """

    name: str
    files: dict[str, bytes] = field(default_factory=dict)
    templates: dict[str, str] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    copies: dict[str, bytes] = field(default_factory=dict)
    commands: int = 0

    def command(self, number: int, root: str) -> str:
        """One of the commands: it runs each time, and changes something the first time."""
        return f"test -e {root}/ran{number} || echo {number} > {root}/ran{number}"

    def lay_out(self, folder: Path) -> None:
        """Write what the tools read: files, copies and templates, each in a folder of its own."""
        for name in ("files", "copies", "templates"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for name, content in self.files.items():
            (folder / "files" / name).write_bytes(content)
        for name, content in self.copies.items():
            (folder / "copies" / name).write_bytes(content)
        for name, text in self.templates.items():
            (folder / "templates" / f"{name}.j2").write_text(text)


def variables(number: int, root: str) -> dict[str, object]:
    """The variables of one host."""
    return {"title": f"host{number:03}", "port": 8000 + number, "peers": list(PEERS), "root": root}


def role25() -> Job:
    """25 resources: 10 small files, 5 templates, 3 directories, 2 copies of 100 KB, 5 commands."""
    chance = random.Random(25)
    return Job(
        "role25",
        files={f"file{number}.conf": _text(chance, SMALL) for number in range(10)},
        templates={f"template{number}.conf": TEMPLATE.replace("NUMBER", str(number)) for number in range(5)},
        folders=("data", "data/inner", "logs"),
        copies={f"copy{number}.bin": chance.randbytes(COPY) for number in range(2)},
        commands=5,
    )


def files100() -> Job:
    """100 small files."""
    chance = random.Random(100)
    return Job("files100", files={f"file{number}.conf": _text(chance, SMALL) for number in range(100)})


def big50() -> Job:
    """One file of 50 MB that no compression makes smaller."""
    return Job("big50", copies={"big.bin": random.Random(50).randbytes(50_000_000)})


def _text(chance: random.Random, length: int) -> bytes:
    words = [f"option_{chance.randrange(10_000)} = {chance.randrange(10**9)}" for _ in range(length // 20)]
    return ("\n".join(words) + "\n").encode()
