"""The errors of FTP, each permanent or temporary."""

from __future__ import annotations

from ...engine import JobError, OutageError, PermanentError, TemporaryError


class FtpError(JobError):
    """Base of every error of this module."""


class FtpPathError(FtpError, PermanentError):
    """The path is not one below the base folder."""


class FtpRefusedError(FtpError, PermanentError):
    """The server refuses and will refuse again: the login, the path, the space, the certificate."""


class FtpNotFoundError(FtpRefusedError):
    """There is no such file or folder."""


class FtpUnavailableError(FtpError, TemporaryError):
    """The server cannot be reached, is busy, or broke off in the middle."""


class FtpAwayError(FtpUnavailableError, OutageError):
    """The server is away: the job waits for it and spends no attempt."""


class FtpSizeError(FtpUnavailableError):
    """The file arrived with another size. What arrived was removed."""
