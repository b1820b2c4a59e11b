"""Publishing: a typed payload becomes an RQ job, and no id is queued twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol
from uuid import uuid4

from redis import Redis
from redis.client import Pipeline

from ..store import keys, publication
from ..store.calls import Calls
from ..store.scripts import load
from . import observers
from .key import checked_job_id
from .payload import Payload, payload_json
from .policy import Policy
from .progress import Progress

_JOBS_A_TRIP = 500
_BYTES_A_TRIP = 1_000_000


class Published(Protocol):
    """What publishing must know of a processor."""

    @property
    def name(self) -> str:
        """The job's type."""

    @property
    def path(self) -> str:
        """Dotted path of the function."""

    @property
    def policy(self) -> Policy:
        """How its jobs are treated."""

    def check(self, payload: Any, /) -> None:
        """Refuse what would only fail in the worker."""

    def job_id_for(self, payload: Any, /) -> str | None:
        """The id that this payload asks for, None for a random one."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Answer of a publication.

    Args:
        job_id: The job's id.
        queued: False when a job with this id is waiting or running already.
    """

    job_id: str
    queued: bool


class Publisher:
    """Puts jobs on one queue of one Redis. Safe to share between threads.

    Args:
        connection: The Redis client.
        queue: Name of the queue.
    """

    def __init__(self, connection: Redis, queue: str) -> None:
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
        processor: Published,
        payload: Payload,
        *,
        job_id: str | None = None,
        delay: float = 0.0,
        at_front: bool = False,
        after: Iterable[Receipt | str] = (),
    ) -> Receipt:
        """Publish one job, in one round trip.

        Args:
            processor: What shall run.
            payload: Its payload.
            job_id: Identity; by default what the processor derives, else a random one.
            delay: Seconds before it may run.
            at_front: Put it before all that wait.
            after: Jobs that must have succeeded before it runs: receipts or ids.

        Raises:
            TypeError: The payload is of another type than the processor's.
            ValueError: An id has other characters than letters, digits, `_` and `-`, or there is
                both a delay and something to wait for.
        """
        processor.check(payload)
        job = _Job.of(processor, payload, job_id)
        when = _When.of(delay, after, at_front=at_front)
        return self._publish(processor, [job], when)[0]

    def publish_many(
        self,
        processor: Published,
        payloads: Iterable[Payload],
        *,
        job_ids: Iterable[str] | None = None,
        delay: float = 0.0,
        at_front: bool = False,
        after: Iterable[Receipt | str] = (),
    ) -> list[Receipt]:
        """Publish many jobs, in one round trip for each 500 of them or each MB.

        Args:
            processor: What shall run.
            payloads: A payload per job; all are checked before the first is published.
            job_ids: An id per job; by default what the processor derives, else random ones. A
                job whose id was already there in the same call is a duplicate like any other.
            delay: Seconds before they may run.
            at_front: Put them, in their order, before all that wait.
            after: Jobs that must have succeeded before they run: receipts or ids.

        Returns:
            A receipt per payload, in their order.

        Raises:
            TypeError: A payload is of another type than the processor's.
            ValueError: An id has other characters than letters, digits, `_` and `-`, there are not
                as many as payloads, or there is both a delay and something to wait for.
        """
        listed = list(payloads)
        for payload in listed:
            processor.check(payload)
        ids = [None] * len(listed) if job_ids is None else list(job_ids)
        jobs = [
            _Job.of(processor, payload, job_id) for payload, job_id in zip(listed, ids, strict=True)
        ]
        when = _When.of(delay, after, at_front=at_front)
        return self._publish(processor, jobs, when) if jobs else []

    def progress(self, job_id: str) -> Progress | None:
        """Read how far a job has come; None where it has not said so, or Redis has forgotten it.

        Other languages read the field `progress` of the hash `rq:job:ID`: a JSON object with
        `done`, `total` (or null), `note` and `at`.
        """
        found: bytes | None = self.connection.hget(keys.JOB + job_id, keys.PROGRESS)  # type: ignore[assignment]
        return Progress.of_json(found)

    def add_to(
        self, transaction: Pipeline, processor: Published, payload: Payload, job_id: str
    ) -> None:
        """Add a job to a transaction of the caller's; its answer is `[1]`, `[0]` for a duplicate."""
        processor.check(payload)
        script = self.connection.register_script(load("publish"))
        job = _Job.of(processor, payload, job_id)
        with self._head(processor, job.job_id, 1, _When()) as head:
            script(args=[head, job.job_id, job.data], client=transaction)

    def _publish(self, processor: Published, jobs: list[_Job], when: _When) -> list[Receipt]:
        single = jobs[0].job_id if len(jobs) == 1 else None
        with self._head(processor, single, len(jobs), when) as head:
            parts = list(_parts(jobs))
            # The last part of those that go to the front is sent first.
            order = parts[::-1] if when.at_front else parts
            calls = ([head, *(each for job in part for each in job[:2])] for part in order)
            codes = list(self._calls.call_each(calls))
        if when.at_front:
            codes.reverse()
        return [
            Receipt(job.job_id, queued=code == 1 or job.random)
            for part, answers in zip(parts, codes, strict=True)
            for job, code in zip(part, answers, strict=True)
        ]

    @contextmanager
    def _head(
        self, processor: Published, job_id: str | None, count: int, when: _When
    ) -> Iterator[bytes]:
        """Make what the jobs have in common; observers may add to it."""
        watched = observers.watched("publishing")
        watching = observers.publishing(self.queue, processor.name, job_id, count)
        with watching if watched else nullcontext() as meta:
            yield publication.head(
                self.queue,
                job_type=processor.name,
                timeout=processor.policy.timeout,
                result_ttl=processor.policy.result_ttl,
                meta=meta,
                **when._asdict(),
            )


class _When(NamedTuple):
    """When jobs may run; see `publication.head`."""

    delay: float = 0.0
    at_front: bool = False
    after: Sequence[str] = ()

    @classmethod
    def of(cls, delay: float, after: Iterable[Receipt | str], *, at_front: bool) -> _When:
        """Make it of what a publisher says.

        Raises:
            ValueError: It has no meaning.
        """
        ids = [each if isinstance(each, str) else each.job_id for each in after]
        if ids and delay > 0:
            raise ValueError("a job can wait for others or for a time, not for both")
        return cls(delay, at_front, [checked_job_id(each) for each in dict.fromkeys(ids)])


class _Job(NamedTuple):
    """A job on its way.

    Args:
        job_id: Its id.
        data: What it calls.
        random: Nobody else can have this id; an answer that it is taken follows a lost reply.
    """

    job_id: str
    data: bytes
    random: bool

    @classmethod
    def of(cls, processor: Published, payload: Payload, job_id: str | None) -> _Job:
        """Make it of a payload that has been checked."""
        found = checked_job_id(job_id) if job_id else processor.job_id_for(payload)
        data = publication.data(processor.path, payload_json(payload))
        return cls(found or uuid4().hex, data, random=found is None)


def _parts(jobs: list[_Job]) -> Iterator[list[_Job]]:
    """Divide jobs into what one trip carries."""
    part: list[_Job] = []
    size = 0
    for job in jobs:
        if part and (len(part) == _JOBS_A_TRIP or size + len(job.data) > _BYTES_A_TRIP):
            yield part
            part, size = [], 0
        part.append(job)
        size += len(job.data)
    yield part


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
