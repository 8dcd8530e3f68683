"""The command that starts an agent on a host: one short line of Python that reads the rest from its stdin."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from opsmop import wire
from opsmop.errors import ConnectError
from opsmop.transport.base import Route
from opsmop.wire.lean import quoted

READY = b"OPSMOP-READY\n"
LOGGED_IN = b"OPSMOP-LOGIN\n"
TOO_OLD = b"OPSMOP-OLD-PYTHON "
NO_PYTHON = b"OPSMOP-NO-PYTHON "
OLDEST = (3, 9)
_NEWEST_MINOR = 14

# One line without a newline, an apostrophe, an exclamation mark or a backslash, so that it survives the quotes of sh,
# bash, zsh, fish and csh alike; it parses on every Python since 2.6. What rc files printed before READY is skipped.
STUB = (
    "import sys;sys.path.pop(0);import os;v=sys.version_info[:2];e=chr(10);"
    f'v<{OLDEST}and(os.write(1,(e+"{TOO_OLD.decode()}%d.%d"%v+e).encode()),os._exit(96));'
    f'os.write(1,(e+"{READY.decode().strip()}"+e).encode());b=b"";n=int(sys.argv[1]);'
    'exec("while len(b)<n:b+=os.read(0,n-len(b))or os._exit(0)");'
    'exec(compile(b,"<opsmop boot>","exec"),{"__name__":"opsmop_boot"})'
).replace(", ", ",")

# Finds a Python for the host in the exec that starts it, under the same rules as the stub. First without starting any:
# in the distributions, /usr/bin/python3 is another name of /usr/bin/python3.X. Debian policy (python), PEP 394; platform-
# python is RHEL 8's own. Arguments are those for the Python; what was found and did not do is told.
_MINORS = " ".join(map(str, range(_NEWEST_MINOR, OLDEST[1] - 1, -1)))
_NAMES = " ".join(f"python3.{minor}" for minor in _MINORS.split())
FINDER = (
    f'for v in {_MINORS};do [ /usr/bin/python3 -ef /usr/bin/python3.$v ]&&exec /usr/bin/python3 "$@";done;f=;'
    f"for p in /usr/bin/python3 python3 /usr/libexec/platform-python {_NAMES};do "
    'q=$(command -v $p)||continue;case "$f" in *"$q "*)continue;;esac;v=$("$q" -ESc "import sys;v=sys.version_info;'
    f'print(str(v>={OLDEST})+sys.version.split()[0])" 2>/dev/null </dev/null);'
    'case $v in True*)exec "$q" "$@";;False*)f="$f$q is Python ${v#False}, ";;*)f="$f$q does not run, ";;esac;done;'
    f'echo;echo "{NO_PYTHON.decode()}$f";exit 97'
)

# Says that the login has worked, and leaves sudo out if it has made us that user already.
BECOMER = (
    f'echo;echo {LOGGED_IN.decode().strip()};u=$1;shift;[ "$(id -un)" = "$u" ]&&'
    'until [ "$1" = -- ];do shift;done&&shift;exec "$@"'
)

# Who the login never is: a role or a type is another one's, even if the user is not.
_NOBODY = "/"

_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./~-]+")
_UNQUOTABLE = re.compile(r"['!\\\x00-\x1f\x7f]")


@cache
def boot_program() -> bytes:
    """What the stub reads and runs: it finds the bundle and starts the agent."""
    loader: Any = wire.__loader__  # what `pkgutil.get_data` would ask, without the import of that
    folder = Path(str(wire.__file__)).parent
    first, second = (loader.get_data(str(folder / name)).decode() for name in ("start.py", "arriving.py"))
    return f"{first}\nstart({second!r})\n".encode()


def agent_arguments(route: Route, beat: float, lease: float, prompt: str = "") -> list[str]:
    """The command that starts an agent, becoming another user on the way if `route` says so.

    :param beat: seconds between two signs of life of the agent
    :param lease: seconds after which an agent that hears nothing ends its role
    :param prompt: how sudo is to ask for its password, on its stderr; it must not ask if empty
    """
    # -E and -s: neither the login's environment nor its own packages; -S: nor, until a role wants one (`wire.arriving.Installed`),
    # the host's; -B: no __pycache__ is written. Not -I, which a Python 2 would refuse before it could say that it is too old.
    python = [*python_words(route), "-BEsS", "-c", STUB, str(len(boot_program())), str(beat), str(lease)]
    if route.become is None or (route.become == route.user and not route.selinux):
        return python
    asking = ["-S", "-p", prompt] if prompt else ["-n"]
    sudo = ["env", "LC_ALL=C", "sudo", *asking, "-H", "-u", route.become, *route.selinux, "--"]
    return ["/bin/sh", "-c", BECOMER, "opsmop", _NOBODY if route.selinux else route.become, *sudo, *python]


def python_words(route: Route) -> list[str]:
    """The words that start a host's Python; its arguments follow."""
    return [route.python] if route.python else ["/bin/sh", "-c", FINDER, "opsmop"]


def for_any_shell(arguments: list[str], route: Route) -> str:
    """`arguments` as one line for the login shell of a host, whichever shell that is.

    :raises ConnectError: if one of them cannot be quoted for every shell
    """
    return "exec " + " ".join(_quoted(argument, route) for argument in arguments)


def _quoted(argument: str, route: Route) -> str:
    if _PLAIN.fullmatch(argument):
        return argument
    if not argument or _UNQUOTABLE.search(argument):
        raise ConnectError(
            f"{quoted(argument)} cannot stand in a command for {route.host}",
            host=route.host,
            remedy="Quotes, exclamation marks, backslashes and control characters are not possible in opsmop_python_path "
            "and user names.",
        )
    return f"'{argument}'"
