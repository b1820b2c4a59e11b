"""The errors of the public data, each saying whether another attempt can help."""

from __future__ import annotations

from ...engine import OutageError, PermanentError, TemporaryError
from .result_codes import ResultCode


class PublicDataRefusedError(PermanentError):
    """The service refuses and will refuse again.

    Args:
        message: The reason, without the service key.
        code: What it answered, where it is a shared code.
    """

    def __init__(self, message: str, *, code: ResultCode | None = None) -> None:
        super().__init__(message)
        self.code = code


class PublicDataRowError(PermanentError):
    """A row does not fit its model, or the rows have no known shape. The message names fields."""


class PublicDataUnavailableError(TemporaryError):
    """The service cannot do it now.

    Args:
        message: The reason.
        code: What it answered, where it is a shared code.
        retry_after: Seconds to wait, where they are known.
    """

    def __init__(
        self,
        message: str,
        *,
        code: ResultCode | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, retry_after=retry_after)
        self.code = code


class PublicDataAwayError(PublicDataUnavailableError, OutageError):
    """The service's host is away: the job waits for it and spends no attempt."""


class PublicDataIncompleteError(PublicDataUnavailableError):
    """Rows are missing: the service announced more than it sent. The next attempt may get all."""


class PublicDataPagingError(PublicDataRefusedError):
    """The service ignores its page number: every page holds the same rows."""


class QuotaSpentError(PublicDataUnavailableError):
    """The calls of the day are used up; `retry_after` ends shortly after midnight in Korea.

    It is temporary on purpose: the job holds no slot while it waits, and continues after its
    last page when there is a new quota. Until then no replica makes a call. Every night spends
    one of the job's attempts, so a data set that takes many days needs as many attempts. A
    processor that must not wait catches this error.
    """
