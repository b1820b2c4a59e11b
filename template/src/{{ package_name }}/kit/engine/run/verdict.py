"""What follows an error: the end, another attempt, or another worker. Decided here alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

from ..errors import NewerPayloadError, OutageError, PermanentError, Snooze, UnknownJobError
from ..store.claim import Claim
from .task import Task

_ROLLOUT = timedelta(days=1)  # how long a job may wait for a newer worker


@dataclass(frozen=True, slots=True)
class Stopped:
    """Somebody asked for the job's end."""


@dataclass(frozen=True, slots=True)
class Parked:
    """It runs again after `wait` seconds; no attempt is spent."""

    wait: float


@dataclass(frozen=True, slots=True)
class Snoozed:
    """It asked to run again after `wait` seconds; no attempt is spent."""

    wait: float


@dataclass(frozen=True, slots=True)
class Retry:
    """It runs again after `wait` seconds; an attempt is spent."""

    wait: float


@dataclass(frozen=True, slots=True)
class Failed:
    """It failed for good."""


Again = Parked | Snoozed | Retry
Verdict = Stopped | Again | Failed


def decide(claim: Claim, task: Task, error: BaseException) -> Verdict:
    """Decide what follows an error.

    What the publisher asked for (RQ's Retry) wins over the processor's policy; an error
    marked permanent wins over both.

    Args:
        claim: The delivery that raised.
        task: What ran.
        error: What it raised.

    Raises:
        Exception: The error names a time that is no number.
    """
    if claim.stopped:
        return Stopped()
    if isinstance(error, Snooze):
        _refuse_no_number(error.seconds)
        return Failed() if claim.snoozes >= error.at_most else Snoozed(max(0.0, error.seconds))
    pause = _pause_unspent(claim, error)
    if pause is not None:
        return Parked(pause)
    left = claim.number(b"retries_left")
    if left is not None:
        if left > 0 and not isinstance(error, PermanentError):
            return Retry(float(claim.job.get_retry_interval()))
        return Failed()
    delay = task.policy.retry_delay(claim.attempt, error) if task.policy else None
    if delay is None:
        return Failed()
    _refuse_no_number(delay)
    return Retry(delay)


def _refuse_no_number(delay: float) -> None:
    if not math.isfinite(delay):
        raise ValueError("the time of the next attempt is no number")


def _pause_unspent(claim: Claim, error: BaseException) -> float | None:
    """Seconds to wait for what is away, or for a newer worker; None when it is neither."""
    if isinstance(error, OutageError):
        return error.retry_after
    if not isinstance(error, NewerPayloadError | UnknownJobError) or error.retry_after is None:
        return None
    made = claim.moment(b"created_at")
    if made is None or claim.now() - made >= _ROLLOUT:
        return None
    return error.retry_after
