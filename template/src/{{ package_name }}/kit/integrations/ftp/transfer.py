"""Moves bytes over one connection: in pieces, resumable, with the size checked."""

from __future__ import annotations

import ftplib
from typing import BinaryIO

from .errors import FtpSizeError
from .folders import unknown_command
from .paths import beside

_PIECE = 256 * 1024  # bytes


def store(ftp: ftplib.FTP, file: BinaryIO, path: str, *, total: int | None, resume: bool) -> int:
    """Send a file.

    Args:
        ftp: The connection.
        file: Read from where it stands.
        path: Full path of the file to write.
        total: Its size, if known before.
        resume: Continue after what the server already has; the file must be seekable.

    Returns:
        The size that the file on the server has to have now.

    Raises:
        FtpSizeError: The server has another size.
    """
    offset = _begun(ftp, path, total) if resume else 0
    file.seek(offset) if resume else None
    counter = _Counter(file, offset)
    try:
        ftp.storbinary(f"STOR {path}", counter, _PIECE, rest=offset or None)  # type: ignore[arg-type]
    except ftplib.error_perm as error:
        if not offset or not unknown_command(error):
            raise
        file.seek(0)  # this server does not go on: from the beginning
        counter = _Counter(file, 0)
        ftp.storbinary(f"STOR {path}", counter, _PIECE)  # type: ignore[arg-type]
    found = size(ftp, path)
    if found is not None and found != counter.position:
        raise FtpSizeError(f"{counter.position} bytes were sent and the server has {found}")
    return counter.position


def retrieve(ftp: ftplib.FTP, path: str, file: BinaryIO, *, offset: int, total: int | None) -> int:
    """Receive a file.

    Args:
        ftp: The connection.
        path: Full path of the file to read.
        file: Written to from where it stands.
        offset: Bytes that are there already.
        total: Its size, if the server told it.

    Returns:
        How many bytes there are now.

    Raises:
        FtpSizeError: They are not as many as the server said.
    """
    position = offset

    def write(piece: bytes) -> None:
        nonlocal position
        file.write(piece)
        position += len(piece)

    try:
        ftp.retrbinary(f"RETR {path}", write, _PIECE, rest=offset or None)
    except ftplib.error_perm as error:
        if not offset or position != offset or not unknown_command(error):
            raise
        file.seek(0)
        file.truncate()
        position = 0
        ftp.retrbinary(f"RETR {path}", write, _PIECE)
    if total is not None and position != total:
        raise FtpSizeError(f"the server has {total} bytes and {position} arrived")
    return position


def size(ftp: ftplib.FTP, path: str) -> int | None:
    """Return the size of a file in bytes; None from a server that does not tell sizes."""
    try:
        return ftp.size(path)
    except ftplib.error_perm as error:
        if unknown_command(error):
            return None
        raise


def version(ftp: ftplib.FTP, path: str) -> str:
    """Return when a file was changed, as the server writes it; empty if it does not tell."""
    try:
        return ftp.sendcmd(f"MDTM {path}")[4:].strip()
    except ftplib.error_perm:
        return ""


def replace(ftp: ftplib.FTP, temporary: str, path: str) -> None:
    """Give a finished file its name, also where a rename may not overwrite."""
    try:
        ftp.rename(temporary, path)
    except ftplib.error_perm as refused:
        old = beside(path, "old")
        try:
            ftp.rename(path, old)
        except ftplib.error_perm:
            raise refused from None  # there is nothing in the way: it is refused for another reason
    else:
        return
    try:
        ftp.rename(temporary, path)
    except ftplib.error_perm:
        ftp.rename(old, path)
        raise
    ftp.delete(old)


def _begun(ftp: ftplib.FTP, path: str, total: int | None) -> int:
    try:
        begun = size(ftp, path) or 0
    except ftplib.error_perm:
        return 0  # nothing was begun
    return begun if total is None or begun <= total else 0


class _Counter:
    """Counts what is read from a file."""

    def __init__(self, file: BinaryIO, position: int) -> None:
        self._file = file
        self.position = position

    def read(self, length: int) -> bytes:
        piece = self._file.read(length)
        self.position += len(piece)
        return piece
