"""Packages of a test's own on a fleet host, and what its dpkg says of packages."""

import shlex

from tests.fleet.harness import Host


def installed(host: Host, name: str) -> str:
    """The state and version of a package, as dpkg has it."""
    shown = host.run(["dpkg-query", "-W", "-f", "${db:Status-Abbrev}${Version}", name], check=False)
    return shown.stdout.strip().removeprefix("un") if shown.returncode == 0 else ""


def offer_packages(host: Host) -> None:
    """Make the host's apt know the packages in its /srv/debs, and them alone."""
    host.run(
        "cd /srv/debs && for deb in *.deb; do dpkg-deb --field $deb; echo Filename: ./$deb; echo Size: $(stat -c %s $deb);"
        " echo SHA256: $(sha256sum < $deb | cut -d' ' -f1); echo; done > Packages"
        " && echo 'deb [trusted=yes] file:/srv/debs ./' > /etc/apt/sources.list && apt-get -qq update"
    )


def package_text(name: str, version: str, *, configuration: str = "", script: str = "exit 0") -> str:
    """Shell text that makes a package of its own in /srv/debs."""
    control = f"Package: {name}\\nVersion: {version}\\nArchitecture: all\\nMaintainer: nobody <n@test>\\nDescription: probe\\n"
    root = f"/srv/build/{version.replace(':', '-')}"
    lines = [
        f"mkdir -p {root}/DEBIAN {root}/etc /srv/debs",
        f"printf '{control}' > {root}/DEBIAN/control",
        f"printf '#!/bin/sh\\n%s\\n' {shlex.quote(script)} > {root}/DEBIAN/postinst && chmod 755 {root}/DEBIAN/postinst",
    ]
    if configuration:
        lines.append(f"echo {configuration} > {root}/etc/{name}.conf")
        lines.append(f"echo /etc/{name}.conf > {root}/DEBIAN/conffiles")
    lines.append(f"dpkg-deb --build {root} /srv/debs/{name}_{version.replace(':', '%3a')}_all.deb")
    return " && ".join(lines)
