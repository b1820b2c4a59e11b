"""One connection to the server: FTP, or FTPS with the data protected too."""

from __future__ import annotations

import ftplib
import posixpath
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from ...signs import Sign, is_network_error, signed
from ..text import composed
from ..tls import tls_reason
from .errors import (
    FtpError,
    FtpNotFoundError,
    FtpRefusedError,
    FtpUnavailableError,
)
from .protocol import Ftp, ProtectedFtp
from .replies import describe, says_missing
from .settings import FtpConfig


def connect(config: FtpConfig) -> ftplib.FTP:
    """Open a connection and log in. With `secure`, no password is sent before TLS is up.

    Returns:
        A logged-in client in binary mode.

    Raises:
        ftplib.Error, OSError, EOFError: As ftplib raises them; see `explained`.
    """
    timeout = config.timeout / 1000
    connection = (
        ProtectedFtp(timeout=timeout, names=config.encoding, context=_context(config))
        if config.secure
        else Ftp(timeout=timeout, names=config.encoding)
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
    """Return the base folder as an absolute path; a relative one starts where the login leads."""
    home = "/" if base_path.startswith("/") else connection.pwd()
    return posixpath.normpath(posixpath.join(home, composed(base_path)))


def alive(connection: ftplib.FTP) -> bool:
    """Return whether an idle connection still works."""
    try:
        return connection.voidcmd("NOOP")[:1] == "2"
    except (ftplib.Error, OSError, EOFError, ValueError):
        return False


@contextmanager
def explained(what: str, *, connecting: bool = False) -> Iterator[None]:
    """Turn every error of the library into one that says whether another attempt may help.

    Raised `from None`: a traceback would print the library's error with the server's words.

    Args:
        what: Begins the message.
        connecting: Nothing of a job's has been sent, so a failure is the server's alone. Later,
            every command may be repeated.
    """
    away = Sign.UNREACHED if connecting else Sign.AWAY
    try:
        yield
    except FtpError:
        raise
    except ftplib.error_perm as error:
        text = f"{what}: {describe(error)}"
        raise (FtpNotFoundError if says_missing(error) else FtpRefusedError)(text) from None
    except UnicodeEncodeError as error:
        raise FtpRefusedError(
            f"{what}: a name or the login has a letter that {error.encoding} lacks;"
            " set encoding in FTP_CONFIG"
        ) from None
    except UnicodeDecodeError as error:
        raise FtpRefusedError(
            f"{what}: the server's names are not in {error.encoding}; set encoding in FTP_CONFIG"
        ) from None
    except EOFError:
        reason = "the server ended the connection"
        raise signed(FtpUnavailableError(f"{what}: {reason}"), away, reason) from None
    except ftplib.Error as error:
        reason = describe(error)
        sign = away if connecting or str(error).startswith("421") else None
        raise signed(FtpUnavailableError(f"{what}: {reason}"), sign, reason) from None
    except OSError as error:
        wrong = tls_reason(error)
        if wrong is not None:
            raise FtpRefusedError(f"{what}: {wrong}") from None
        reason = f"{type(error).__name__}: {error}"
        sign = away if is_network_error(error) else None
        raise signed(FtpUnavailableError(f"{what}: {reason}"), sign, reason) from None
