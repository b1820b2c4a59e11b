"""What the fixture `worker` gives to a test."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, cast
from uuid import uuid4

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer

from ..engine import (
    Attempt,
    Ending,
    JobContext,
    Observer,
    Options,
    Payload,
    Processor,
    Publisher,
    Receipt,
    ThreadWorker,
    observe,
)
from ..engine.job.context import AttemptLink
from ..engine.job.payload import load_payload

P = TypeVar("P", bound=Payload)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Published:
    """A job that has been published and has not run.

    Args:
        job_id: The job's id.
        path: Its function.
        payload: Its payload as it travels.
        delay: Seconds until it may run, as its publisher said; None where it did not.
        at_front: Whether it went before all that waited.
        after: Ids of the jobs that must have succeeded before it runs.
    """

    job_id: str
    path: str
    payload: dict[str, Any]
    delay: float | None = None
    at_front: bool = False
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ended:
    """A job that a worker has run.

    Args:
        job_id: The job's id.
        status: `finished`, `failed`, or `scheduled` when it waits for its next attempt.
        result: What the processor returned.
        error: The traceback of its last attempt; empty when there is none.
    """

    job_id: str
    status: str
    result: Any
    error: str


class _Endings(Observer):
    def __init__(self) -> None:
        self.job_ids: list[str] = []

    def ended(self, attempt: Attempt, ending: Ending) -> None:  # noqa: ARG002
        self.job_ids.append(attempt.job_id)


class WorkerUnderTest:
    """Runs jobs on a queue of the test's own.

    Args:
        publisher: Publishes to that queue.
        url: The server.
    """

    def __init__(self, publisher: Publisher, url: str) -> None:
        self.publisher = publisher
        self._url = url
        self._states: dict[str, str | None] = {}  # checkpoints of jobs that have failed

    def run(self, processor: Processor[P, R], payload: P | dict[str, Any], attempt: int = 1) -> R:
        """Run one attempt here and now, with everything the processor asks for.

        What it has enqueued by its context is published when it has returned.

        After one that raised, the next attempt of the same job has the state of its checkpoint.

        Args:
            processor: What runs.
            payload: Its payload, typed or as it travels.
            attempt: Which attempt it is, counted from 1.

        Returns:
            What the processor returned; what it raises is raised.
        """
        loaded = load_payload(processor.payload_type, payload, processor.name)
        job_id = processor.job_id_for(loaded) or uuid4().hex
        link = AttemptLink(self._states.pop(job_id, None))
        context = JobContext(
            job_id=job_id,
            job_type=processor.name,
            attempt=attempt,
            attempts=processor.policy.attempts,
            queue=self.publisher.queue,
            payload=loaded,
            target=processor.target_for(loaded),
            link=link,
        )
        try:
            made: Any = processor.run(context)
            result = cast("R", asyncio.run(made) if processor.is_async else made)
        except BaseException:
            self._states[job_id] = link.packed(link.state)
            raise
        self.publisher.send(link.publications)
        return result

    def enqueue(self, processor: Processor[P, R], payload: P, **options: Any) -> Receipt:
        """Publish a job, as `processor.enqueue` does."""
        return processor.enqueue(payload, publisher=self.publisher, **options)

    def published(self, processor: Processor[P, R] | None = None) -> list[Published]:
        """List the jobs that wait, in their order: for a slot, for a time, for other jobs.

        Args:
            processor: Only its jobs.
        """
        queue, due = self._queue, {}
        for job_id in queue.scheduled_job_registry.get_job_ids():
            due[job_id] = queue.scheduled_job_registry.get_scheduled_time(job_id)
        ids = [*queue.job_ids, *due, *queue.deferred_job_registry.get_job_ids()]
        jobs = Job.fetch_many(ids, self.publisher.connection, JSONSerializer)
        found = [_published(job, due.get(job.id)) for job in jobs if job is not None]
        return [each for each in found if processor is None or each.path == processor.path]

    def discard(self) -> None:
        """Remove the jobs that wait: their ids are taken on the whole server, for later tests, too."""
        ids = [waiting.job_id for waiting in self.published()]
        for job in Job.fetch_many(ids, self.publisher.connection, JSONSerializer):
            if job is not None:
                job.delete()

    def drain(self, concurrency: int = 1) -> list[Ended]:
        """Run what is queued, and what that queues, in a real worker, until nothing waits.

        Args:
            concurrency: How many jobs run at the same time.

        Returns:
            How each job ended, those that ended first first.
        """
        noted = _Endings()
        end = observe(noted)
        options = Options(concurrency=concurrency, promote_interval=0.05)
        try:
            # As the worker's own client: it does not repeat a command.
            with Redis.from_url(self._url, retry=Retry(NoBackoff(), 0), socket_timeout=5) as client:
                name = f"test-{uuid4().hex}"
                ThreadWorker([self.publisher.queue], client, name, options).run(burst=True)
        finally:
            end()
        return [self.ended(job_id) for job_id in dict.fromkeys(noted.job_ids)]

    def ended(self, job_id: str) -> Ended:
        """Look up how a job ended."""
        job = Job.fetch(job_id, connection=self.publisher.connection, serializer=JSONSerializer)
        last = job.latest_result()
        status = job.get_status()
        error = (last.exc_string or "") if last is not None else ""
        return Ended(job_id, status.value, job.return_value(), error)

    @property
    def _queue(self) -> Queue:
        connection = self.publisher.connection
        return Queue(self.publisher.queue, connection=connection, serializer=JSONSerializer)


def _published(job: Job, due: datetime | None) -> Published:
    return Published(
        job.id,
        job.func_name or "",
        job.args[0] if job.args else dict(job.kwargs),
        delay=None if due is None else round((due - job.created_at).total_seconds(), 3),
        at_front=bool(job.enqueue_at_front),
        after=tuple(sorted(job.dependency_ids)),
    )
