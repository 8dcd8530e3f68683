"""Keys, jobs of cron and settings of the kernel on real hosts."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fleet.harness import Fleet
from tests.fleet.laws import everywhere, law, prepare
from tests.fleet.pushing import apply, check, push

RELEASES = ("bullseye", "bookworm")


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet(RELEASES) as fleet:
        yield fleet


def key(folder: Path) -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ana", "-f", folder / "key"], check=True)
    return (folder / "key.pub").read_text().strip()


def test_a_new_users_key_lets_in_with_directory_file_owner_and_mode(fleet: Fleet, tmp_path: Path) -> None:
    public = key(tmp_path)
    made = law(fleet, tmp_path, f'User("ana")\nAuthorizedKey("ana", {public!r}, options="no-pty")')
    assert made == ["allow", "create", "make directory", "make home"]
    paths = "/home/ana/.ssh /home/ana/.ssh/authorized_keys"
    assert everywhere(fleet, f"stat -c '%U %G %a' {paths}") == "ana ana 700\nana ana 600\n"
    assert everywhere(fleet, "cat /home/ana/.ssh/authorized_keys") == f"no-pty {public}\n"
    prepare(fleet, "chmod 777 /home/ana/.ssh; chown root /home/ana/.ssh /home/ana/.ssh/authorized_keys")
    assert law(fleet, tmp_path, f'AuthorizedKey("ana", {public!r})') == ["mode", "owner", "owner"]
    assert everywhere(fleet, f"stat -c '%U %a' {paths}") == "ana 700\nana 600\n"
    assert law(fleet, tmp_path, f'AuthorizedKey("ana", {public!r}, absent=True)') == ["withdraw"]


def test_a_user_cannot_lead_root_elsewhere_by_a_link(fleet: Fleet, tmp_path: Path) -> None:
    prepare(fleet, "useradd -m mallory; mkdir -m 700 /root/precious; ln -s /root/precious /home/mallory/.ssh")
    push(fleet, tmp_path, f'AuthorizedKey("mallory", {key(tmp_path)!r})')
    assert everywhere(fleet, "ls -A /root/precious; stat -c '%U %a' /root/precious") == "root 700\n"


def test_a_user_without_a_home_has_no_place_for_keys(fleet: Fleet, tmp_path: Path) -> None:
    prepare(fleet, "useradd -M eve")
    for mode in ("check", "apply"):
        failed = push(fleet, tmp_path, f'AuthorizedKey("eve", {key(tmp_path)!r})', mode=mode)
        assert sum("/home/eve, the home of eve, does not exist" in text for text in failed.failures) >= len(RELEASES)
        (tmp_path / "key").unlink()


def test_keys_go_where_sshd_looks_for_them(fleet: Fleet, tmp_path: Path) -> None:
    public = key(tmp_path)
    prepare(
        fleet,
        "useradd -m bo; mkdir -p /etc/ssh/keys /etc/ssh/sshd_config.d;"
        "echo 'AuthorizedKeysFile /etc/ssh/keys/%u .ssh/authorized_keys' > /etc/ssh/sshd_config.d/keys.conf",
    )
    assert law(fleet, tmp_path, f'AuthorizedKey("bo", {public!r})') == ["allow"]
    assert everywhere(fleet, "stat -c '%U %a' /etc/ssh/keys/bo; cat /etc/ssh/keys/bo") == f"root 644\n{public}\n"
    prepare(fleet, "echo 'AuthorizedKeysFile none' > /etc/ssh/sshd_config.d/keys.conf")
    failed = push(fleet, tmp_path, f'AuthorizedKey("bo", {public!r})', mode="check")
    assert sum("sshd looks at no file of keys" in text for text in failed.failures) >= len(RELEASES)
    prepare(fleet, "rm /etc/ssh/sshd_config.d/keys.conf")


def test_what_is_labelled_for_selinux_is_labelled_when_it_is_new(fleet: Fleet, tmp_path: Path) -> None:
    prepare(fleet, "useradd -m cy; printf '#!/bin/sh\\necho \"$@\" >> /srv/labelled\\n' > /usr/sbin/restorecon")
    prepare(fleet, "chmod 755 /usr/sbin/restorecon")
    assert law(fleet, tmp_path, f'AuthorizedKey("cy", {key(tmp_path)!r})') == ["allow", "make directory"]
    assert everywhere(fleet, "cat /srv/labelled") == "/home/cy/.ssh\n/home/cy/.ssh/authorized_keys\n"
    prepare(fleet, "rm /usr/sbin/restorecon")


def test_cron_keeps_jobs_in_tables_and_in_files(fleet: Fleet, tmp_path: Path) -> None:
    apply(fleet, tmp_path, 'Package("cron", update_cache=True)')
    prepare(
        fleet,
        "useradd -m dan; printf '5 5 * * * old' | crontab -u dan - 2>/dev/null || printf '5 5 * * * old\\n' | crontab -u dan -",
    )
    main = """
    Cron("backup", "date +%F > ~/day", user="dan", hour=3, minute=30, weekday="mon-fri")
    Cron("clean", "rm -f /tmp/x", special="daily")
    Cron("report", "echo hi", kept_in="opsmop-report", user="dan", minute="*/5")
    """
    assert law(fleet, tmp_path, main) == ["create"] * 3
    table = "5 5 * * * old\n# opsmop: backup\n30 3 * * mon-fri date +\\%F > ~/day\n"
    assert everywhere(fleet, "crontab -u dan -l") == table
    assert everywhere(fleet, "crontab -l") == "# opsmop: clean\n@daily rm -f /tmp/x\n"
    assert everywhere(fleet, "cat /etc/cron.d/opsmop-report; stat -c '%U %a' /etc/cron.d/opsmop-report") == (
        "# opsmop: report\n*/5 * * * * dan echo hi\nroot 644\n"
    )
    for mode in ("check", "apply"):
        failed = push(fleet, tmp_path, 'Cron("x", "true", kept_in="x", user="not-here")', mode=mode)
        assert sum("there is no user 'not-here'" in text for text in failed.failures) >= len(RELEASES)
    gone = """
    Cron("backup", user="dan", absent=True)
    Cron("clean", absent=True)
    Cron("report", kept_in="opsmop-report", absent=True)
    """
    assert law(fleet, tmp_path, gone) == ["remove"] * 3
    assert everywhere(fleet, "crontab -u dan -l; crontab -l; ls /etc/cron.d/opsmop-report") == "5 5 * * * old\n"


def test_a_real_cron_runs_what_stands_in_its_tables(fleet: Fleet, tmp_path: Path) -> None:
    apply(fleet, tmp_path, 'Package("cron", update_cache=True)\nService("cron", started=True)')
    prepare(
        fleet,
        "useradd -m fay; mkdir -m 777 /srv/ran; printf '* * * * * root touch /srv/ran/no-end' > /etc/cron.d/by-hand",
    )
    said = "printf '%s %s' \"$GREETING\" $(id -un)"
    main = f"""
    Cron("table", {said + " > /srv/ran/table"!r}, user="fay", env={{"GREETING": "it's 100% $HOME", "PATH": "/usr/bin:/bin"}})
    Cron("file", {said + " > /srv/ran/file"!r}, user="fay", kept_in="ours", env={{"GREETING": "50%"}})
    Cron("root's", "id -un > /srv/ran/root", kept_in="ours")
    Cron("off", "touch /srv/ran/off", disabled=True, user="fay")
    Cron("beside", "touch /srv/ran/beside", kept_in="by-hand")
    Cron("now and then", "touch /srv/ran/hourly", special="hourly", user="fay")
    """
    assert law(fleet, tmp_path, main) == ["create"] * 6
    names = "beside file no-end root table"
    prepare(fleet, f"for n in $(seq 150); do [ \"$(ls /srv/ran | xargs)\" = '{names}' ] && break; sleep 0.5; done")
    assert everywhere(fleet, "ls /srv/ran | xargs") == f"{names}\n", "the line without an end has one now, and runs too"
    assert everywhere(fleet, "cd /srv/ran; cat table; echo; cat file; echo; cat root") == (
        "it's 100% $HOME fay\n50% fay\nroot\n"
    )
    gone = """
    Cron("table", user="fay", absent=True)
    Cron("file", kept_in="ours", absent=True)
    Cron("root's", kept_in="ours", absent=True)
    """
    assert law(fleet, tmp_path, gone) == ["remove"] * 3
    prepare(fleet, "rm /etc/cron.d/by-hand; crontab -u fay -r; apt-get -qqy purge cron > /dev/null")


def test_a_job_after_a_planned_cron_is_announced(fleet: Fleet, tmp_path: Path) -> None:
    prepare(fleet, "apt-get -qqy purge cron > /dev/null; rm -rf /etc/cron.d")
    announced = check(fleet, tmp_path, 'Package("cron")\nCron("clean", "true")').changes
    assert sorted(announced) == sorted(["install", "cannot be predicted?"] * len(RELEASES))


def test_a_setting_holds_now_and_after_the_next_boot(fleet: Fleet, tmp_path: Path) -> None:
    """The live files are stand-ins, bound in their place: the kernel is that of the machine that runs the tests."""
    prepare(
        fleet,
        "echo 60 > /srv/swappiness; printf '1\\t2\\n' > /srv/range;"
        "mount --bind /srv/swappiness /proc/sys/vm/swappiness;"
        "mount --bind /srv/range /proc/sys/net/ipv4/ip_local_port_range",
    )
    main = 'Sysctl("vm.swappiness", 10)\nSysctl("net/ipv4/ip_local_port_range", "1 3")'
    assert law(fleet, tmp_path, main) == ["keep", "keep", "set", "set"]
    assert everywhere(fleet, "cat /proc/sys/vm/swappiness /proc/sys/net/ipv4/ip_local_port_range") == "10\n1 3\n"
    assert everywhere(fleet, "cat /etc/sysctl.d/90-opsmop.conf") == (
        "vm.swappiness = 10\nnet/ipv4/ip_local_port_range = 1 3\n"
    )
    prepare(fleet, "echo 'vm/swappiness=60' > /etc/sysctl.d/99-site.conf")
    failed = push(fleet, tmp_path, 'Sysctl("vm.swappiness", 10)', mode="check")
    assert sum("would be 60 after the next boot: /etc/sysctl.d/99-site.conf" in text for text in failed.failures) >= 2
    assert law(fleet, tmp_path, 'Sysctl("vm.swappiness", 10, kept_in="/etc/sysctl.d/99-zz.conf")') == ["keep"]
    prepare(fleet, "mkdir -p /run/sysctl.d; touch /run/sysctl.d/95-x.conf")
    main = 'Sysctl("vm.swappiness", 10, kept_in="/usr/local/lib/sysctl.d/95-x.conf")'
    for text in (failed := push(fleet, tmp_path, main, mode="check")).failures:
        assert "95-x.conf is not read at boot: /run/sysctl.d/95-x.conf, of the same name, stands for it" in text
    assert len(failed.failures) >= len(RELEASES)
    prepare(fleet, "umount /proc/sys/vm/swappiness /proc/sys/net/ipv4/ip_local_port_range; rm /etc/sysctl.d/99-*.conf")


def test_a_setting_that_a_container_may_not_change_is_refused_in_check_too(fleet: Fleet, tmp_path: Path) -> None:
    for mode in ("check", "apply"):
        failed = push(fleet, tmp_path, 'Sysctl("vm.swappiness", 77)', mode=mode)
        assert sum("/proc/sys/vm/swappiness cannot be written" in text for text in failed.failures) >= len(RELEASES)
        assert all("now=False" in text for text in failed.failures)


def test_links_programs_edits_and_waits_work_on_every_python(fleet: Fleet, tmp_path: Path) -> None:
    main = r"""
    Directory("/srv/v1", mode="u=rwx,go=rX")
    Link("/srv/current", to="/srv/v1", relative=True)
    Link("/srv/owned", to="/nowhere", owner="ops")
    File("/srv/current/conf", from_content="a = 1\n", overwrite=False, mode="u=rw,go=", validate="test -s %s")
    Line("/srv/v1/conf", "a = 2", regexp="^a =")
    Block("/srv/v1/conf", "b = 1", title="more", before="^a", only_if="! grep -q b /srv/v1/conf")
    Replace("/srv/v1/conf", r"^b = (\d)$", r"b = \g<1>0")
    Link("/srv/same", to="/srv/v1/conf", hard=True)
    Command(["touch", "/srv/it's"], creates="/srv/it's", retries=1)
    WaitFor(path="/srv/v1/conf", regexp="^b = 10$", timeout=5)
    Directory("/srv/v1", only=["conf"])
    Directory("/srv/u")
    Unarchive("/srv/u", archive="/srv/old.tar", mode="go=", keep_newer=True)
    """
    prepare(fleet, "cd /root && echo 1 > packed && tar cf /srv/old.tar packed && rm packed")
    announced = {change.rstrip("?") for change in check(fleet, tmp_path, main).changes}
    assert announced == set(apply(fleet, tmp_path, main).changes) == {"create", "replace", "insert", "run", "unpack"}
    assert apply(fleet, tmp_path, main).changes == [], "a second apply changes nothing"
    assert everywhere(fleet, "stat -c %a /srv/u/packed") == "600\n"
    assert everywhere(fleet, "cat /srv/same; readlink /srv/current; stat -c %U /srv/owned") == (
        "# BEGIN more\nb = 10\n# END more\na = 2\nv1\nops\n"
    )


def test_a_file_that_is_immutable_is_said_to_be(fleet: Fleet, tmp_path: Path) -> None:
    prepare(fleet, "echo old > /srv/fixed")
    for host in fleet.hosts:
        subprocess.run(["chattr", "+i", host.root / "srv" / "fixed"], check=True)
    failed = push(fleet, tmp_path, 'File("/srv/fixed", from_content="new")')
    for host in fleet.hosts:
        subprocess.run(["chattr", "-i", host.root / "srv" / "fixed"], check=True)
    assert sum("the file is immutable (lsattr)" in text for text in failed.failures) >= len(RELEASES)
    assert everywhere(fleet, "cat /srv/fixed; ls -A /srv | grep -c '^\\.fixed'") == "old\n0\n"
