"""The failed jobs that Redis keeps: list, run again, discard."""

from __future__ import annotations

import zlib
from base64 import b64decode
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from redis import Redis
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.registry import FailedJobRegistry
from rq.serializers import JSONSerializer

from ..engine.store import keys
from ..engine.store.dependents import discard_dependents
from ..failed import FailedEntry, Outcome, Wanted
from .jobs import error_of_traceback, name_of, published, text
from .order import hand_on

_OF_JOB = ("data", "ended_at", "worker_name", keys.CHECKPOINT)
_BATCH = 500  # jobs in one trip to Redis


class RedisFailedJobs:
    """The failed jobs of some queues.

    Args:
        connection: The client.
        queues: The queues' names.
    """

    def __init__(self, connection: Redis, queues: Sequence[str]) -> None:
        self._connection = connection
        self._queues = tuple(queues)

    def find(self, wanted: Wanted) -> Iterator[FailedEntry]:
        """Yield the jobs that are meant, queue by queue and the oldest first.

        Raises:
            redis.exceptions.RedisError: Redis cannot be reached.
        """
        for queue in self._queues:
            found = self.entries(queue, wanted.job_ids or self._ids(queue))
            yield from (entry for entry in found if _fits(wanted, entry))

    def count(self) -> int:
        """Return how many jobs are failed."""
        with self._connection.pipeline(transaction=False) as pipeline:
            for queue in self._queues:
                pipeline.zcard(keys.FAILED + queue)
            return sum(pipeline.execute())

    def requeue(self, entry: FailedEntry, *, dry_run: bool = False) -> Outcome:
        """Put a failed job back on its queue, with its full number of attempts."""
        if dry_run:
            return Outcome("would requeue")
        registry = FailedJobRegistry(entry.queue, self._connection, serializer=JSONSerializer)
        try:
            registry.requeue(entry.job_id)
        except (NoSuchJobError, InvalidJobOperation):
            return Outcome("gone")
        return Outcome("queued")

    def discard(self, entry: FailedEntry, *, dry_run: bool = False) -> Outcome:
        """Delete a failed job and what waits for its success, so that nothing brings it back.

        If it held a key, the next one in line may run.
        """
        if dry_run:
            return Outcome("would discard")
        if not self._connection.zrem(keys.FAILED + entry.queue, entry.job_id):
            return Outcome("gone")
        key = text(self._connection.hget(keys.JOB + entry.job_id, keys.ORDER_KEY))
        self._connection.delete(keys.JOB + entry.job_id, keys.RESULTS + entry.job_id)
        discard_dependents(self._connection, entry.job_id)
        if key:
            hand_on(self._connection, entry.queue, key, entry.job_id)
        return Outcome("discarded")

    def entries(self, queue: str, job_ids: Sequence[str]) -> Iterator[FailedEntry]:
        """Read those of these jobs that are failed."""
        for start in range(0, len(job_ids), _BATCH):
            part = job_ids[start : start + _BATCH]
            with self._connection.pipeline(transaction=False) as pipeline:
                for job_id in part:
                    pipeline.zscore(keys.FAILED + queue, job_id)
                    pipeline.hmget(keys.JOB + job_id, *_OF_JOB)
                    pipeline.xrevrange(keys.RESULTS + job_id, count=1)
                    pipeline.xlen(keys.RESULTS + job_id)
                answers = iter(pipeline.execute())
            for job_id, score, job, results, attempts in zip(part, *[answers] * 4, strict=True):
                if score is not None:
                    yield _entry(queue, job_id, job, results, attempts)

    def _ids(self, queue: str) -> tuple[str, ...]:
        found: list[Any] = list(self._connection.zrange(keys.FAILED + queue, 0, -1))
        return tuple(text(each) for each in found)


def _fits(wanted: Wanted, entry: FailedEntry) -> bool:
    return (
        (wanted.job_type or "").casefold() in entry.job_type.casefold()
        and (wanted.error or "").casefold() in entry.error.casefold()
        and (wanted.since is None or bool(entry.failed_at and entry.failed_at >= wanted.since))
    )


def _entry(
    queue: str, job_id: str, job: list[bytes | None], results: list[Any], attempts: int
) -> FailedEntry:
    data, ended, worker, checkpoint = job
    path, payload = published(data)
    fields = results[0][1] if results else {}
    traceback = _traceback(fields.get(b"exc_string"))
    return FailedEntry(
        job_id=job_id,
        job_type=name_of(data),
        path=path,
        queue=queue,
        failed_at=moment_of(text(ended)),
        error=error_of_traceback(traceback),
        payload=payload,
        traceback=traceback,
        attempts=max(1, attempts),
        worker=text(fields.get(b"worker_name") or worker),
        resumes=checkpoint is not None,
    )


def moment_of(written: str) -> datetime | None:
    """Return a moment in RQ's format; None when it is none."""
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _traceback(stored: bytes | None) -> str:
    try:
        return zlib.decompress(b64decode(stored or b"")).decode(errors="replace")
    except (ValueError, zlib.error):
        return ""
