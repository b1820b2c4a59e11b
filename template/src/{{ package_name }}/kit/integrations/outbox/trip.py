"""Jobs of the outbox on their way to Redis, in few round trips and in their order."""

from __future__ import annotations

from contextlib import suppress
from itertools import groupby
from typing import Any

from redis.exceptions import RedisError

from ...engine import Publisher
from ...engine.store import keys, publication
from ...engine.store.scripts import load
from .rows import Job

_BYTES = 8_000_000  # of payloads in one round trip


class Trip:
    """Publishes jobs.

    Args:
        publisher: Where they go.
    """

    def __init__(self, publisher: Publisher) -> None:
        self.published: list[int] = []  # ids of rows
        self._redis = publisher.connection
        self._queue = publisher.queue
        self._script = self._redis.register_script(load("publish"))
        self._marks: list[str] = []
        self._waiting: list[Job] = []
        self._bytes = 0

    def add(self, job: Job) -> None:
        """Add a job; it may go at once."""
        self._waiting.append(job)
        self._bytes += len(job.data)
        if self._bytes > _BYTES:
            self.end()

    def end(self) -> None:
        """Publish what is left.

        Raises:
            redis.exceptions.RedisError: Redis is away. What was published is remembered there.
        """
        if not self._waiting:
            return
        with self._redis.pipeline(transaction=False) as pipeline:
            for _, alike in groupby(self._waiting, _in_common):
                self._script(args=self._call(list(alike)), client=pipeline)
            pipeline.execute()
        self.published += [job.row.id for job in self._waiting]
        self._marks += [f"{keys.ONCE}{self._queue}:{job.row.identity}" for job in self._waiting]
        self._waiting, self._bytes = [], 0

    def forget_marks(self) -> None:
        """Delete the marks of rows that are gone for good; what is left behind expires."""
        if self._marks:
            with suppress(RedisError):
                self._redis.unlink(*self._marks)

    def _call(self, jobs: list[Job]) -> list[bytes | str]:
        """Jobs that have everything in common but their ids and payloads."""
        row, policy = jobs[0].row, jobs[0].processor.policy
        head = publication.head(
            self._queue,
            job_type=row.job_type,
            timeout=policy.timeout,
            result_ttl=policy.result_ttl,
            meta={"traceparent": row.traceparent} if row.traceparent else None,
            delay=row.delay,
            at_front=row.at_front,
            once=[job.row.identity for job in jobs],
        )
        return [head, *(each for job in jobs for each in (job.job_id, job.data))]


def _in_common(job: Job) -> tuple[Any, ...]:
    row = job.row
    return row.job_type, row.delay, row.at_front, row.traceparent
