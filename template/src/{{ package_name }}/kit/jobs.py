"""What processors and publishers need; importing it costs no code of the worker."""

from __future__ import annotations

from functools import cache

from .engine import (
    AtOnce,
    Backoff,
    Duplicate,
    JobContext,
    JobError,
    Order,
    OutageError,
    Payload,
    PayloadError,
    PermanentError,
    Processor,
    Progress,
    Publisher,
    Rate,
    Receipt,
    Snooze,
    TemporaryError,
    UnknownJobError,
    find_processor,
    processor,
    processors,
    provide,
    publish_to,
)

__all__ = [
    "AtOnce",
    "Backoff",
    "Duplicate",
    "JobContext",
    "JobError",
    "Order",
    "OutageError",
    "Payload",
    "PayloadError",
    "PermanentError",
    "Processor",
    "Progress",
    "Publisher",
    "Rate",
    "Receipt",
    "Snooze",
    "TemporaryError",
    "UnknownJobError",
    "find_processor",
    "processor",
    "processors",
    "provide",
    "publish_to",
]


@cache
def default_publisher() -> Publisher:
    """Publish to the worker's own queue, by `REDIS_URL`."""
    # Made late: an API server that publishes needs no settings before its first job.
    from .config.redis import publisher  # noqa: PLC0415
    from .config.settings import PublisherSettings  # noqa: PLC0415

    return publisher(PublisherSettings())


publish_to(default_publisher)
