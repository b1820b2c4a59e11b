"""The errors of FCM, and what one of the library's means.

Source: firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode and .../cloud-messaging/
error-codes: UNREGISTERED (404), SENDER_ID_MISMATCH (403), INVALID_ARGUMENT (400),
QUOTA_EXCEEDED (429), UNAVAILABLE (503), INTERNAL (500), THIRD_PARTY_AUTH_ERROR (401).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from ...engine import JobError, OutageError, PermanentError, TemporaryError
from ...signs import Sign, http_sign, signed
from ..tls import tls_reason, wrapped

_QUOTA_WAIT = 60.0  # seconds after QUOTA_EXCEEDED without Retry-After, by the documentation


class InvalidPushError(PermanentError):
    """The message breaks a rule; nothing was sent."""


class FcmRefusedError(PermanentError):
    """FCM refuses and will refuse again.

    Args:
        message: The reason.
        code: FCM's error code.
    """

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class InvalidTokenError(FcmRefusedError):
    """The device's token is dead or belongs to another sender: remove it."""


class FcmUnavailableError(TemporaryError):
    """FCM cannot do it now.

    Args:
        message: The reason.
        code: FCM's error code.
        retry_after: Seconds to wait, where it named them.
    """

    def __init__(self, message: str, *, code: str, retry_after: float | None = None) -> None:
        super().__init__(message, retry_after=retry_after)
        self.code = code


class FcmAwayError(FcmUnavailableError, OutageError):
    """FCM is away and has taken nothing: the job waits for it and spends no attempt."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a message did not go out.

    Args:
        code: FCM's error code, or the kind of the error.
        detail: A sentence without tokens and texts.
        invalid_token: The token must be removed.
        temporary: Trying again may help.
        retry_after: Seconds to wait, where FCM named them.
        sign: What it says about Google's servers; None for an answer.
    """

    code: str
    detail: str
    invalid_token: bool = False
    temporary: bool = False
    retry_after: float | None = None
    sign: Sign | None = None

    def as_error(self) -> JobError:
        """Return the error to raise for it."""
        if self.invalid_token:
            return InvalidTokenError(self.detail, code=self.code)
        if self.temporary:
            made = FcmUnavailableError(self.detail, code=self.code, retry_after=self.retry_after)
            return signed(made, self.sign)
        return FcmRefusedError(self.detail, code=self.code)


def understand(error: BaseException) -> Failure:
    """Return what an error of firebase-admin or google-auth means."""
    from firebase_admin import exceptions, messaging  # noqa: PLC0415 - 0.5 s, loaded already
    from google.auth.exceptions import GoogleAuthError, RefreshError  # noqa: PLC0415

    wrong = _wrong_address(error)
    if wrong is not None:
        return wrong
    cause = getattr(error, "cause", None)
    if isinstance(cause, GoogleAuthError):  # send_each wraps it
        error = cause
    if isinstance(error, RefreshError):
        detail = "Google does not accept the key in fcm_auth.json"
        # Retryable are its 500, 503 and 429.
        return Failure("AUTH", detail, temporary=bool(error.retryable))
    if isinstance(error, GoogleAuthError):
        detail = "Google's token server cannot be reached"
        return Failure("AUTH", detail, temporary=True, sign=Sign.UNREACHED)
    if not isinstance(error, exceptions.FirebaseError):
        return Failure(type(error).__name__, f"FCM failed ({type(error).__name__})", temporary=True)
    response = error.http_response
    status = getattr(response, "status_code", None)
    detail = f"FCM answered {error.code}, HTTP {status}" if status else f"FCM: {error.code}"
    if isinstance(error, messaging.UnregisteredError):
        return Failure("UNREGISTERED", detail, invalid_token=True)
    if isinstance(error, messaging.SenderIdMismatchError):
        return Failure("SENDER_ID_MISMATCH", detail, invalid_token=True)
    if isinstance(error, exceptions.InvalidArgumentError):
        fields = _fields(response)
        invalid = "message.token" in fields or "registration token" in str(error)
        named = f"{detail} ({', '.join(fields)})" if fields else detail
        return Failure(error.code, named, invalid_token=invalid)
    if isinstance(error, messaging.QuotaExceededError) or status == 429:
        asked = _retry_after(response)
        wait = _QUOTA_WAIT if asked is None else asked
        return Failure("QUOTA_EXCEEDED", detail, temporary=True, retry_after=wait)
    temporary = status is None or status >= 500 or status == 408
    sign = _lost(error) if status is None else http_sign(status, repeatable=False)
    asked = _retry_after(response)
    return Failure(error.code, detail, temporary=temporary, retry_after=asked, sign=sign)


def _wrong_address(error: BaseException) -> Failure | None:
    """Return the failure of an address or a certificate that must be changed."""
    from requests.exceptions import TooManyRedirects  # noqa: PLC0415 - loaded already

    reason = tls_reason(error)
    if reason is not None:
        return Failure("TLS", f"Google's server: {reason}")
    if any(isinstance(each, TooManyRedirects) for each in (error, getattr(error, "cause", None))):
        return Failure("REDIRECTED", "the server redirects; is FCM_BASE_URL right, with https?")
    return None


def _lost(error: BaseException) -> Sign | None:
    """Return what an error without an answer says: was there a connection?"""
    from requests.exceptions import RequestException  # noqa: PLC0415 - loaded already
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError  # noqa: PLC0415

    found = list(wrapped(error))
    if any(isinstance(each, NewConnectionError | ConnectTimeoutError) for each in found):
        return Sign.UNREACHED
    return Sign.UNCERTAIN if any(isinstance(each, RequestException) for each in found) else None


def _retry_after(response: Any) -> float | None:
    value = response.headers.get("Retry-After", "").strip() if response is not None else ""
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError):
        return None


def _fields(response: Any) -> list[str]:
    """Names of the fields that FCM complains about (google.rpc.BadRequest)."""
    try:
        details = response.json()["error"]["details"]
        return [
            str(violation["field"])
            for detail in details
            for violation in detail.get("fieldViolations", [])
        ]
    except (AttributeError, KeyError, TypeError, ValueError):
        return []
