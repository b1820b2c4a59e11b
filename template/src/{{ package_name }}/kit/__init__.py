"""The template's part of this worker: updates replace it, so change nothing in here.

Your code imports what it needs from here, and from `kit.integrations.NAME`.
"""

from typing import TYPE_CHECKING

from .lazy import lazy_names

if TYPE_CHECKING:
    from .composition import Client, Worker
    from .config.fields import EnvSettings
    from .jobs import (
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
    from .log import get_logger
    from .module import Module
    from .scheduling import schedule

__all__ = [
    "AtOnce",
    "Backoff",
    "Client",
    "Duplicate",
    "EnvSettings",
    "JobContext",
    "JobError",
    "Module",
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
    "Worker",
    "find_processor",
    "get_logger",
    "processor",
    "processors",
    "provide",
    "publish_to",
    "schedule",
]

# `health` runs every few seconds and imports this package, too: it must not pay for the engine.
_ELSEWHERE = {
    "composition": ("Client", "Worker"),
    "config.fields": ("EnvSettings",),
    "log": ("get_logger",),
    "module": ("Module",),
    "scheduling": ("schedule",),
}
_JOBS = set(__all__) - {name for names in _ELSEWHERE.values() for name in names}
__getattr__ = lazy_names(__name__, {"jobs": tuple(_JOBS), **_ELSEWHERE})
