"""Names by the semantic conventions for messaging, and ours where these have none.

Sources:
    https://opentelemetry.io/docs/specs/semconv/messaging/
"""

from __future__ import annotations

from typing import Final

from ...engine import Attempt

SYSTEM: Final = "messaging.system"
DESTINATION: Final = "messaging.destination.name"
OPERATION: Final = "messaging.operation.name"
OPERATION_TYPE: Final = "messaging.operation.type"
MESSAGE_ID: Final = "messaging.message.id"
BATCH_COUNT: Final = "messaging.batch.message_count"
CLIENT_ID: Final = "messaging.client.id"
ERROR_TYPE: Final = "error.type"

# The conventions leave `messaging.<system>.` to each system.
JOB_TYPE: Final = "messaging.rq.job.type"
ATTEMPT: Final = "messaging.rq.job.attempt"
OUTCOME: Final = "messaging.rq.job.outcome"

PUBLISH: Final = "publish"
PROCESS: Final = "process"


def of_publishing(queue: str, job_type: str) -> dict[str, str | int]:
    """What a span and a measurement of publishing have in common."""
    return {
        SYSTEM: "rq",
        DESTINATION: queue,
        OPERATION: PUBLISH,
        OPERATION_TYPE: "send",
        JOB_TYPE: job_type,
    }


def of_processing(attempt: Attempt) -> dict[str, str | int]:
    """What a span and a measurement of an attempt have in common."""
    return {
        SYSTEM: "rq",
        DESTINATION: attempt.queue,
        OPERATION: PROCESS,
        OPERATION_TYPE: "process",
        JOB_TYPE: attempt.job_type,
    }


def error_type(error: BaseException) -> str:
    """The error's class; its message may hold what belongs to nobody else."""
    kind = type(error)
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )
