"""The client that processors move files with."""

from __future__ import annotations

import ftplib
import io
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from ...breaker import Breaker, asks_for, breakers
from ...config.fields import BreakerConfig
from ...engine import provide
from ..pool import ConnectionPool
from ..text import masked, name_end
from . import ftp
from .connection import alive, base_folder, connect, explained
from .errors import FtpAwayError, FtpError, FtpNotFoundError, FtpSizeError
from .folders import Entry, is_folder, list_folder, make_folders
from .paths import below, beside, parents
from .settings import FtpConfig
from .transfer import replace, retrieve, size, store, version


@dataclass(frozen=True, slots=True)
class _Session:
    ftp: ftplib.FTP
    base: str


class FtpClient:
    """Files below the base folder of one server. Safe to use from several threads.

    Every path is relative to `basePath` and cannot leave it. A call is made once; the job's
    retry repeats it.

    Args:
        config: `FTP_CONFIG`.
        limits: `FTP_BREAKER`.
    """

    def __init__(self, config: FtpConfig, limits: BreakerConfig | None = None) -> None:
        self._config = config
        self._breaker = breakers.add(
            Breaker(
                f"FTP {config.host}:{config.port}",
                limits or BreakerConfig(),
                probe=self._probe,
                needed=asks_for(FtpClient),
            )
        )
        self._pool: ConnectionPool[_Session] = ConnectionPool(
            self._open,
            lambda session: alive(session.ftp),
            lambda session: session.ftp.close(),
            keep_after=(ftplib.error_perm, FtpNotFoundError),
        )

    def upload(self, source: Path | BinaryIO | bytes, path: str, *, resume: bool = False) -> int:
        """Write a file, which appears under its name only when it is complete.

        The file is written under a temporary name in the same folder, its size is checked, and
        then it is renamed over a file of that name. Missing folders are made.

        Args:
            source: A file, an open file (read in pieces from where it stands), or the bytes.
            path: Relative to the base folder.
            resume: Keep what was sent when the line breaks, so that the next attempt continues
                there; `source` must be a path. Only for one job at a time on the same path.

        Returns:
            The size in bytes.

        Raises:
            FtpPathError: The path leaves the base folder.
            FtpRefusedError: The server refused it for good.
            FtpUnavailableError: It may work later. The name holds what it held before.
        """
        if resume and not isinstance(source, Path):
            raise ValueError("only a file given by its path can be sent in two parts")
        with (
            _opened(source) as (file, total, tag),
            self._session(f"upload of {path}", path) as session,
        ):
            target = below(session.base, path)
            temporary = beside(target, tag if resume else uuid4().hex[:12])
            try:
                try:
                    sent = store(session.ftp, file, temporary, total=total, resume=resume)
                except ftplib.error_perm:  # refused before anything was sent: is the folder there?
                    if not make_folders(session.ftp, parents(target)[-1]):
                        raise
                    sent = store(session.ftp, file, temporary, total=total, resume=resume)
                replace(session.ftp, temporary, target)
            except Exception as error:
                if not resume:
                    self._discard(session, temporary, error)
                raise
        return sent

    def download(self, path: str, target: Path | BinaryIO, *, resume: bool = False) -> int:
        """Read a file.

        Args:
            path: Relative to the base folder.
            target: A path, where the file appears only when it is complete; or an open file,
                which is written to in pieces.
            resume: Keep what arrived when the line breaks, so that the next attempt continues
                there, unless the file on the server has changed; `target` must be a path. Only
                for one job at a time on the same target.

        Returns:
            The size in bytes.

        Raises:
            FtpNotFoundError: There is no such file.
            FtpRefusedError: The server refused it for good.
            FtpUnavailableError: It may work later.
        """
        with self._session(f"download of {path}", path) as session:
            full = _existing(session, path)
            total = size(session.ftp, full)
            if not isinstance(target, Path):
                return retrieve(session.ftp, full, target, offset=0, total=total)
            tag = _tag(total, version(session.ftp, full)) if resume else uuid4().hex[:12]
            partial = target.with_name(f".{name_end(target.name)}.{tag}.part")
            try:
                with partial.open("ab") as file:
                    offset = file.tell()
                    received = retrieve(session.ftp, full, file, offset=offset, total=total)
                partial.replace(target)
            except BaseException as error:
                # Bytes that do not add up must not be built upon.
                if not resume or isinstance(error, FtpSizeError):
                    partial.unlink(missing_ok=True)
                raise
            return received

    def list(self, path: str = "") -> list[Entry]:
        """List a folder, by name.

        Raises:
            FtpNotFoundError: There is no such folder.
        """
        with self._session(f"list of {path or 'the base folder'}", path) as session:
            return list_folder(session.ftp, _existing(session, path, folder=True), path)

    def size(self, path: str) -> int | None:
        """Return the size of a file in bytes; None from a server that does not tell sizes.

        Raises:
            FtpNotFoundError: There is no such file.
        """
        with self._session(f"size of {path}", path) as session:
            return size(session.ftp, _existing(session, path))

    def rename(self, path: str, new_path: str) -> None:
        """Give a file another name or folder, over a file that may be there."""
        with self._session(f"rename of {path}", path, new_path) as session:
            replace(session.ftp, _existing(session, path), below(session.base, new_path))

    def delete(self, path: str, *, missing_ok: bool = False) -> None:
        """Delete a file.

        Raises:
            FtpNotFoundError: There is no such file, and `missing_ok` is off.
        """
        try:
            with self._session(f"delete of {path}", path) as session:
                session.ftp.delete(_existing(session, path))
        except FtpNotFoundError:
            if not missing_ok:
                raise

    def make_dirs(self, path: str) -> None:
        """Make a folder and those above it, where they are missing."""
        with self._session(f"making of {path}", path) as session:
            make_folders(session.ftp, below(session.base, path, folder=True))

    def check(self) -> str:
        """Log in, go to the base folder and return what was found."""
        config = self._config
        with self._session("check") as session:
            session.ftp.cwd(session.base)
            how = "FTPS" if isinstance(session.ftp.sock, ssl.SSLSocket) else "FTP"
            return f"{config.host}:{config.port}, {how}, base folder {session.base}"

    def close(self) -> None:
        """Close every connection."""
        self._breaker.close()
        self._pool.close()

    @contextmanager
    def _session(self, what: str, *paths: str) -> Iterator[_Session]:
        for path in paths:
            below("/", path, folder=True)  # a path that leads out needs no server to be refused
        where = f"{masked(what)}: {self._config.host}:{self._config.port}"
        with (
            self._breaker.call(FtpAwayError),
            explained(where),
            self._pool.connection() as session,
        ):
            yield session

    def _open(self) -> _Session:
        with explained(f"{self._config.host}:{self._config.port}", connecting=True):
            ftp = connect(self._config)
            try:
                return _Session(ftp, base_folder(ftp, self._config.base_path))
            except BaseException:
                ftp.close()
                raise

    def _probe(self) -> None:
        """Connect and log in, whatever the breaker says."""
        self._open().ftp.close()

    def _discard(self, session: _Session, temporary: str, error: Exception) -> None:
        """Remove what an upload left behind, where that costs no second time-out."""
        try:
            if isinstance(error, (ftplib.error_perm, ftplib.error_temp)):
                session.ftp.delete(temporary)  # the server answered: the connection is in order
            elif not isinstance(error, TimeoutError):
                with self._pool.connection() as other:
                    other.ftp.delete(temporary)
        except (FtpError, ftplib.Error, OSError, EOFError, ValueError):
            pass  # what broke the upload is the error to tell


def _existing(session: _Session, path: str, *, folder: bool = False) -> str:
    """Return the full path of what is there: composed, or as it was given.

    A file that was written in decomposed letters keeps them on the server.
    """
    full = below(session.base, path, folder=folder)
    given = below(session.base, path, folder=folder, as_given=True)
    if full == given:
        return full
    try:
        found = is_folder(session.ftp, full) if folder else size(session.ftp, full) is not None
    except ftplib.error_perm:
        found = False
    return full if found else given


@contextmanager
def _opened(source: Path | BinaryIO | bytes) -> Iterator[tuple[BinaryIO, int | None, str]]:
    """The source as an open file, its size and a tag that changes when the file does."""
    if isinstance(source, bytes):
        yield io.BytesIO(source), len(source), ""
    elif isinstance(source, Path):
        with source.open("rb") as file:
            state = source.stat()
            yield file, state.st_size, _tag(state.st_size, state.st_mtime_ns)
    else:
        yield source, None, ""


def _tag(*parts: object) -> str:
    return blake2b(repr(parts).encode(), digest_size=6).hexdigest()


provide(FtpClient, lambda _: nullcontext(ftp()))
