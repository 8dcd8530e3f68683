"""Facts about the target's hardware, operating system and place in the network."""

from __future__ import annotations

import sys

from opsmop.errors import ProviderError
from opsmop.facts.fact import Fact
from opsmop.language.machine import Completed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, overload

_PACKAGE_MANAGERS = (
    ("apt-get", "apt"),
    ("dnf", "dnf"),
    ("yum", "yum"),
    ("zypper", "zypper"),
    ("apk", "apk"),
    ("pacman", "pacman"),
    ("brew", "brew"),
)
_SPECIAL = frozenset(" \t\r#'\"\\")  # to a shell
_SPECIAL_WITHIN = {"'": frozenset("'"), '"': frozenset('"\\')}
_SECONDS = 5.0  # that a command which looks something up may take


class PlatformFacts(Fact):
    """What the target is."""

    def system(self) -> str:
        """The kernel's name, as uname(2) says it: ``Linux``, ``Darwin``, ``FreeBSD``."""
        return self._machine.uname()[0]

    def release(self) -> str:
        """The kernel's release."""
        return self._machine.uname()[2]

    def version(self) -> str:
        """The kernel's version."""
        return self._machine.uname()[3]

    def architecture(self) -> str:
        """The machine's architecture, as uname(2) says it: ``x86_64``, ``aarch64``."""
        return self._machine.uname()[4]

    def hostname(self) -> str:
        """The host's own name, without a domain."""
        return self._machine.uname()[1].partition(".")[0]

    def fqdn(self) -> str:
        """The host's fully qualified name, as its resolver says it; its own name if no resolver answers in time."""
        return str(self._once("fqdn", self._machine.full_name))

    # What os-release(5) says

    def os_distribution(self) -> str:
        """The distribution's name: ``Debian GNU/Linux``."""
        return self._os_release("NAME") or self.system()

    def os_version_string(self) -> str:
        """The distribution's version with its name: ``12 (bookworm)``."""
        return self._os_release("VERSION") or self._os_release("VERSION_ID")

    def os_version_number(self) -> str:
        """The distribution's version: ``12``."""
        return self._os_release("VERSION_ID")

    def distribution_id(self) -> str:
        """The distribution in one lower-case word: ``debian``."""
        return self._os_release("ID") or self.system().lower()

    def distribution_like(self) -> list[str]:
        """What the distribution is like, nearest first, itself included: ``["ubuntu", "debian"]``."""
        return [self.distribution_id(), *self._os_release("ID_LIKE").split()]

    def codename(self) -> str:
        """The release's code name: ``bookworm``."""
        return self._os_release("VERSION_CODENAME")

    def _os_release(self, name: str) -> str:
        # A thing of its own kind, and not a file below /etc: installing a package does not make it another system.
        values: dict[str, str] = self._once(
            "os-release", lambda: self._machine.look("platform", "os-release", self._read_os_release)
        )
        return values.get(name, "")

    def _read_os_release(self) -> dict[str, str]:
        for path in ("/etc/os-release", "/usr/lib/os-release"):
            if self._machine.status(path, follow=True) is not None:
                return _assignments(self._machine.read(path).decode("utf-8", "replace"))
        return {}

    # Hardware and state

    def virtualization(self) -> str:
        """What it runs in: a container's or a hypervisor's word of systemd-detect-virt(1), or ``none``."""
        return str(self._once("virtualization", self._detect_virtualization))

    def _detect_virtualization(self) -> str:
        if self._machine.which("systemd-detect-virt") is None:
            return "docker" if self._machine.status("/.dockerenv") is not None else "none"
        found = self._machine.look("platform", "virtualization", self._asked_virtualization)
        if found.timed_out:
            raise ProviderError(f"systemd-detect-virt took more than {_SECONDS:g} seconds and was ended")
        return str(found.stdout.strip()) or "none"

    def _asked_virtualization(self) -> Completed:
        return self._machine.ask(["systemd-detect-virt"], timeout=_SECONDS)

    def cpus(self) -> int:
        """How many processors may be used."""
        return self._machine.cpus()

    def memory_mb(self) -> int:
        """Memory in MiB; 0 where the kernel does not say (proc(5))."""
        for line in self._kernel_text("/proc/meminfo").splitlines():
            if line.startswith("MemTotal:"):
                return int(line.split()[1]) // 1024
        return 0

    def boot_id(self) -> str:
        """A word that is another after each boot (random(4))."""
        return self._kernel_text("/proc/sys/kernel/random/boot_id").strip()

    def uptime(self) -> float:
        """Seconds since the boot."""
        return float((self._kernel_text("/proc/uptime").split() or ["0"])[0])

    def _kernel_text(self, path: str) -> str:
        return self._machine.read(path).decode() if self._machine.status(path) is not None else ""

    def default_ipv4(self) -> str:
        """The IPv4 address from which this machine reaches others; empty without a route."""
        return str(self._once("ipv4", lambda: self._machine.default_address(4)))

    def default_ipv6(self) -> str:
        """The IPv6 address from which this machine reaches others; empty without a route."""
        return str(self._once("ipv6", lambda: self._machine.default_address(6)))

    # Software

    def python_version(self) -> str:
        """The version of the Python that evaluates the role: ``3.11.2``."""
        return ".".join(map(str, sys.version_info[:3]))

    def package_manager(self) -> str:
        """The short name of the system's package manager; empty if none is known."""
        return next((short for command, short in _PACKAGE_MANAGERS if self._machine.which(command)), "")

    def service_manager(self) -> str:
        """``systemd``, ``openrc``, ``launchd``, or empty. systemd is the one that runs: sd_booted(3)."""
        if self._machine.status("/run/systemd/system") is not None:
            return "systemd"
        if self._machine.which("rc-service"):
            return "openrc"
        return "launchd" if self.system() == "Darwin" else ""

    def selinux(self) -> str:
        """``enforcing``, ``permissive``, or empty where SELinux is not on: as the kernel says (selinux(8))."""
        return {"1": "enforcing", "0": "permissive"}.get(self._kernel_text("/sys/fs/selinux/enforce").strip(), "")

    if TYPE_CHECKING:

        @overload
        def env(self) -> dict[str, str]: ...

        @overload
        def env(self, name: str, default: str = "") -> str: ...

    def env(self, name: str | None = None, default: str = "") -> dict[str, str] | str:
        """The environment of the evaluation; with a name, one variable of it."""
        environment = self._machine.environment()
        return dict(environment) if name is None else environment.get(name, default)

    def _answers(self) -> dict[str, Callable[[], Any]]:
        """As `Fact` has it, without the environment: what others keep there is not to be shown by chance."""
        return {name: ask for name, ask in super()._answers().items() if name != "env"}

    def _called(self) -> str:
        return "Platform"


Platform = PlatformFacts()


def _assignments(text: str) -> dict[str, str]:
    """The variables that os-release(5) assigns, as a shell reads them: hardly any of them needs one."""
    values = {}
    for line in text.split("\n"):
        name, equals, value = line.strip(" \t\r").partition("=")
        if name[:1] == "#":
            continue
        quote = value[:1] if len(value) > 1 and value[:1] == value[-1:] and value[:1] in _SPECIAL_WITHIN else ""
        plain = value[1:-1] if quote else value
        if not (_SPECIAL.isdisjoint(name) and _SPECIAL_WITHIN.get(quote, _SPECIAL).isdisjoint(plain)):
            import shlex  # 10 ms that the others save

            return dict(word.split("=", 1) for word in shlex.split(text, comments=True) if "=" in word)
        if equals:
            values[name] = plain
    return values
