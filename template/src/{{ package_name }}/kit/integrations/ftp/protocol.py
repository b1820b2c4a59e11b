"""ftplib with what real servers need: their encodings, and their way to end a data channel."""

from __future__ import annotations

import contextlib
import ftplib
import select
import socket
import ssl
from collections.abc import Callable
from typing import Any

_ANSWER = 1.0  # seconds that a server has to confirm the end of a data channel

# Korean servers speak it, EUC-KR included, without saying so.
_KOREAN = "cp949"


class Ftp(ftplib.FTP):
    """A connection that learns the encoding of names and replies from the server.

    ftplib handles lines as Latin-1 here, which keeps every byte; this class decodes them.

    Args:
        timeout: Seconds for connecting and for each piece of an answer.
        names: The encoding to use; None for UTF-8, and CP949 from the first line that is not
            UTF-8 and is CP949.
    """

    def __init__(self, *, timeout: float, names: str | None, **options: Any) -> None:
        super().__init__(timeout=timeout, encoding="latin-1", **options)
        self.names = names or "utf-8"
        self._guessing = names is None

    def putline(self, line: str) -> None:
        """Send a command in the server's encoding."""
        super().putline(line.encode(self.names).decode("latin-1"))

    def getline(self) -> str:
        """Read a line of a reply. Letters of an unknown encoding are replaced."""
        line: str = super().getline()
        try:
            return self._decoded(line)
        except UnicodeDecodeError:
            return line.encode("latin-1").decode("ascii", "replace")

    def retrlines(self, cmd: str, callback: Callable[[str], object] | None = None) -> str:
        """Read a listing; names of another encoding raise a UnicodeDecodeError."""
        pass_on = callback or print
        return super().retrlines(cmd, lambda line: pass_on(self._decoded(line)))

    def _decoded(self, line: str) -> str:
        raw = line.encode("latin-1")
        try:
            return raw.decode(self.names)
        except UnicodeDecodeError:
            if not self._guessing:
                raise
            text = raw.decode(_KOREAN)
            self.names, self._guessing = _KOREAN, False
            return text


class _DataSocket(ssl.SSLSocket):
    """Says that the data is complete, and does not insist on an answer.

    ftplib raises when a server closes without close_notify or never answers it, although the
    reply 226 has come. The size of the file, compared afterwards, tells more.
    """

    def unwrap(self) -> socket.socket:
        timeout = self.gettimeout()
        waited = False
        with contextlib.suppress(OSError, ValueError):
            self.setblocking(False)
            while True:
                try:
                    return super().unwrap()
                except ssl.SSLWantWriteError:
                    if not select.select([], [self], [], timeout)[1]:
                        break
                except ssl.SSLWantReadError:
                    if waited or not select.select([self], [], [], _ANSWER)[0]:
                        break
                    waited = True
        return self


class ProtectedFtp(Ftp, ftplib.FTP_TLS):
    """FTPS whose data connections continue the TLS session of the control connection.

    Servers such as vsftpd and ProFTPD demand it: it proves that both ends belong together.
    """

    def __init__(self, *, timeout: float, names: str | None, context: ssl.SSLContext) -> None:
        context.sslsocket_class = _DataSocket
        super().__init__(timeout=timeout, names=names, context=context)

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, Any]:
        """Open a data connection."""
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # noqa: S321 - wrapped below
        if self._prot_p:  # type: ignore[attr-defined]
            control = self.sock
            session = control.session if isinstance(control, ssl.SSLSocket) else None
            connection = self.context.wrap_socket(
                connection, server_hostname=self.host, session=session
            )
        return connection, size
