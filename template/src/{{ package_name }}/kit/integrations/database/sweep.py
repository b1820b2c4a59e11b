"""One list of failed jobs: what RQ knows of them, brought into the database.

A job is missing there when the database was away, the process was killed in between, or RQ's own
maintenance failed the job. One that a tool of RQ has queued again is no longer failed. Redis keeps
a failed job for a year, so that nothing is lost until this has seen it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from redis import Redis
from rq.job import JobStatus
from sqlalchemy import Engine

from ...engine import FailedJob
from ...engine.store import keys
from ...failed import FailedEntry
from ...inspection.failed import RedisFailedJobs, moment_of
from ...inspection.jobs import text
from . import failures
from .tables import FAILED, RETRIED, SUCCEEDED
from .text import key_text

log = structlog.get_logger(__name__)

_PAGE = 100  # jobs per look at Redis and at the database
_RECENT = 1_000  # jobs that a count compares
_REQUEUED = {
    JobStatus.QUEUED: RETRIED,
    JobStatus.STARTED: RETRIED,
    JobStatus.SCHEDULED: RETRIED,
    JobStatus.DEFERRED: RETRIED,
    JobStatus.FINISHED: SUCCEEDED,
}


class Sweep:
    """Goes through the failed jobs of a queue, a bounded part at a time.

    Args:
        connection: Client of the queue's Redis.
        queue: Name of the queue.
        keep_days: Jobs that failed before so many days are deleted; 0 for none.
    """

    def __init__(self, connection: Redis, queue: str, *, keep_days: int) -> None:
        self._connection = connection
        self._queue = queue
        self._jobs = RedisFailedJobs(connection, [queue])
        self._keep = timedelta(days=keep_days) if keep_days else None
        self._next = 0

    def run(self, engine: Engine, *, limit: int = 1_000, settled: float = 0.0) -> int:
        """Look at the next jobs, the newest first, and record those that are missing.

        Args:
            engine: The database.
            limit: How many jobs are looked at.
            settled: Seconds that a job must have been failed: a younger one is most likely
                being recorded by its own worker.

        Returns:
            How many were missing.

        Raises:
            redis.exceptions.RedisError: Redis is away.
            sqlalchemy.exc.DBAPIError: The database is away.
        """
        missing = 0
        for _ in range(0, limit, _PAGE):
            ids = self._ids(self._next, _PAGE)
            # Moved on first: jobs that cannot be read must not keep the others from their turn.
            self._next = self._next + len(ids) if len(ids) == _PAGE else 0
            missing += self._record(engine, ids, datetime.now(UTC) - timedelta(seconds=settled))
            if not self._next:
                break
        if missing:
            log.info("failed.recorded", jobs=missing)
        for row, state in self._requeued(engine, limit):
            failures.draw_back(engine, row, state)
        return missing

    def difference(self, engine: Engine) -> int:
        """Return by how many jobs the database's count is too low; a look at the newest ones.

        Raises:
            redis.exceptions.RedisError: Redis is away.
            sqlalchemy.exc.DBAPIError: The database is away.
        """
        missing = self._missing(engine, self._ids(0, _RECENT), datetime.now(UTC))
        known = failures.recorded(engine, self._queue, missing)
        failed = {job_id for job_id, row in known.items() if row.state == FAILED}
        return len(missing) - len(failed) - len(self._requeued(engine, _RECENT))

    def _ids(self, start: int, count: int) -> list[str]:
        key = keys.FAILED + self._queue
        found: list[Any] = list(self._connection.zrevrange(key, start, start + count - 1))
        return [text(each) for each in found]

    def _record(self, engine: Engine, job_ids: Sequence[str], before: datetime) -> int:
        count = 0
        for entry in self._jobs.entries(self._queue, self._missing(engine, job_ids, before)):
            if self._keep and entry.failed_at and entry.failed_at < datetime.now(UTC) - self._keep:
                self._jobs.discard(entry)
                continue
            failures.record(engine, failed_job(entry), failed_at=_moment(entry.failed_at))
            count += 1
        return count

    def _missing(self, engine: Engine, job_ids: Sequence[str], before: datetime) -> list[str]:
        """Name the jobs that have failed and are not recorded, or failed again since."""
        if not job_ids:
            return []
        known = failures.recorded(engine, self._queue, job_ids)
        with self._connection.pipeline(transaction=False) as pipeline:
            for job_id in job_ids:
                pipeline.hget(keys.JOB + job_id, "ended_at")
            ended = [_moment(moment_of(text(each))) for each in pipeline.execute()]
        return [
            job_id
            for job_id, failed_at in zip(job_ids, ended, strict=True)
            if failed_at <= before
            and ((seen := known.get(key_text(job_id))) is None or seen.failed_at < failed_at)
        ]

    def _requeued(self, engine: Engine, limit: int) -> list[tuple[Any, str]]:
        """Name the newest rows whose jobs RQ has queued again, and what has become of them."""
        rows = failures.newest(engine, self._queue, limit)
        with self._connection.pipeline(transaction=False) as pipeline:
            for row in rows:
                pipeline.hget(keys.JOB + row.job_id, "status")
            states = [_REQUEUED.get(text(each)) for each in pipeline.execute()]  # type: ignore[call-overload]
        return [(row, state) for row, state in zip(rows, states, strict=True) if state]


def failed_job(entry: FailedEntry) -> FailedJob:
    """Return what RQ knows about a job that failed, as the engine would tell it."""
    return FailedJob(
        job_id=entry.job_id,
        job_type=entry.job_type,
        path=entry.path,
        payload=entry.payload,
        queue=entry.queue,
        attempts=entry.attempts,
        error=entry.error or "unknown",
        traceback=entry.traceback,
        worker=entry.worker,
    )


def _moment(moment: datetime | None) -> datetime:
    return moment or datetime.now(UTC) - timedelta(days=1)
