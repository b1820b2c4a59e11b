"""What follows an error: another attempt, another worker, or the end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ..errors import NewerPayloadError, PermanentError
from ..store.claim import Claim
from .task import Task

_ROLLOUT = timedelta(days=1)  # how long a job may wait for a newer worker


def retry_delay(claim: Claim, task: Task, error: BaseException) -> float | None:
    """Seconds until the next attempt, None when there is none.

    What the publisher asked for (RQ's Retry) wins over the processor's policy; an error
    marked permanent wins over both.
    """
    left = claim.number(b"retries_left")
    if left is not None:
        permanent = isinstance(error, PermanentError)
        return float(claim.job.get_retry_interval()) if left > 0 and not permanent else None
    return task.policy.retry_delay(claim.attempt, error) if task.policy else None


def pause_for_newer_worker(claim: Claim, error: BaseException) -> float | None:
    """Seconds to wait without spending an attempt, None when this is no reason to."""
    made = claim.moment(b"created_at")
    if made is None or not isinstance(error, NewerPayloadError):
        return None
    return error.retry_after if datetime.now(UTC) - made < _ROLLOUT else None
