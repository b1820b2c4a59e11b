"""One event per turn in a job's life: a log line, never a payload, and word to the observers."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import structlog
from rq.exceptions import AbandonedJobError

from ..errors import JobStopped, PayloadError, UnknownJobError
from ..job import observers
from ..store.claim import Claim

# Their message says all there is; a traceback would show the engine's own lines.
_SELF_EXPLAINING = (PayloadError, UnknownJobError, AbandonedJobError, JobStopped)

_NOBODY: AbstractContextManager[None] = nullcontext()

log: Any = structlog.get_logger("engine")


def attempt(claim: Claim, job_type: str) -> AbstractContextManager[None]:
    """The context that observers open around an attempt."""
    return observers.attempt(_attempt(claim, job_type)) if observers.watched("attempt") else _NOBODY


def start(claim: Claim, job_type: str) -> None:
    """A delivery begins to run."""
    if not log.is_enabled_for(logging.INFO):  # two lines a job: not even their fields are free
        return
    log.info(
        "job.start",
        jobId=claim.job_id,
        jobType=job_type,
        attempt=claim.attempt,
        waitMs=claim.waited_ms,
    )


def done(claim: Claim, job_type: str, seconds: float) -> None:
    """The processor returned."""
    if log.is_enabled_for(logging.INFO):
        log.info(
            "job.done",
            jobId=claim.job_id,
            jobType=job_type,
            attempt=claim.attempt,
            durationMs=_ms(seconds),
        )
    _tell(claim, job_type, "done", seconds)


def duplicate(claim: Claim, job_type: str, seconds: float, reason: str) -> None:
    """The work was done before."""
    log.info("job.duplicate", jobId=claim.job_id, jobType=job_type, reason=reason)
    _tell(claim, job_type, "duplicate", seconds)


def retry(
    claim: Claim, job_type: str, attempt: int, seconds: float, delay: float, error: BaseException
) -> None:
    """An attempt failed and another follows after `delay` seconds."""
    log.warning(
        "job.retry",
        jobId=claim.job_id,
        jobType=job_type,
        attempt=attempt,
        durationMs=_ms(seconds),
        delayMs=_ms(delay),
        error=describe(error),
    )
    _tell(claim, job_type, "retried", seconds, error)


def failed(claim: Claim, job_type: str, attempt: int, seconds: float, error: BaseException) -> None:
    """The job failed for good."""
    log.error(
        "job.failed",
        jobId=claim.job_id,
        jobType=job_type,
        attempt=attempt,
        durationMs=_ms(seconds),
        error=describe(error),
        exc_info=None if isinstance(error, _SELF_EXPLAINING) else error,
    )
    outcome: observers.Outcome = "stopped" if isinstance(error, JobStopped) else "failed"
    _tell(claim, job_type, outcome, seconds, error)


def interrupted(queue: str, job_id: str, reason: str) -> None:
    """A delivery ended without a verdict; the job is queued again, no attempt is spent."""
    log.warning("job.interrupted", jobId=job_id, reason=reason)
    observers.interrupted(queue, job_id)


def dropped(claim: Claim) -> None:
    """The job was taken over by another worker (or deleted) before its outcome was stored."""
    log.warning("job.dropped", jobId=claim.job_id, reason="no longer owned by this worker")


def redis_lost(error: BaseException) -> None:
    """Redis does not answer; the worker goes on trying."""
    log.warning("redis.lost", error=describe(error))


def describe(error: BaseException) -> str:
    """Type and message of an error, on one line."""
    text = str(error).strip()
    name = type(error).__name__
    return f"{name}: {text}" if text else name


def _tell(
    claim: Claim,
    job_type: str,
    outcome: observers.Outcome,
    seconds: float,
    error: BaseException | None = None,
) -> None:
    if observers.watched("ended"):
        observers.ended(_attempt(claim, job_type), observers.Ending(outcome, seconds, error))


def _attempt(claim: Claim, job_type: str) -> observers.Attempt:
    waited = claim.waited_ms
    return observers.Attempt(
        job_id=claim.job_id,
        job_type=job_type,
        queue=claim.queue.name,
        number=claim.attempt,
        worker=claim.worker,
        waited=None if waited is None else waited / 1000,
        meta=claim.meta(),
    )


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
