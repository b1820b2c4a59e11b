"""The engine: a concurrent RQ worker, the job policy and the payload contract.

It is self-contained. Its rooms stand on one another: `worker` (the loop) on `run` (one attempt),
`run` on `job` (what owners declare and publish), `job` on `store` (where a job lies in Redis).
"""

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .errors import (
        Duplicate,
        JobError,
        NewerPayloadError,
        OutageError,
        PayloadError,
        PermanentError,
        Snooze,
        TemporaryError,
        UnknownJobError,
    )
    from .job.context import JobContext
    from .job.observers import Attempt, Ending, FailedJob, Observer, Publication, observe
    from .job.order import Order
    from .job.payload import Payload
    from .job.policy import AtOnce, Backoff, Policy, Rate
    from .job.prepared import Receipt
    from .job.processor import Processor, find_processor, processor, processors
    from .job.progress import Progress
    from .job.publish import Publisher, publish_to
    from .job.resources import provide
    from .run.deadlines import overdue
    from .worker.options import Options
    from .worker.worker import ThreadWorker

__all__ = [
    "AtOnce",
    "Attempt",
    "Backoff",
    "Duplicate",
    "Ending",
    "FailedJob",
    "JobContext",
    "JobError",
    "NewerPayloadError",
    "Observer",
    "Options",
    "Order",
    "OutageError",
    "Payload",
    "PayloadError",
    "PermanentError",
    "Policy",
    "Processor",
    "Progress",
    "Publication",
    "Publisher",
    "Rate",
    "Receipt",
    "Snooze",
    "TemporaryError",
    "ThreadWorker",
    "UnknownJobError",
    "find_processor",
    "observe",
    "overdue",
    "processor",
    "processors",
    "provide",
    "publish_to",
]

# Publishing must not pay for the worker.
__getattr__ = lazy_names(
    __name__,
    {
        "errors": (
            "Duplicate",
            "JobError",
            "NewerPayloadError",
            "OutageError",
            "PayloadError",
            "PermanentError",
            "Snooze",
            "TemporaryError",
            "UnknownJobError",
        ),
        "job.context": ("JobContext",),
        "job.order": ("Order",),
        "job.payload": ("Payload",),
        "job.policy": ("AtOnce", "Backoff", "Policy", "Rate"),
        "job.observers": ("Attempt", "Ending", "FailedJob", "Observer", "Publication", "observe"),
        "job.processor": ("Processor", "find_processor", "processor", "processors"),
        "job.progress": ("Progress",),
        "job.prepared": ("Receipt",),
        "job.publish": ("Publisher", "publish_to"),
        "job.resources": ("provide",),
        "run.deadlines": ("overdue",),
        "worker.options": ("Options",),
        "worker.worker": ("ThreadWorker",),
    },
)
