"""What the worker needs to know about FTP."""

from __future__ import annotations

from .. import Module
from . import close_ftp, ftp
from .settings import FtpSettings

MODULE = Module(
    name="ftp",
    settings=FtpSettings,
    check=lambda: ftp().check(),
    close=close_ftp,
)
