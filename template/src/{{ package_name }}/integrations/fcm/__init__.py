"""Firebase Cloud Messaging: pushes to Android, iOS and browsers.

A processor asks for the client by its type::

    @processor(attempts=5)
    def notify(payload: NotifyPayload, context: JobContext, fcm: Fcm) -> None:
        result = fcm.send_many(Push("Shipped", "It is on its way."), payload.tokens)
        forget(result.invalid_tokens)
"""

from __future__ import annotations

from contextlib import nullcontext

from ...engine import provide
from ..lazy import Lazy
from .client import BatchResult, Fcm, TokenResult
from .errors import (
    Failure,
    FcmRefusedError,
    FcmUnavailableError,
    InvalidPushError,
    InvalidTokenError,
)
from .push import AndroidOptions, IosOptions, Push, WebOptions
from .settings import FcmSettings

__all__ = [
    "AndroidOptions",
    "BatchResult",
    "Failure",
    "Fcm",
    "FcmRefusedError",
    "FcmSettings",
    "FcmUnavailableError",
    "InvalidPushError",
    "InvalidTokenError",
    "IosOptions",
    "Push",
    "TokenResult",
    "WebOptions",
    "close",
    "fcm",
]

_shared: Lazy[Fcm] = Lazy(lambda: Fcm(FcmSettings()), Fcm.close)


def fcm() -> Fcm:
    """The client of this process, made from the settings on first use."""
    return _shared.get()


def close() -> None:
    """End its connections."""
    _shared.close()


provide(Fcm, lambda _: nullcontext(fcm()))
