"""Publishing: a typed payload becomes an RQ job, and no id is queued twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from ..store import keys
from ..store.scripts import load
from .payload import P
from .prepared import (
    Prepared,
    Published,
    Receipt,
    When,
    arguments_of,
    head_of,
    make_job,
    parts_of,
    prepare,
    receipts_of,
)
from .progress import Progress

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline


class Publisher:
    """Puts jobs on one queue of one Redis. Safe to share between threads.

    Args:
        connection: The Redis client.
        queue: Name of the queue.
    """

    def __init__(self, connection: Redis, queue: str) -> None:
        from ..store.calls import Calls  # noqa: PLC0415 - an API imports processors before it publishes

        self.connection = connection
        self.queue = queue
        self._calls = Calls(connection, load("publish"))
        self._others: dict[str, Publisher] = {}

    def on(self, queue: str) -> Publisher:
        """Return the publisher of another queue, on the same connection."""
        if queue == self.queue:
            return self
        if queue not in self._others:
            self._others[queue] = Publisher(self.connection, queue)
        return self._others[queue]

    def publish(
        self,
        processor: Published[P],
        payload: P,
        *,
        job_id: str | None = None,
        delay: float = 0.0,
        at_front: bool = False,
        after: Iterable[Receipt | str] = (),
    ) -> Receipt:
        """Publish one job, in one round trip; for all else see `Processor.enqueue`."""
        processor.check(payload)
        job = make_job(processor, payload, job_id)
        when = When.of(delay, after, at_front=at_front)
        with head_of(self.queue, processor, job.job_id, 1, when) as head:
            (code,) = self._calls.call((head, job.job_id, job.data))
        return Receipt(job.job_id, code == 1 or job.random)

    def publish_many(
        self,
        processor: Published[P],
        payloads: Iterable[P],
        *,
        job_ids: Iterable[str] | None = None,
        delay: float = 0.0,
        at_front: bool = False,
        after: Iterable[Receipt | str] = (),
    ) -> list[Receipt]:
        """Publish many jobs, in one round trip for each 500 of them or each MB.

        For all else see `Processor.enqueue_many`.
        """
        listed = list(payloads)
        for payload in listed:
            processor.check(payload)
        ids = [None] * len(listed) if job_ids is None else list(job_ids)
        jobs = [
            make_job(processor, payload, job_id)
            for payload, job_id in zip(listed, ids, strict=True)
        ]
        when = When.of(delay, after, at_front=at_front)
        return self._publish(processor, jobs, when) if jobs else []

    def progress(self, job_id: str) -> Progress | None:
        """Read how far a job has come; None where it has not said so, or Redis has forgotten it.

        Other languages read the field `progress` of the hash `rq:job:ID`: a JSON object with
        `done`, `total` (or null), `note` and `at`.
        """
        found: bytes | None = self.connection.hget(keys.JOB + job_id, keys.PROGRESS)  # type: ignore[assignment]
        return Progress.of_json(found)

    def add_to(
        self, transaction: Pipeline, processor: Published[P], payload: P, job_id: str
    ) -> None:
        """Add a job to a transaction of the caller's; its answer is `[1]`, `[0]` for a duplicate."""
        script = self.connection.register_script(load("publish"))
        made = prepare(self.queue, processor, payload, job_id=job_id)
        script(args=[made.head, made.job_id, made.data], client=transaction)

    def send(self, prepared: Sequence[Prepared]) -> list[Receipt]:
        """Publish jobs of any processors and queues, in few round trips.

        Returns:
            A receipt per job, in their order.

        Raises:
            redis.exceptions.RedisError: Redis cannot be reached. Parts sent before are published.
        """
        parts = [
            part for _, run in groupby(prepared, lambda each: each.head) for part in parts_of(run)
        ]
        calls = ([part[0].head, *arguments_of(part)] for part in parts)
        return [
            receipt
            for part, codes in zip(parts, self._calls.call_each(calls), strict=True)
            for receipt in receipts_of(part, codes)
        ]

    def _publish(
        self, processor: Published[Any], jobs: list[Prepared], when: When
    ) -> list[Receipt]:
        single = jobs[0].job_id if len(jobs) == 1 else None
        with head_of(self.queue, processor, single, len(jobs), when) as head:
            parts = list(parts_of(jobs))
            # The last part of those that go to the front is sent first.
            order = parts[::-1] if when.at_front else parts
            codes = list(self._calls.call_each([head, *arguments_of(part)] for part in order))
        if when.at_front:
            codes.reverse()
        return [
            receipt
            for part, answers in zip(parts, codes, strict=True)
            for receipt in receipts_of(part, answers)
        ]


_default: Callable[[], Publisher] | None = None


def publish_to(factory: Callable[[], Publisher]) -> None:
    """Name where `Processor.enqueue` publishes; asked at the first use, not before."""
    global _default  # noqa: PLW0603 - one default per process is the point
    _default = factory


def default_publisher() -> Publisher:
    """The publisher named by `publish_to`.

    Raises:
        RuntimeError: None was named.
    """
    if _default is None:
        raise RuntimeError("no default queue: call publish_to() or pass publisher=")
    return _default()


def publish_all(prepared: Sequence[Prepared]) -> None:
    """Publish what a job has enqueued that no worker runs."""
    if prepared:
        default_publisher().send(prepared)
