"""A private web server on loopback, whose answers a test decides."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class Page:
    """What stands at a path: `cut` leaves so many bytes of the promised body away; `fickle` gives each answer its ETag."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = 0
    fickle: bool = False


@dataclass
class Web:
    """The server. `asked` lists every request: method and path."""

    url: str
    pages: dict[str, Page]
    asked: list[str] = field(default_factory=list)
    seen: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def serving(certificate: Path | None = None) -> Iterator[Web]:
    """Serve on a free port of 127.0.0.1; encrypted, if there is a file with a certificate and its key."""
    web = Web("", {})

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            web.asked.append(f"{self.command} {self.path}")
            web.seen.append(dict(self.headers))
            page = web.pages.get(self.path, Page(status=404))
            status = 304 if self._has(page) else page.status
            self.send_response(status)
            for name, value in page.headers.items():
                self.send_header(name, value)
            if page.fickle:
                self.send_header("ETag", f'"{len(web.asked)}"')
            self.send_header("Content-Length", str(len(page.body)))
            self.end_headers()
            if self.command == "GET" and status != 304:
                self.wfile.write(page.body[: len(page.body) - page.cut])

        do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

        def _has(self, page: Page) -> bool:
            return bool(page.headers.get("ETag")) and self.headers.get("If-None-Match") == page.headers["ETag"]

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    web.url = f"http{'s' if certificate else ''}://127.0.0.1:{server.server_port}"
    try:
        yield web
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
