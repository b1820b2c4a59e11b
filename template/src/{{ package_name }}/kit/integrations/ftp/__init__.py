"""Files on an FTP or FTPS server.

A processor asks for the client by its type::

    @processor
    def publish(payload: PublishPayload, ftp: FtpClient) -> None:
        ftp.upload(Path(payload.file), "2026/01/report.csv")

Elsewhere, `ftp()` returns the same one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...lazy import Lazy, lazy_names

if TYPE_CHECKING:
    from .client import FtpClient
    from .errors import (
        FtpAwayError,
        FtpError,
        FtpNotFoundError,
        FtpPathError,
        FtpRefusedError,
        FtpSizeError,
        FtpUnavailableError,
    )
    from .folders import Entry

__all__ = [
    "Entry",
    "FtpAwayError",
    "FtpClient",
    "FtpError",
    "FtpNotFoundError",
    "FtpPathError",
    "FtpRefusedError",
    "FtpSizeError",
    "FtpUnavailableError",
    "close_ftp",
    "ftp",
]

__getattr__ = lazy_names(
    __name__,
    {
        "client": ("FtpClient",),
        "folders": ("Entry",),
        "errors": (
            "FtpAwayError",
            "FtpError",
            "FtpNotFoundError",
            "FtpPathError",
            "FtpRefusedError",
            "FtpSizeError",
            "FtpUnavailableError",
        ),
    },
)


def _make() -> FtpClient:
    from .client import FtpClient  # noqa: PLC0415 - imported when it is used
    from .settings import FtpSettings  # noqa: PLC0415

    settings = FtpSettings()
    return FtpClient(settings.ftp_config, settings.ftp_breaker)


_shared: Lazy[FtpClient] = Lazy(_make, lambda client: client.close())


def ftp() -> FtpClient:
    """Return the client of this process, made from the settings on first use."""
    return _shared.get()


def close_ftp() -> None:
    """Close its connections."""
    _shared.close()
