"""An FTP server for tests, plain or with TLS, that can refuse, forget and break off."""

from __future__ import annotations

import threading
import warnings
from pathlib import Path
from typing import Any

from OpenSSL import SSL

with warnings.catch_warnings():
    # It stands on asyncore, which Python 3.11 calls old and 3.12 leaves to a package.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.filesystems import AbstractedFS
    from pyftpdlib.handlers import DTPHandler, FTPHandler, TLS_DTPHandler, TLS_FTPHandler
    from pyftpdlib.ioloop import IOLoop
    from pyftpdlib.log import logger
    from pyftpdlib.servers import FTPServer

USER, PASSWORD = "worker", "ftp-password-1"


class _Breaking:
    """Breaks off a transfer when so many bytes have passed; once."""

    def get_repr_info(self, as_str=False, extra_info=None):
        return {} if not as_str else "data channel"

    def handle_read_event(self):
        super().handle_read_event()
        self._break(self.tot_bytes_received)

    def handle_write_event(self):
        super().handle_write_event()
        self._break(self.tot_bytes_sent)

    def _break(self, passed):
        server = self.cmd_channel.server.owner
        if server.break_after is not None and passed >= server.break_after:
            server.break_after = None
            if server.break_control:
                self.cmd_channel.close()
            else:
                self._resp = ("426 Connection closed; transfer aborted.", logger.info)
                self.close()


class _PlainData(_Breaking, DTPHandler):
    pass


class _SecureData(_Breaking, TLS_DTPHandler):
    def handle_ssl_established(self):
        super().handle_ssl_established()
        server = self.cmd_channel.server.owner
        reused = bool(SSL._lib.SSL_session_reused(self.socket._ssl))
        server.reused.append(reused)
        if server.demand_reuse and not reused:
            self._resp = ("425 Session reuse is required.", logger.info)
            self.close()


class _Files(AbstractedFS):
    def chdir(self, path):
        """Not as pyftpdlib does it, which changes the folder of the whole process."""
        if not Path(path).is_dir():
            raise FileNotFoundError(2, "No such file or directory", path)
        self.cwd = self.fs2ftp(path)


class FtpServer:
    """One server with one user, whose home is a folder.

    Args:
        folder: The user's home.
        certificate: With it, TLS is demanded for control and data.
        demand_reuse: Data connections must continue the TLS session, as vsftpd wants it.
        unknown: Commands the server does not know.
        may: What the user may do, in pyftpdlib's letters.
        port: Where it listens; 0 for a free one.
    """

    def __init__(
        self,
        folder: Path,
        certificate: Path | None = None,
        *,
        demand_reuse: bool = False,
        unknown: tuple[str, ...] = (),
        may: str = "elradfmwMT",
        port: int = 0,
    ) -> None:
        self.folder = folder
        self.demand_reuse = demand_reuse
        self.break_after: int | None = None
        self.break_control = False
        self.reused: list[bool] = []
        self.logins: list[str] = []
        self.connections = 0
        authorizer = DummyAuthorizer()
        authorizer.add_user(USER, PASSWORD, str(folder), perm=may)
        handler = self._handler(authorizer, certificate, unknown)
        self._loop = IOLoop()
        self._server = FTPServer(("127.0.0.1", port), handler, ioloop=self._loop)
        self._server.owner = self
        self.port: int = self._server.address[1]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End every connection and the server."""
        self._stop.set()
        self._thread.join()

    def refuse(self, command: str, reply: str) -> None:
        """Answer a command so from now on."""

        def answer(session, *_):
            session.respond(reply)
            if reply.startswith("421"):
                session.close_when_done()

        setattr(self._server.handler, f"ftp_{command}", answer)

    def _serve(self) -> None:
        while not self._stop.is_set():
            self._server.serve_forever(timeout=0.02, blocking=False)
        self._server.close_all()

    def _handler(
        self, authorizer: DummyAuthorizer, certificate: Path | None, unknown: tuple[str, ...]
    ) -> type[Any]:
        owner = self
        base = FTPHandler if certificate is None else TLS_FTPHandler

        class Handler(base):
            def on_connect(self):
                owner.connections += 1

            def on_login(self, username):
                owner.logins.append(username)

        Handler.authorizer = authorizer
        Handler.auth_failed_timeout = 0
        Handler.abstracted_fs = type("Files", (_Files,), {})  # a test may change it
        Handler.dtp_handler = _PlainData if certificate is None else _SecureData
        Handler.proto_cmds = {
            name: value for name, value in base.proto_cmds.items() if name not in unknown
        }
        if certificate is not None:
            Handler.certfile = str(certificate)
            Handler.tls_control_required = Handler.tls_data_required = True
            Handler.ssl_context = None
            Handler.get_ssl_context().set_session_id(b"worker")
        return Handler
