"""A real browser without a window, spoken to through pipes (Chrome DevTools Protocol, ``--remote-debugging-pipe``)."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class Browser:
    """Chromium, showing one page.

    :param folder: where it may keep what it keeps
    :param size: of the page, in pixels
    :param dark: whether its user likes dark pages
    """

    def __init__(self, folder: Path, size: tuple[int, int] = (1280, 900), *, dark: bool = False) -> None:
        program = shutil.which("chromium")
        assert program, "chromium is not installed: bin/setup test installs it as root"
        to_browser, self._writing = os.pipe()
        self._reading, from_browser = os.pipe()
        self._count = 0
        self._said = b""
        self._events: list[dict[str, Any]] = []
        self._process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
             "--remote-debugging-pipe", f"--user-data-dir={folder}", f"--window-size={size[0]},{size[1]}", "about:blank"],
            preexec_fn=lambda: _become_3_and_4(to_browser, from_browser),  # noqa: PLW1509 - tests of pages start no threads
            pass_fds=(3, 4),
            env={"HOME": str(folder), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TZ": "UTC"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_browser)
        os.close(from_browser)
        targets = self._call("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        self._session = ""
        self._session = self._call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for room in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{room}.enable")
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])
        self._call(
            "Emulation.setDeviceMetricsOverride", width=size[0], height=size[1], deviceScaleFactor=1, mobile=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._writing)
        os.close(self._reading)

    def open(self, file: Path) -> None:
        """Show a file, and wait until its scripts have run."""
        self._events.clear()
        self._call("Page.navigate", url=file.as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self._events):
            self._events.append(self._next())

    def ask(self, expression: str) -> Any:
        """The value of an expression of JavaScript on the page."""
        told = self._call("Runtime.evaluate", expression=expression, returnByValue=True, userGesture=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def texts(self, selector: str) -> list[str]:
        """What can be read in each element that `selector` chooses and that is shown."""
        found: list[str] = self.ask(
            f"[...document.querySelectorAll({json.dumps(selector)})].filter(e => e.checkVisibility()).map(e => e.innerText)"
        )
        return found

    def click(self, selector: str) -> None:
        """Click where the first such element is, as a mouse does."""
        where = self.ask(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView({{block: 'center'}});"
            "const r = e.getBoundingClientRect(); return [r.x + Math.min(r.width, 200) / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self._call("Input.dispatchMouseEvent", type=kind, x=where[0], y=where[1], button="left", clickCount=1)

    def type(self, selector: str, text: str) -> None:
        """Type `text` into the first such element."""
        self.click(selector)
        self._call("Input.insertText", text=text)

    def picture(self, file: Path) -> None:
        """Write the whole page as a PNG."""
        said = self._call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(said["data"]))

    @property
    def complaints(self) -> list[str]:
        """What went wrong on the page, and what it fetched besides itself."""
        self.ask("0")
        wrong = [
            event
            for event in self._events
            if event["method"] in ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")
        ]
        fetched = [event for event in self._events if event["method"] == "Network.requestWillBeSent"]
        return [json.dumps(event["params"])[:400] for event in (*wrong, *fetched[1:])]

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._count += 1
        message: dict[str, Any] = {"id": self._count, "method": method, "params": parameters}
        if getattr(self, "_session", ""):
            message["sessionId"] = self._session
        os.write(self._writing, json.dumps(message).encode() + b"\0")
        while True:
            said = self._next()
            if said.get("id") == self._count:
                assert "error" not in said, said
                result: dict[str, Any] = said["result"]
                return result
            if "method" in said:
                self._events.append(said)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._said:
            data = os.read(self._reading, 1 << 20)
            assert data, "the browser has ended"
            self._said += data
        said, _, self._said = self._said.partition(b"\0")
        message: dict[str, Any] = json.loads(said)
        return message


def _become_3_and_4(reading: int, writing: int) -> None:
    """The numbers on which the browser listens and speaks."""
    high = [fcntl.fcntl(number, fcntl.F_DUPFD, 10) for number in (reading, writing)]
    for number, wanted in zip(high, (3, 4), strict=True):
        os.dup2(number, wanted)
