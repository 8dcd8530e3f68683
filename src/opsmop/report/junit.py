"""A run as JUnit's XML, which CI systems show as a table of tests: a suite for each role on each host.

The form is the one that the Jenkins and GitLab readers take (windyroad's ``JUnit.xsd``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TextIO

from opsmop.events import Event, Failure, Found, RunFinished, RunStarted
from opsmop.events.lines import event_place, message_text
from opsmop.report.contacts import Contact, Contacts
from opsmop.report.stream import Pen, no_command_in_xml

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

# What XML 1.0 (section 2.2) cannot hold; most control characters are gone from events already.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class JUnit:
    """Writes the XML when the run has ended."""

    def __init__(self, stream: TextIO) -> None:
        self.pen = Pen(stream)
        self._contacts = Contacts()
        self._findings: list[Found] = []
        self._policy = ""

    def __call__(self, event: Event) -> None:
        """Take `event`; the last one writes the document."""
        self._contacts(event)
        if isinstance(event, RunStarted):
            self._policy = event.policy
        elif isinstance(event, Found):
            self._findings.append(event)
        elif isinstance(event, RunFinished):
            self.pen(no_command_in_xml(self._document(event)))

    def _document(self, end: RunFinished) -> str:
        from xml.etree import ElementTree as ET  # only for this report, at its end

        root = ET.Element("testsuites", name=_text(self._policy), time=f"{end.duration:.3f}")
        for contact in self._contacts.all:
            _add_contact(root, contact)
        if self._findings or end.failure is not None:
            self._add_controller(root, end)
        for name in ("tests", "failures", "errors", "skipped"):
            root.set(name, str(sum(int(suite.get(name, 0)) for suite in root)))
        ET.indent(root, " ")
        return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, "unicode")}\n'.encode(
            "ascii", "xmlcharrefreplace"
        ).decode()

    def _add_controller(self, root: Element, end: RunFinished) -> None:
        suite = _suite(root, "the control machine", 0.0)
        failures = [found.failure for found in self._findings if not found.doubtful]
        failures += [end.failure] if end.failure is not None else []
        for number, failure in enumerate(failures, 1):
            case = _case(suite, f"{number}: {message_text(failure).splitlines()[0]}", "policy", 0.0)
            _add_failure(case, "error", failure, "")
        _sum(suite)


def _add_contact(root: Element, contact: Contact) -> None:
    suite = _suite(root, f"{contact.role} on {contact.host}", contact.ending.duration)
    told = False
    for event in contact.resources:
        case = _case(suite, f"{event.type} {event.name}", f"{contact.role}.{contact.host}", event.duration)
        if contact.failed(event):
            told = told or contact.is_reason(event)
            _add_failure(case, "failure", contact.failure_of(event), event_place(event))
        elif contact.skipped(event):
            _sub(case, "skipped", message="its guards said that there is nothing to do")
        elif said := contact.said(event):
            _sub(case, "system-out").text = _text(said)
    case = _case(suite, "the role itself", f"{contact.role}.{contact.host}", contact.ending.duration)
    if contact.ending.status == "skipped":
        _sub(case, "skipped", message="the role does not want this host")
    elif contact.ending.status != "ok" and not told:
        _add_failure(case, "error", contact.failure or Failure(message=contact.ending.status), "")
    _sum(suite)


def _suite(root: Element, name: str, seconds: float) -> Element:
    return _sub(root, "testsuite", name=name, time=f"{seconds:.3f}")


def _case(suite: Element, name: str, group: str, seconds: float) -> Element:
    return _sub(suite, "testcase", name=" ".join(name.split()), classname=group, time=f"{seconds:.3f}")


def _add_failure(case: Element, kind: str, failure: Failure, place: str) -> None:
    message = message_text(failure).partition("\n")[0]
    failed = _sub(case, kind, message=message, type=failure.error or kind)
    parts = [failure.place or place, message_text(failure), failure.trace]
    parts += [f"command: {failure.command}"] if failure.command else []
    parts += [failure.output, f"remedy: {failure.remedy}" if failure.remedy else ""]
    failed.text = _text("\n".join(part.rstrip("\n") for part in parts if part))


def _sub(parent: Element, kind: str, /, **attributes: str) -> Element:
    from xml.etree import ElementTree as ET  # as above

    return ET.SubElement(parent, kind, {key: _text(value) for key, value in attributes.items()})


def _sum(suite: Element) -> None:
    suite.set("tests", str(len(suite)))
    for name, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(len(suite.findall(f"testcase/{kind}"))))


def _text(text: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)
