"""The errors of S3, each permanent or temporary."""

from __future__ import annotations

from ...engine import JobError, OutageError, PermanentError, TemporaryError


class S3Error(JobError):
    """Base of every error of this module."""


class S3KeyError(S3Error, PermanentError):
    """The key is not one below the prefix."""


class S3RefusedError(S3Error, PermanentError):
    """S3 refuses and will refuse again: the keys, the permissions, the bucket, a value."""


class S3NotFoundError(S3RefusedError):
    """There is no such object."""


class S3UnavailableError(S3Error, TemporaryError):
    """S3 cannot be reached, is busy, or broke off in the middle."""


class S3AwayError(S3UnavailableError, OutageError):
    """S3 is away: the job waits for it and spends no attempt."""


class S3SizeError(S3UnavailableError):
    """What is stored is shorter or longer than what was sent."""
