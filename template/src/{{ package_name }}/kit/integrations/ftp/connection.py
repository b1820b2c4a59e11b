"""One connection to the server: FTP, or FTPS with the data protected too."""

from __future__ import annotations

import ftplib
import posixpath
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .errors import (
    FtpError,
    FtpNotFoundError,
    FtpRefusedError,
    FtpUnavailableError,
)
from .settings import FtpConfig

_MISSING = ("no such", "not found", "not exist", "cannot find", "not retrievable")


class _ProtectedFtp(ftplib.FTP_TLS):
    """FTPS whose data connections continue the TLS session of the control connection.

    Servers such as vsftpd and ProFTPD demand it: it proves that both ends belong together.
    """

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, Any]:
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # noqa: S321 - wrapped below
        if self._prot_p:  # type: ignore[attr-defined]
            control = self.sock
            session = control.session if isinstance(control, ssl.SSLSocket) else None
            connection = self.context.wrap_socket(
                connection, server_hostname=self.host, session=session
            )
        return connection, size


def connect(config: FtpConfig) -> ftplib.FTP:
    """Open a connection and log in. With `secure`, no password is sent before TLS is up.

    Returns:
        A logged-in client in binary mode.

    Raises:
        ftplib.Error, OSError, EOFError: As ftplib raises them; see `explained`.
    """
    timeout = config.timeout / 1000
    connection: ftplib.FTP = (
        _ProtectedFtp(context=_context(config), timeout=timeout, encoding=config.encoding)
        if config.secure
        else ftplib.FTP(timeout=timeout, encoding=config.encoding)  # noqa: S321 - the owner's choice
    )
    try:
        connection.connect(config.host, config.port)
        # Routers forget a silent control connection while a long file is on its way.
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # type: ignore[union-attr]
        connection.login(config.user, config.password.get_secret_value())
        if isinstance(connection, ftplib.FTP_TLS):
            connection.prot_p()
        connection.voidcmd("TYPE I")
    except BaseException:
        connection.close()
        raise
    return connection


def _context(config: FtpConfig) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if config.ca_file is not None:
        context.load_verify_locations(config.ca_file)
    return context


def base_folder(connection: ftplib.FTP, base_path: str) -> str:
    """The base folder as an absolute path; a relative one starts where the login leads."""
    home = "/" if base_path.startswith("/") else connection.pwd()
    return posixpath.normpath(posixpath.join(home, base_path))


def alive(connection: ftplib.FTP) -> bool:
    """Whether an idle connection still works."""
    try:
        return connection.voidcmd("NOOP")[:1] == "2"
    except (ftplib.Error, OSError, EOFError, ValueError):
        return False


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn every error of the library into one that says whether trying again may help."""
    try:
        yield
    except FtpError:
        raise
    except ftplib.error_perm as error:
        text = f"{what}: {error}"
        if str(error).startswith("550") and _says_missing(str(error)):
            raise FtpNotFoundError(text) from error
        raise FtpRefusedError(text) from error
    except ssl.SSLCertVerificationError as error:
        raise FtpRefusedError(f"{what}: {error.verify_message}") from error
    except EOFError as error:
        raise FtpUnavailableError(f"{what}: the server ended the connection") from error
    except (ftplib.Error, OSError) as error:
        raise FtpUnavailableError(f"{what}: {type(error).__name__}: {error}") from error


def _says_missing(text: str) -> bool:
    """550 also means "no permission"; only the words tell."""
    lowered = text.lower()
    return any(words in lowered for words in _MISSING)
