"""Examples of the resource types, by type: lines as `main()` has them. Tests validate each, and run them on a real host."""

from __future__ import annotations

EXAMPLES: dict[str, str] = {
    "AptRepository": """\
AptRepository("example", uris="https://deb.example.com", components="main", key_file="files/example.asc")
Package("example-app")
""",
    "AuthorizedKey": """\
AuthorizedKey("root", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILT822t+Cofq+ERyiJaKWGB2g5yLP8tApJoTA/l4gtVq ann")
""",
    "Block": """\
Block("/etc/hosts", "192.0.2.11 web1\\n192.0.2.12 web2", title="our servers")
""",
    "Command": """\
Command(["timedatectl", "set-timezone", "UTC"], unless="test $(cat /etc/timezone) = Etc/UTC")
""",
    "Cron": """\
Cron("nightly backup", "backup --quiet", hour=3, minute=30, user="root", kept_in="backup")
""",
    "DebugFacts": """\
DebugFacts()
""",
    "Directory": """\
Directory("/srv/app", owner="root", group="root", mode=0o755)
Directory("/srv/app/cache", absent=True)
Directory("/srv/app/data/2026", mode=0o750, parents_mode=0o711)
""",
    "Download": """\
Download("/srv/app.tar.gz", url="https://example.com/app-1.2.tar.gz", checksum="https://example.com/SHA256SUMS")
""",
    "Echo": """\
Echo("{{ Platform.hostname() }} has {{ Platform.cpus() }} processors")
""",
    "Fetch": """\
Fetch("/etc/hostname", to="fetched")
""",
    "File": """\
File("/etc/motd", from_content="Be kind.\\n", mode=0o644)
File("/etc/app.conf", from_template="templates/app.conf.j2", owner="root", group="root", mode=0o640)
File("/etc/app.conf.old", absent=True)
""",
    "Git": """\
Git("/srv/site", repository="https://example.com/site.git", version="v1.4")
Git("/srv/mirror.git", repository="https://example.com/site.git", bare=True)
""",
    "Group": """\
Group("deploy", gid=2000)
""",
    "Line": """\
Line("/etc/app.conf", "workers = 4", regexp="^workers =", create=True)
Line("/etc/app.conf", regexp="^debug =", absent=True)
""",
    "Link": """\
Directory("/srv/releases/2")
Link("/srv/current", to="/srv/releases/2")
""",
    "Package": """\
Package("nginx")
Package(["curl", "git"])
Package("telnet", absent=True)
""",
    "Reboot": """\
Package("linux-image-amd64", latest=True)
Reboot(only_if_required=True)
""",
    "Replace": """\
File("/etc/limits", from_content="soft=1024\\nhard=1024\\n", overwrite=False)
Replace("/etc/limits", r"^(soft|hard)=1024$", r"\\1=65536")
""",
    "Service": """\
Service("ssh", started=True, enabled=True)
""",
    "Shell": """\
Shell("ssh-keygen -q -N '' -t ed25519 -f /srv/key", creates="/srv/key")
uptime = Shell("cat /proc/uptime", run_in_check=True, changed_when=False)
Echo(f"up for {uptime.stdout.split()[0]} seconds")
""",
    "Sysctl": """\
Sysctl("net.ipv4.ip_forward", 1)
""",
    "Timer": """\
Timer("tidy", "find /var/tmp -mtime +30 -delete", on_calendar="Sun 03:30", persistent=True)
""",
    "Unarchive": """\
Directory("/srv/www")
Unarchive("/srv/www", from_file="files/site.tar.gz", strip=1)
""",
    "User": """\
User("deploy", uid=2000, group="deploy", groups=["sudo"], home="/home/deploy", shell="/bin/bash")
User("intern", absent=True)
""",
    "WaitFor": """\
WaitFor(path="/run/nologin", absent=True, timeout=60)  # until the system lets people in
""",
}
