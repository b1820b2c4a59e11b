"""The errors of Bizppurio, each saying whether another attempt can help."""

from __future__ import annotations

from ...engine import OutageError, PermanentError, TemporaryError
from .result_codes import ResultCode


class InvalidMessageError(PermanentError):
    """The message breaks a rule of the vendor; nothing was sent."""


class BizppurioRefusedError(PermanentError):
    """Bizppurio refuses and will refuse again.

    Args:
        message: The reason, without personal data.
        code: What it answered, where it is a documented code.
    """

    def __init__(self, message: str, *, code: ResultCode | None = None) -> None:
        super().__init__(message)
        self.code = code


class BizppurioUnavailableError(TemporaryError):
    """Bizppurio cannot do it now; nothing was accepted.

    Args:
        message: The reason.
        code: What it answered, where it is a documented code.
        retry_after: Seconds to wait, where it named them.
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


class BizppurioAwayError(BizppurioUnavailableError, OutageError):
    """Bizppurio is away and has accepted nothing: the job waits for it and spends no attempt."""


class BizppurioUncertainError(BizppurioUnavailableError):
    """The request left, and no answer came: the message may have been accepted.

    It is retried under the same refkey, so a second message is possible and can be recognised.
    A processor that prefers a lost message to a second one catches this and gives up.
    """
