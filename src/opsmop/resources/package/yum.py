"""RHEL 7 and its kin, which have no dnf: yum(8) of version 3."""

from __future__ import annotations

from opsmop.language.machine import Completed
from opsmop.resources.package.package import Package
from opsmop.resources.package.rpm import FIELDS, RpmPackages


class Yum(RpmPackages, provides=Package, short="yum"):
    """RHEL 7 and its kin, which have no dnf: yum(8) of version 3."""

    needs = "yum"
    program = "yum"
    also = ("repositories", "excludes")
    refreshing = ()
    caches = ("/var/cache/yum",)
    asks_who_provides = ("provides",)

    def _query(self, name: str, *options: str) -> Completed:
        """``yum list`` prints ``name.arch version repository``, oldest first."""
        argv = [self.program, "--quiet", "--cacheonly", "list", "available", "--showduplicates", name]
        completed = self._look(argv)
        found = [line.split() for line in completed.stdout.splitlines()]
        rows = [words for words in found if len(words) == FIELDS and words[0].rpartition(".")[0] == name][::-1]
        if "--latest-limit=1" in options:
            rows = rows[:1]
        text = "".join(f"{name}\t{row[0].rpartition('.')[2]}\t{row[1]}\n" for row in rows)
        return Completed(completed.command, completed.rc, stdout=text, output=completed.output)

    def _lock_options(self) -> list[str]:
        return ["--setopt=exit_on_lock=1"]
