"""One event per turn in a job's life: a log line, never a payload, and word to the observers.

Nothing here raises: a line that cannot be written costs no job its outcome and no worker a slot.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import copy_context
from typing import Any

import structlog
from rq.exceptions import AbandonedJobError

from ..errors import JobStopped, PayloadError, UnknownJobError
from ..job import observers
from ..store.claim import Claim
from .texts import describe

# Their message says all there is; a traceback would show the engine's own lines.
_SELF_EXPLAINING = (PayloadError, UnknownJobError, AbandonedJobError, JobStopped)

_SPELL = 60.0  # seconds in which jobs that wait for the same share one line
_held: dict[tuple[str, str], tuple[float, int]] = {}  # since when, and how many had no line

_START = ("job.start", "jobId", "jobType", "attempt", "waitMs")
_DONE = ("job.done", "jobId", "jobType", "attempt", "durationMs")
_BOUND = 3  # context variables of an attempt in which neither job nor observer has set any

_NOBODY: AbstractContextManager[None] = nullcontext()

log: Any = structlog.get_logger("engine")


def attempt(claim: Claim, job_type: str) -> AbstractContextManager[None]:
    """The context that observers open around an attempt."""
    return observers.attempt(_attempt(claim, job_type)) if observers.watched("attempt") else _NOBODY


def start(claim: Claim, job_type: str) -> None:
    """A delivery begins to run."""
    if (write := _for_each_job()) is not None:
        write(_START, claim.job_id, job_type, claim.attempt, claim.waited_ms)


def done(claim: Claim, job_type: str, seconds: float) -> None:
    """The processor returned."""
    if (write := _for_each_job()) is not None:
        write(_DONE, claim.job_id, job_type, claim.attempt, _ms(seconds))
    _tell(claim, job_type, "done", seconds)


def _for_each_job() -> Callable[..., None] | None:
    """What writes the two lines of every job: their cost counts. None where INFO is not logged."""
    logger = log.bind()  # any other attribute of the proxy takes as long as a line
    quick = getattr(logger, "write_form", None)
    if quick is not None and len(copy_context()) == _BOUND:
        return quick  # type: ignore[no-any-return]
    return _write_form if logger.is_enabled_for(logging.INFO) else None


def _write_form(form: tuple[str, ...], *values: object) -> None:
    event, *names = form
    _write(log.info, event, **dict(zip(names, values, strict=True)))


def duplicate(claim: Claim, job_type: str, seconds: float, reason: BaseException) -> None:
    """The work was done before."""
    _write(
        log.info,
        "job.duplicate",
        jobId=claim.job_id,
        jobType=job_type,
        reason=describe(reason).removeprefix("Duplicate: "),
    )
    _tell(claim, job_type, "duplicate", seconds)


def result_dropped(claim: Claim, job_type: str, result: object) -> None:
    """What the processor returned is no JSON: it is not kept."""
    _write(
        log.warning,
        "job.result",
        jobId=claim.job_id,
        jobType=job_type,
        reason=f"a result of type {type(result).__name__} is no JSON and is not kept",
    )


def retry(
    claim: Claim, job_type: str, attempt: int, seconds: float, delay: float, error: BaseException
) -> None:
    """An attempt failed and another follows after `delay` seconds."""
    _write(
        log.warning,
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
    _write(
        log.error,
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


def late(claim: Claim, job_type: str, seconds: float, raised: int) -> None:
    """A job runs on although its time is over."""
    _write(
        log.warning,
        "job.late",
        jobId=claim.job_id,
        jobType=job_type,
        lateMs=_ms(seconds),
        raised=raised,
        reason="the job goes on after its timeout; it may catch the exception, or block in C",
    )


def stuck(claim: Claim, reason: str) -> None:
    """The worker leaves because it cannot end a job."""
    _write(log.error, "worker.stuck", jobId=claim.job_id, reason=reason)


def snoozed(claim: Claim, job_type: str, seconds: float, delay: float) -> None:
    """The job asked to come back later; no attempt is spent."""
    _write(
        log.info,
        "job.snooze",
        jobId=claim.job_id,
        jobType=job_type,
        durationMs=_ms(seconds),
        delayMs=_ms(delay),
        snoozes=claim.snoozes + 1,
    )
    _tell(claim, job_type, "snoozed", seconds)


def parked(claim: Claim, job_type: str, seconds: float, error: BaseException) -> None:
    """A job waits for what is away, or for a worker that can run it; no attempt is spent.

    One line tells of all that wait for the same: an outage may hold back thousands.
    """
    key = (job_type, getattr(error, "of", "") or type(error).__name__)
    now = time.monotonic()
    since, jobs = _held.get(key, (-math.inf, 0))
    if now - since < _SPELL:
        _held[key] = (since, jobs + 1)
    else:
        _held[key] = (now, 0)
        _write(
            log.warning,
            "job.interrupted",
            jobId=claim.job_id,
            jobType=job_type,
            delayMs=_ms(seconds),
            more=jobs,
            reason=describe(error),
        )
    observers.interrupted(claim.queue.name, claim.job_id)


def interrupted(queue: str, job_id: str, reason: str) -> None:
    """A delivery ended without a verdict; the job is queued again, no attempt is spent."""
    _write(log.warning, "job.interrupted", jobId=job_id, reason=reason)
    observers.interrupted(queue, job_id)


def dropped(claim: Claim) -> None:
    """The job was taken over by another worker (or deleted) before its outcome was stored."""
    _write(
        log.warning,
        "job.dropped",
        jobId=claim.job_id,
        reason="no longer owned by this worker",
    )


def redis_lost(error: BaseException) -> None:
    """Redis does not answer; the worker goes on trying."""
    _write(log.warning, "redis.lost", error=describe(error))


def fault(event: str, claim: Claim, job_type: str, error: BaseException) -> None:
    """Something around a job raised: a hook, an observer, a callback, or the engine."""
    _write(
        log.error,
        event,
        jobId=claim.job_id,
        jobType=job_type,
        error=describe(error),
        exc_info=error,
    )


def _write(write: Callable[..., None], event: str, **fields: Any) -> None:
    try:
        write(event, **fields)
    except BaseException as error:  # for instance an odd value that the job bound to its log lines
        _write_less(event, fields, error)


def _write_less(event: str, fields: dict[str, Any], error: BaseException) -> None:
    try:
        structlog.contextvars.clear_contextvars()
        log.error(
            "log.error",
            about=event,
            jobId=fields.get("jobId"),
            jobType=fields.get("jobType"),
            reason=type(error).__name__,
        )
    except BaseException:
        pass  # nothing can be written


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
