"""The template's part of this worker: updates replace it, so change nothing in here.

Your code imports what it needs from here, and from `kit.integrations.NAME`.
"""

from typing import TYPE_CHECKING

from .lazy import lazy_names

if TYPE_CHECKING:
    from .engine import (
        AtOnce,
        Backoff,
        Duplicate,
        JobContext,
        JobError,
        Payload,
        PayloadError,
        PermanentError,
        Processor,
        Publisher,
        Rate,
        Receipt,
        TemporaryError,
        UnknownJobError,
        find_processor,
        processor,
        processors,
        provide,
        publish_to,
    )
    from .scheduling import schedule

__all__ = [
    "AtOnce",
    "Backoff",
    "Duplicate",
    "JobContext",
    "JobError",
    "Payload",
    "PayloadError",
    "PermanentError",
    "Processor",
    "Publisher",
    "Rate",
    "Receipt",
    "TemporaryError",
    "UnknownJobError",
    "find_processor",
    "processor",
    "processors",
    "provide",
    "publish_to",
    "schedule",
]

# `health` runs every few seconds and imports this package, too: it must not pay for the engine.
__getattr__ = lazy_names(
    __name__,
    {
        "engine": tuple(name for name in __all__ if name != "schedule"),
        "scheduling": ("schedule",),
    },
)
