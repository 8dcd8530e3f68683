"""What SELinux needs and can be seen without a kernel that enforces it: labels are extended attributes like any other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fleet.harness import Fleet, Host
from tests.fleet.laws import law, prepare
from tests.fleet.pushing import apply, push

Boot = Callable[..., Fleet]
LABEL = "system_u:object_r:net_conf_t:s0"
LABELLED = "import os, sys; os.setxattr(sys.argv[1], 'security.selinux', sys.argv[2].encode() + bytes(1))"
TOLD = "import os, sys; print(os.getxattr(sys.argv[1], 'security.selinux').rstrip(bytes(1)).decode())"


@pytest.fixture
def fleet(boot: Boot) -> Fleet:
    return boot("bookworm", "bullseye")


def labelled(host: Host, path: str) -> None:
    host.run(f"printf 'port 1\\n' > {path}; chmod 644 {path}")
    host.run(["python3", "-c", LABELLED, path, LABEL])


def label(host: Host, path: str) -> str:
    return host.run(["python3", "-c", TOLD, path]).stdout.strip()


@pytest.mark.parametrize(
    "main",
    [
        'File("/srv/conf", from_content="port 2\\n")',
        'File("/srv/conf", from_content="port 2\\n", backup=True, mode=0o600)',
        'Line("/srv/conf", "port 2", regexp="^port")',
        'Block("/srv/conf", "port 2\\n")',
        'Replace("/srv/conf", "port 1", "port 2")',
    ],
)
def test_a_changed_file_keeps_its_label(fleet: Fleet, tmp_path: Path, main: str) -> None:
    for host in fleet.hosts:
        labelled(host, "/srv/conf")
    apply(fleet, tmp_path, main)
    for host in fleet.hosts:
        assert "port 2" in host.run("cat /srv/conf").stdout
        assert label(host, "/srv/conf") == LABEL


def test_a_role_and_a_type_in_sudoers_are_in_nobodys_way(fleet: Fleet, tmp_path: Path) -> None:
    for host in fleet.hosts:
        rule = "ops ALL=(ALL:ALL) ROLE=unconfined_r TYPE=unconfined_t NOPASSWD: ALL"
        host.run(f"rm -f /etc/sudoers.d/*; echo '{rule}' > /etc/sudoers.d/ops; chmod 440 /etc/sudoers.d/ops; visudo -c")
    apply(fleet, tmp_path, 'File("/root/made", from_content="x")')
    assert {host.run("cat /root/made").stdout for host in fleet.hosts} == {"x"}


# A stand-in for SELinux's own file system: the kernel is that of the machine that runs the tests, and keeps labels
# like any other attribute. Nothing but a look for `enforce` decides that SELinux is on.
SWITCHED_ON = (
    "mkdir -p /run/cgroups && mount --rbind /sys/fs/cgroup /run/cgroups && mount -t tmpfs none /sys/fs"
    " && mkdir /sys/fs/cgroup /sys/fs/selinux && mount --rbind /run/cgroups /sys/fs/cgroup"
    " && echo 1 > /sys/fs/selinux/enforce"
)
POLICY = "#!/bin/sh\necho system_u:object_r:var_t:s0\n"


def switched_on(fleet: Fleet, *paths: str) -> None:
    """Let a fleet have labels, and give them to these paths."""
    prepare(fleet, SWITCHED_ON)
    prepare(fleet, f"printf '{POLICY}' > /usr/local/sbin/matchpathcon; chmod 755 /usr/local/sbin/matchpathcon")
    for host in fleet.hosts:
        for path in paths:
            host.run(["python3", "-c", LABELLED, path, LABEL])


def test_of_a_label_only_what_is_named_is_changed(fleet: Fleet, tmp_path: Path) -> None:
    prepare(fleet, "echo old > /srv/conf; chmod 644 /srv/conf; ln -s /srv/conf /srv/link")
    switched_on(fleet, "/srv/conf")
    assert law(fleet, tmp_path, 'File("/srv/conf", setype="etc_t")') == ["label"]
    main = 'File("/srv/conf", from_content="new", setype="etc_t", selevel="s0:c1,c2")'
    assert law(fleet, tmp_path, main) == ["content", "label"]
    main = 'File("/srv/new", from_content="x", setype="tmp_t")\nLink("/srv/link", to="/srv/conf", setype="lib_t")'
    assert law(fleet, tmp_path, main) == ["create", "label"]
    for host in fleet.hosts:
        assert label(host, "/srv/conf") == "system_u:object_r:etc_t:s0:c1,c2"
        assert label(host, "/srv/new") == "system_u:object_r:tmp_t:s0"


def test_all_beneath_a_directory_is_labelled_as_one_change(fleet: Fleet, tmp_path: Path) -> None:
    prepare(fleet, "mkdir -p /srv/www/sub; touch /srv/www/a /srv/www/sub/b")
    switched_on(fleet, "/srv/www", "/srv/www/sub", "/srv/www/a", "/srv/www/sub/b")
    announced = apply(fleet, tmp_path, 'Directory("/srv/www", setype="www_t", recursive=True)')
    assert sorted(announced.changes) == ["beneath"] * 2 + ["label"] * 2
    assert "3 entries" in announced.texts
    (tmp_path / "site" / "css").mkdir(parents=True)
    (tmp_path / "site" / "css" / "c").write_text("c")
    copied = 'Directory("/srv/www", from_dir="site", setype="site_t")'
    assert law(fleet, tmp_path, copied) == ["label", "tree"]
    for host in fleet.hosts:
        assert label(host, "/srv/www/css/c") == label(host, "/srv/www/css") == "system_u:object_r:site_t:s0"
        assert label(host, "/srv/www/sub/b") == "system_u:object_r:www_t:s0"


def test_a_label_of_which_nobody_says_the_rest_is_refused(fleet: Fleet, tmp_path: Path) -> None:
    switched_on(fleet)
    prepare(fleet, "rm /usr/local/sbin/matchpathcon; touch /srv/bare")
    refused = push(fleet, tmp_path, 'File("/srv/bare", setype="etc_t")')
    assert sum("nothing says the whole label of /srv/bare: '::etc_t'" in text for text in refused.failures) >= 2
    whole = 'File("/srv/bare", seuser="system_u", serole="object_r", setype="etc_t")'
    assert law(fleet, tmp_path, whole) == ["label"]


def test_without_selinux_labels_are_left_alone_which_is_told_once(fleet: Fleet, tmp_path: Path) -> None:
    for host in fleet.hosts:
        labelled(host, "/srv/conf")
    main = 'File("/srv/conf", setype="etc_t")\nDirectory("/srv/d", setype="var_t")'
    assert law(fleet, tmp_path, main) == ["create"]
    assert {label(host, "/srv/conf") for host in fleet.hosts} == {LABEL}
    told = [text for text in push(fleet, tmp_path, main).warnings if "no SELinux" in text]
    assert len(told) == len(fleet.hosts)
    asking = 'Echo("is {{ Platform.selinux() }}")\nif Platform.selinux():\n    File("/srv/conf", setype="etc_t")'
    asked = push(fleet, tmp_path, asking)
    assert (asked.warnings, asked.outputs.split()) == ([], ["is"] * len(fleet.hosts))
    prepare(fleet, SWITCHED_ON)
    asked = push(fleet, tmp_path, asking)
    assert asked.outputs.split("\n")[0] == "is enforcing"
    assert asked.changes == ["label"] * len(fleet.hosts)
