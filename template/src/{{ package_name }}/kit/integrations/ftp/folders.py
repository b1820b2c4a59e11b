"""What a folder on the server holds, and making folders."""

from __future__ import annotations

import ftplib
from dataclasses import dataclass
from datetime import UTC, datetime

from .errors import FtpRefusedError
from .paths import parents
from .replies import describe


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder on the server.

    Args:
        name: The last part of its path.
        path: Relative to the base folder.
        is_folder: None where the server does not say.
        size: Bytes; None for a folder and where the server does not say.
        modified: In UTC; None where the server does not say.
    """

    name: str
    path: str
    is_folder: bool | None = None
    size: int | None = None
    modified: datetime | None = None


def list_folder(ftp: ftplib.FTP, folder: str, relative: str) -> list[Entry]:
    """Read a folder, by MLSD where the server knows it, else names alone by NLST.

    Args:
        ftp: The connection.
        folder: Its full path.
        relative: Its path below the base folder, which the entries' paths begin with.
    """
    begin = f"{relative}/" if relative else ""
    try:
        try:
            listed = [
                _entry(name, f"{begin}{name}", facts)
                for name, facts in ftp.mlsd(folder)
                if facts.get("type", "").lower() not in {"cdir", "pdir"}
            ]
        except ftplib.error_perm as error:
            if not unknown_command(error):
                raise
            names = [path.rpartition("/")[2] for path in _names(ftp, folder)]
            listed = [Entry(name, f"{begin}{name}") for name in names if name not in {".", ".."}]
    finally:
        binary(ftp)
    return sorted(listed, key=lambda entry: entry.name)


def binary(ftp: ftplib.FTP) -> None:
    """Listing leaves the connection in text mode, in which sizes are refused."""
    try:
        ftp.voidcmd("TYPE I")
    except (ftplib.Error, OSError, EOFError, ValueError):
        pass  # the connection is gone; what broke it is on its way already


def make_folders(ftp: ftplib.FTP, folder: str) -> bool:
    """Make a folder and those above it.

    Returns:
        False if it was there already.

    Raises:
        FtpRefusedError: The server does not let us.
    """
    if is_folder(ftp, folder):
        return False
    reason = ""
    for each in [*parents(folder), folder]:
        try:
            ftp.mkd(each)
        except ftplib.error_perm as error:  # it is there, or another job has just made it
            reason = describe(error)
    if not is_folder(ftp, folder):
        raise FtpRefusedError(f"cannot make the folder: {reason}")
    return True


def unknown_command(error: ftplib.Error) -> bool:
    """Return whether the server does not know the command or this form of it."""
    return str(error)[:3] in {"500", "501", "502", "503", "504"}


def _names(ftp: ftplib.FTP, folder: str) -> list[str]:
    try:
        return ftp.nlst(folder)
    except (ftplib.error_perm, ftplib.error_temp) as error:
        # Many servers answer so for an empty folder.
        if str(error)[:3] in {"450", "550"} and is_folder(ftp, folder):
            return []
        raise


def is_folder(ftp: ftplib.FTP, folder: str) -> bool:
    """Return whether there is such a folder."""
    try:
        ftp.cwd(folder)  # every path we send is absolute, so where we stand does not matter
    except ftplib.error_perm:
        return False
    return True


def _entry(name: str, path: str, facts: dict[str, str]) -> Entry:
    kind = facts.get("type", "").lower()
    size = facts.get("size", "")
    return Entry(
        name=name,
        path=path,
        is_folder=kind == "dir" if kind else None,
        size=int(size) if size.isdecimal() and kind != "dir" else None,
        modified=_time(facts.get("modify", "")),
    )


def _time(text: str) -> datetime | None:
    try:
        return datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
