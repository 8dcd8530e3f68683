"""Reaching another host, or becoming another user: the same on the controller and on a host on the way.

This file also runs there: no import of ours, and no newer Python than they have.
"""

from __future__ import annotations

import os
import re
from typing import Any

MOST_NOISE = 64 << 10  # bytes that a login may print before Python answers
LONGEST_LINE = 4 << 10  # bytes that are kept of a line without an end
ENDLESS_NOISE = "endless noise"
ASKED_AGAIN = "the password was asked for again"
_PROMPT = re.compile(rb"password", re.IGNORECASE)
_DECLINED = re.compile(rb"passphrase|^Enter PIN", re.IGNORECASE)


def reached(router: Any, wanted: dict[str, Any]) -> Any:
    """The context of a new Python: on another host (``method`` is ``ssh``) or as another user here.

    :param router: a router of mitogen that may have children
    :param wanted: ``method``, ``timeout`` (seconds), ``password`` (or None), ``python`` (words); for ssh ``arguments``
        and ``command`` (what its login shell runs; mitogen's own words follow); else ``username`` and ``more`` (what
        else mitogen is to know)
    :raises StreamError: mitogen's, with what was said last
    """
    import mitogen.parent  # only where there is a mitogen

    kind = _kind(wanted)
    details = {"password": wanted["password"], "python_path": wanted["python"], "connect_timeout": wanted["timeout"]}
    if wanted["method"] == "ssh":
        details.update(hostname="host", compression=False, check_host_keys="enforce")
    else:
        details.update(username=wanted["username"], **wanted["more"])
    assert issubclass(kind, mitogen.parent.Connection)
    return router._connect(  # noqa: SLF001 - what via= comes to, without a pickle for an answer
        kind, name=None, remote_name="opsmop", unidirectional=True, debug=False, profiling=False, **details
    )


def _kind(wanted: dict[str, Any]) -> Any:
    if wanted["method"] == "ssh":
        return _ssh(wanted)
    # The module's own name is needed: a host on the way has mitogen's modules one by one, as they are asked for.
    base = __import__("mitogen." + wanted["method"], None, None, [""]).Connection

    class InEnglish(base):  # type: ignore[misc, valid-type]
        """Prompts and refusals are known in English."""

        def get_boot_command(self) -> list[str]:
            return ["env", "LC_ALL=C", *super().get_boot_command()]

    return InEnglish


def _ssh(wanted: dict[str, Any]) -> Any:
    import mitogen.parent  # only where there is a mitogen
    import mitogen.ssh  # as above

    class Ssh(mitogen.ssh.Connection):  # type: ignore[misc]
        """ssh as the controller wants it, in a session of its own, so that a terminal's Ctrl-C does not reach it."""

        stream_protocol_class = _bootstrap()
        diag_protocol_class = _dialogue(wanted["password"])

        def create_child(self, **given: Any) -> Any:
            if wanted["password"] is not None:
                made = mitogen.parent.hybrid_tty_create_child(**given)
            else:
                made = mitogen.parent.create_child(stderr_pipe=True, preexec_fn=os.setsid, **given)
            getattr(self._router, "children", []).append(made.proc)
            return made

        def get_boot_command(self) -> list[str]:
            words = mitogen.parent.Connection.get_boot_command(self)
            line = " ".join([wanted["command"], *(_quoted(word) for word in words[len(wanted["python"]) :])])
            # Our dialogue is on the terminal; an SSH_ASKPASS of the user's would take it away.
            bare = ["env", "-u", "SSH_ASKPASS", "-u", "SSH_ASKPASS_REQUIRE", "LC_ALL=C"]
            return [*bare, *wanted["arguments"], line]

    return Ssh


def _bootstrap() -> Any:
    import mitogen.core  # only where there is a mitogen
    import mitogen.parent  # as above

    class Bootstrap(mitogen.parent.BootstrapProtocol):  # type: ignore[misc]
        """A login that prints without end is no login."""

        seen = 0

        def on_receive(self, broker: Any, data: bytes) -> None:
            self.seen += len(data)
            if self.seen > MOST_NOISE:
                self.stream.conn._fail_connection(mitogen.core.StreamError(ENDLESS_NOISE))  # noqa: SLF001
                return
            super().on_receive(broker, data)

    return Bootstrap


def _dialogue(password: Any) -> Any:
    import mitogen.core  # only where there is a mitogen
    import mitogen.parent  # as above

    class Dialogue(mitogen.parent.RegexProtocol):  # type: ignore[misc]
        """Tells the password once, and only until Python answers. What else ssh says is told when it has ended."""

        told = False

        def on_receive(self, broker: Any, data: bytes) -> None:
            super().on_receive(broker, data)
            self._trailer: bytes = self._trailer[-LONGEST_LINE:]

        def on_asked(self, _line: bytes, _match: Any) -> None:
            connection = self.stream.conn
            if password is None or not connection._timer.active:  # noqa: SLF001
                return
            if self.told:
                connection._fail_connection(mitogen.core.StreamError(ASKED_AGAIN))  # noqa: SLF001
                return
            self.told = True
            self._trailer = b""
            self.stream.transmit_side.write(password.encode("utf-8") + b"\n")

        def on_declined(self, _line: bytes, _match: Any) -> None:
            self._trailer = b""
            self.stream.transmit_side.write(b"\n")

        PARTIAL_PATTERNS = ((_DECLINED, on_declined), (_PROMPT, on_asked))

    return Dialogue


def _quoted(word: str) -> str:
    """A word of mitogen's, which has no apostrophe, for the login's shell."""
    return "'" + word + "'"
