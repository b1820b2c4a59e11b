"""From RQ's failed jobs into the database: whatever did not get there when it failed.

The database was away, the process was killed in between, or RQ's own maintenance failed the
job. Redis keeps a failed job for a year, so that nothing is lost until this has seen it.
"""

from __future__ import annotations

import json
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from redis import Redis
from rq.job import Job, JobStatus
from rq.queue import Queue
from rq.registry import FailedJobRegistry
from rq.serializers import JSONSerializer
from sqlalchemy import Engine

from ...engine import FailedJob
from .failures import record, recorded
from .text import error_of_traceback, key_text

log = structlog.get_logger(__name__)

_PAGE = 100  # jobs per look at Redis and at the database


class Sweep:
    """Goes through the failed jobs of a queue, a bounded part at a time.

    Args:
        connection: Client of the queue's Redis.
        queue: Name of the queue.
        keep_days: Jobs that failed before so many days are left alone; 0 for none.
    """

    def __init__(self, connection: Redis, queue: str, *, keep_days: int) -> None:
        self._connection = connection
        self._queue = Queue(queue, connection=connection, serializer=JSONSerializer)
        self._registry = FailedJobRegistry(queue=self._queue)
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
            start = self._next
            ids = self._registry.get_job_ids(start, start + _PAGE - 1, desc=True, cleanup=False)
            # Moved on first: jobs that cannot be read must not keep the others from their turn.
            self._next = start + len(ids) if len(ids) == _PAGE else 0
            missing += self._record(engine, ids, datetime.now(UTC) - timedelta(seconds=settled))
            if not self._next:
                break
        if missing:
            log.info("failed.recorded", jobs=missing)
        return missing

    def _record(self, engine: Engine, job_ids: list[str], before: datetime) -> int:
        if not job_ids:
            return 0
        known = recorded(engine, self._queue.name, job_ids)
        jobs = Job.fetch_many(job_ids, self._connection, serializer=JSONSerializer)
        count = 0
        for job in jobs:
            if job is None or job.get_status(refresh=False) != JobStatus.FAILED:
                continue
            failed_at = _utc(job.ended_at or job.enqueued_at)
            seen = known.get(key_text(job.id))
            too_old = self._keep is not None and failed_at < datetime.now(UTC) - self._keep
            if (seen is None or seen < failed_at) and failed_at <= before and not too_old:
                record(engine, failed_job(job), failed_at=failed_at)
                count += 1
        return count


def failed_job(job: Job) -> FailedJob:
    """What RQ knows about a job that failed."""
    path, payload = published(job.data)
    result = job.latest_result()
    trace = (result.exc_string if result else None) or ""
    return FailedJob(
        job_id=job.id,
        job_type=job.description or path,
        path=path,
        payload=payload,
        queue=job.origin,
        attempts=max(1, job.connection.xlen(f"rq:results:{job.id}")),
        error=error_of_traceback(trace) or "unknown",
        traceback=trace,
        worker=(result.worker_name if result else None) or job.worker_name or "",
    )


def published(data: bytes) -> tuple[str, Any]:
    """The function and the payload that a publisher sent, as far as they can be read.

    A job that is no JSON is kept as its bytes: it is never unpickled.
    """
    try:
        data = zlib.decompress(data)
    except zlib.error:
        pass  # published uncompressed
    try:
        path, _, args, kwargs = json.loads(data)
    except (ValueError, TypeError):
        return "unknown", {"unreadable": data.hex()}
    if len(args) == 1 and not kwargs:
        return str(path), args[0]
    return str(path), kwargs if not args else [args, kwargs]


def _utc(moment: datetime | None) -> datetime:
    if moment is None:
        return datetime.now(UTC) - timedelta(days=1)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
