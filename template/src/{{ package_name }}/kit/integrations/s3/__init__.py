"""Objects in a bucket of S3, or of a server that speaks its protocol.

A processor asks for the client by its type::

    @processor
    def publish(payload: PublishPayload, s3: S3Client) -> None:
        s3.upload(Path(payload.file), "2026/01/report.csv")

Elsewhere, `s3()` returns the same one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...lazy import Lazy, lazy_names

if TYPE_CHECKING:
    from .client import S3Client, StoredObject, UploadUrl
    from .errors import (
        S3AwayError,
        S3Error,
        S3KeyError,
        S3NotFoundError,
        S3RefusedError,
        S3SizeError,
        S3UnavailableError,
    )

__all__ = [
    "S3AwayError",
    "S3Client",
    "S3Error",
    "S3KeyError",
    "S3NotFoundError",
    "S3RefusedError",
    "S3SizeError",
    "S3UnavailableError",
    "StoredObject",
    "UploadUrl",
    "close_s3",
    "s3",
]

__getattr__ = lazy_names(
    __name__,
    {
        "client": ("S3Client", "StoredObject", "UploadUrl"),
        "errors": (
            "S3AwayError",
            "S3Error",
            "S3KeyError",
            "S3NotFoundError",
            "S3RefusedError",
            "S3SizeError",
            "S3UnavailableError",
        ),
    },
)


def _make() -> S3Client:
    from .client import make_client  # noqa: PLC0415 - imported when it is used
    from .settings import S3Settings  # noqa: PLC0415

    settings = S3Settings()
    return make_client(settings.s3_config, settings.s3_breaker)


_shared: Lazy[S3Client] = Lazy(_make, lambda client: client.close())


def s3() -> S3Client:
    """Return the client of this process, made from the settings on first use."""
    return _shared.get()


def close_s3() -> None:
    """Close its connections."""
    _shared.close()
