"""Firebase Cloud Messaging: pushes to Android, iOS and browsers.

A processor asks for the client by its type::

    @processor(attempts=5)
    def notify(payload: NotifyPayload, context: JobContext, fcm: Fcm) -> None:
        result = fcm.send_many(Push("Shipped", "It is on its way."), payload.tokens)
        forget(result.invalid_tokens)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...lazy import Lazy, lazy_names

if TYPE_CHECKING:
    from .client import BatchResult, Fcm, TokenResult
    from .errors import (
        Failure,
        FcmAwayError,
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
    "FcmAwayError",
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

# Nothing is loaded before a processor or a call asks for it.
__getattr__ = lazy_names(
    __name__,
    {
        "client": ("BatchResult", "Fcm", "TokenResult"),
        "errors": (
            "Failure",
            "FcmAwayError",
            "FcmRefusedError",
            "FcmUnavailableError",
            "InvalidPushError",
            "InvalidTokenError",
        ),
        "push": ("AndroidOptions", "IosOptions", "Push", "WebOptions"),
        "settings": ("FcmSettings",),
    },
)


def _make() -> Fcm:
    from .client import Fcm  # noqa: PLC0415 - see `lazy_names`
    from .settings import FcmSettings  # noqa: PLC0415

    return Fcm(FcmSettings())


_shared: Lazy[Fcm] = Lazy(_make, lambda client: client.close())


def fcm() -> Fcm:
    """Return the client of this process, made from the settings on first use."""
    return _shared.get()


def close() -> None:
    """Close its connections."""
    _shared.close()
