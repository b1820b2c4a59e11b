"""Servers and lines for the tests of integrations: an authority for TLS, a line that breaks."""

from __future__ import annotations

import contextlib
import http.server
import socket
import ssl
import struct
import threading
from datetime import UTC, datetime
from pathlib import Path

import trustme


class Authority:
    """A certificate authority of the test's own.

    Args:
        folder: Where its certificate is written.
    """

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self._folder = folder
        self.file = folder / "authority.pem"
        self._authority.cert_pem.write_to_path(str(self.file))

    def server_context(self, *names: str) -> ssl.SSLContext:
        """TLS for a server with these names; by default those of this machine."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(*(names or ("127.0.0.1", "localhost"))).configure_cert(context)
        return context

    def expired_context(self) -> ssl.SSLContext:
        """TLS for a server of this machine whose certificate has expired."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.expired_file())
        return context

    def expired_file(self) -> Path:
        """Key and certificates of such a server in one file."""
        return self.server_file(file="expired.pem", not_after=datetime(2020, 1, 2, tzinfo=UTC))

    def server_file(
        self, *names: str, file: str = "server.pem", not_after: datetime | None = None
    ) -> Path:
        """Key and certificates of a server in one file."""
        path = self._folder / file
        certificate = self._authority.issue_cert(
            *(names or ("127.0.0.1", "localhost")), not_after=not_after
        )
        certificate.private_key_and_cert_chain_pem.write_to_path(str(path))
        return path


class Line:
    """A TCP line to a server that can fall silent or be cut.

    Args:
        target: The server's port on 127.0.0.1.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self._cuts: dict[bool, list[int]] = {True: [], False: []}  # to the server, from it
        self._silent = threading.Event()
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_after(self, *sizes: int) -> None:
        """Cut the line when so many bytes have gone to the server; then after the next."""
        self._cuts[True] = [*sizes]

    def cut_after_answer(self, *sizes: int) -> None:
        """Cut the line when so many bytes have come from the server; then after the next."""
        self._cuts[False] = [*sizes]

    def cut(self) -> None:
        """Cut every connection now."""
        while self._open:
            _reset(self._open.pop())

    def fall_silent(self) -> None:
        """Swallow every answer from now on."""
        self._silent.set()

    def close(self) -> None:
        """Stop listening and cut what is open."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            self.connections += 1
            self._open += [client, server]
            for source, sink in ((client, server), (server, client)):
                pump = threading.Thread(
                    target=self._pump, args=(source, sink, source is client), daemon=True
                )
                pump.start()

    def _pump(self, source: socket.socket, sink: socket.socket, to_server: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                cuts = self._cuts[to_server]
                if cuts and cuts[0] <= len(data):
                    sink.sendall(data[: cuts.pop(0)])
                    self.cut()
                    return
                if cuts:
                    cuts[0] -= len(data)
                if to_server or not self._silent.is_set():
                    sink.sendall(data)
        if self._silent.is_set() and not to_server:
            return  # the end is an answer too
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


def _reset(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RD)  # wakes the thread that reads
    connection.close()


class Answers:
    """A web server that gives the answer it was told to give.

    Args:
        tls: Makes it speak HTTPS.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[str] = []
        self.tell(200)
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._server.server_port}"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._server.handle_error = lambda *_: None  # a client that does not trust us hangs up
        # It looks for its end that often (seconds).
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def tell(self, status: int, body: str = "", **headers: str) -> None:
        """Give this answer from now on; `_` in a header's name stands for `-`."""
        self.asked.clear()
        self._answer = (status, body.encode(), headers)

    def close(self) -> None:
        """Stop and free the port."""
        self._server.shutdown()
        self._server.server_close()

    def _handler(answers) -> type[http.server.BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self) -> None:
                if "Expect" in self.headers:  # else the client waits a second
                    self.send_response_only(100)
                    self.end_headers()
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                answers.asked.append(f"{self.command} {self.path}")
                status, body, headers = answers._answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        return Handler
