"""A Sentry that keeps the events it is sent."""

from __future__ import annotations

import gzip
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class SentryServer:
    """What has arrived so far."""

    dsn: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    status: int = 200

    def take(self, envelope: bytes) -> None:
        """Keep the items of an envelope: each is a line about it and a line that is it."""
        self.bodies.append(envelope.decode())
        lines = [json.loads(line) for line in envelope.splitlines()[1:] if line]
        for about, item in zip(lines[::2], lines[1::2], strict=True):
            self.kinds.append(about["type"])
            if about["type"] == "event":
                self.events.append(item)


def serve() -> tuple[SentryServer, ThreadingHTTPServer]:
    """Start it on a free port."""
    found = SentryServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            assert self.path == "/api/42/envelope/"
            assert "sentry_key=key" in self.headers["X-Sentry-Auth"]
            found.take(body)
            self.send_response(found.status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.dsn = f"http://key@127.0.0.1:{server.server_port}/42"
    # It looks for its end that often (seconds).
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return found, server
