"""Publishing: a typed payload becomes an RQ job, and no id is queued twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import uuid4

from redis import Redis
from redis.client import Pipeline
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from ..store import keys
from ..store.scripts import load
from . import observers
from .payload import Payload, dump_payload
from .policy import Policy
from .progress import Progress


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
        self._script = connection.register_script(load("publish"))

    def publish(
        self,
        processor: Published,
        payload: Payload,
        *,
        job_id: str | None = None,
        delay: float = 0.0,
    ) -> Receipt:
        """Publish one job, in one round trip.

        Args:
            processor: What shall run.
            payload: Its payload.
            job_id: Identity; by default what the processor derives, else a random one.
            delay: Seconds before it may run.

        Raises:
            TypeError: The payload is of another type than the processor's.
        """
        processor.check(payload)
        identity = job_id or _identity(processor, payload)
        if observers.watched("publishing"):
            with observers.publishing(self.queue, processor.name, identity, 1) as meta:
                return self._publish(processor, payload, identity, delay, meta)
        return self._publish(processor, payload, identity, delay, None)

    def publish_many(
        self, processor: Published, payloads: Iterable[Payload], *, batch: int = 500
    ) -> list[Receipt]:
        """Publish many jobs with few round trips.

        Args:
            processor: What shall run.
            payloads: A payload per job.
            batch: Jobs per round trip.
        """
        listed = list(payloads)
        for payload in listed:
            processor.check(payload)
        if observers.watched("publishing") and listed:
            with observers.publishing(self.queue, processor.name, None, len(listed)) as meta:
                return self._publish_many(processor, listed, batch, meta)
        return self._publish_many(processor, listed, batch, None)

    def progress(self, job_id: str) -> Progress | None:
        """Read how far a job has come; None where it has not said so, or Redis has forgotten it.

        Other languages read the field `progress` of the hash `rq:job:ID`: a JSON object with
        `done`, `total` (or null), `note` and `at`.
        """
        found: bytes | None = self.connection.hget(keys.JOB + job_id, keys.PROGRESS)  # type: ignore[assignment]
        return Progress.of_json(found)

    def _publish(
        self,
        processor: Published,
        payload: Payload,
        identity: str,
        delay: float,
        meta: dict[str, Any] | None,
    ) -> Receipt:
        keys_, args = self._prepare(processor, payload, identity, delay, meta)
        return Receipt(identity, bool(self._script(keys=keys_, args=args)))

    def _publish_many(
        self,
        processor: Published,
        payloads: list[Payload],
        batch: int,
        meta: dict[str, Any] | None,
    ) -> list[Receipt]:
        receipts: list[Receipt] = []
        prepared = [
            (identity, *self._prepare(processor, payload, identity, 0.0, meta))
            for payload in payloads
            for identity in [_identity(processor, payload)]
        ]
        for start in range(0, len(prepared), batch):
            part = prepared[start : start + batch]
            with self.connection.pipeline(transaction=False) as pipeline:
                self._load_script(pipeline)
                for _, keys_, args in part:
                    self._script(keys=keys_, args=args, client=pipeline)
                answers = pipeline.execute()[-len(part) :]
            receipts += [
                Receipt(identity, bool(answer))
                for (identity, _, _), answer in zip(part, answers, strict=True)
            ]
        return receipts

    def _load_script(self, pipeline: Pipeline) -> None:
        # redis-py loads missing scripts itself before a pipeline runs; nothing to send.
        pipeline.scripts.add(self._script)

    def _prepare(
        self,
        processor: Published,
        payload: Payload,
        identity: str,
        delay: float,
        meta: dict[str, Any] | None,
    ) -> tuple[list[str], list[Any]]:
        policy = processor.policy
        job = Job.create(
            processor.path,
            args=[dump_payload(payload)],
            connection=self.connection,
            id=identity,
            origin=self.queue,
            timeout=policy.timeout if policy.timeout is not None else -1,
            result_ttl=policy.result_ttl,
            description=processor.name,  # RQ's default repeats the payload, and RQ logs it
            serializer=JSONSerializer,
            meta=meta,
            status=JobStatus.SCHEDULED if delay > 0 else JobStatus.QUEUED,
        )
        fields = [
            item
            for key, value in (job.to_dict() | {"data": job.data}).items()
            if value is not None
            for item in (key, value if isinstance(value, bytes | str) else str(value))
        ]
        wait = str(delay) if delay > 0 else ""
        return self._keys(identity), [
            identity,
            wait,
            keys.QUEUE + self.queue,
            keys.WORKER,
            *fields,
        ]

    def _keys(self, job_id: str) -> list[str]:
        return [
            keys.JOB + job_id,
            keys.QUEUE + self.queue,
            keys.QUEUES,
            keys.RESULTS + job_id,
            keys.FAILED + self.queue,
            keys.FINISHED + self.queue,
            keys.CANCELED + self.queue,
            keys.SCHEDULED + self.queue,
            keys.RUNNING + self.queue,
        ]


def _identity(processor: Published, payload: Payload) -> str:
    return processor.job_id_for(payload) or uuid4().hex


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
