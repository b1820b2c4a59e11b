"""FTP as a module of the worker."""

from __future__ import annotations

from ...module import Module
from . import close_ftp, ftp
from .settings import FtpSettings


class FtpModule(Module):
    """Lends the FTP client to jobs."""

    name = "ftp"
    settings = FtpSettings

    def check(self) -> str:
        return ftp().check()

    def close(self) -> None:
        close_ftp()
