"""What a job enqueues by its context is published when it has succeeded, and only then."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from redis import Redis
from rq import Callback, Queue
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

import engine_jobs as jobs
from support import eventually
from worker_payment.kit.engine import (
    Backoff,
    Duplicate,
    JobContext,
    PermanentError,
    Publisher,
    processor,
    publish_to,
)
from worker_payment.kit.jobs import default_publisher
from worker_payment.kit.testing.worker import Published, WorkerUnderTest

Start = Callable[..., object]
QUICK = Backoff(first=0.05, jitter=0)


@processor(backoff=QUICK)
def lead(payload: jobs.Note, context: JobContext) -> None:
    """Enqueue a follower per attempt, and fail the first `failures` times."""
    context.enqueue(jobs.note, jobs.Note(text=f"{payload.text}-{context.attempt}"))
    if context.attempt <= payload.failures:
        raise PermanentError("no") if payload.failures == 99 else ConnectionError("not yet")


@processor
async def lead_async(payload: jobs.Note, context: JobContext) -> None:
    """The same as a coroutine, done before."""
    context.enqueue(jobs.note, jobs.Note(text=f"{payload.text}-1"))
    raise Duplicate("done")


@processor(job_id="chain-{text}")
def chain(payload: jobs.Note, context: JobContext) -> None:
    """Enqueue itself with its own id until nothing is left."""
    jobs.ran.append(f"{payload.text}-{payload.failures}")
    if payload.failures:
        rest = jobs.Note(text=payload.text, failures=payload.failures - 1)
        context.enqueue(chain, rest)


@processor(backoff=QUICK)
def lead_in_steps(payload: jobs.Note, context: JobContext) -> None:
    """Enqueue a follower per step; the second attempt begins at the second step."""
    if context.state is None:
        context.enqueue(jobs.note, jobs.Note(text=f"{payload.text}-1"))
        context.checkpoint({"step": 1})
        context.enqueue(jobs.note, jobs.Note(text=f"{payload.text}-lost"))
        raise ConnectionError("between two steps")
    context.enqueue(jobs.note, jobs.Note(text=f"{payload.text}-2"))


@processor
def lead_with_options(payload: jobs.Note, context: JobContext) -> str:
    """Say when the followers may run, and where."""
    first = context.enqueue(jobs.note, jobs.Note(text="late"), delay=60)
    context.enqueue(
        jobs.note, jobs.Note(text="after"), after=[first], job_id=f"{payload.text}-after"
    )
    context.enqueue(jobs.note, jobs.Note(text="front"), at_front=True)
    context.enqueue(jobs.note, jobs.Note(text="else"), queue=f"{payload.text}-else")
    return first


def ran(name: str) -> list[str]:
    """The notes of a test that have run."""
    return sorted(each for each in jobs.ran if each.startswith(name))


def test_only_the_attempt_that_succeeded_publishes(
    publisher: Publisher, connection: Redis, queue: str, start_worker: Start
) -> None:
    name = uuid4().hex
    failed = publisher.publish(lead, jobs.Note(text=f"{name}-failed", failures=99))
    publisher.publish(lead, jobs.Note(text=f"{name}-retried", failures=1))
    publisher.publish(lead_async, jobs.Note(text=f"{name}-async"))
    publisher.publish(lead_in_steps, jobs.Note(text=f"{name}-steps"))
    publisher.publish(chain, jobs.Note(text=f"{name}-chain", failures=2))
    plain = Queue(queue, connection=connection, serializer=JSONSerializer)
    # RQ's own code ends a job with a callback.
    plain.enqueue(
        lead.path, {"text": f"{name}-by-rq"}, on_success=Callback("engine_jobs.on_success")
    )
    start_worker()
    expected = [
        *(f"{name}-{each}" for each in ("async-1", "by-rq-1")),
        *(f"{name}-chain-{each}" for each in (0, 1, 2)),
        *(f"{name}-{each}" for each in ("retried-2", "steps-1", "steps-2")),
    ]
    eventually(lambda: ran(name) == expected)
    job = Job.fetch(failed.job_id, connection=connection, serializer=JSONSerializer)
    assert job.get_status() == JobStatus.FAILED
    eventually(lambda: plain.count == 0 and plain.started_job_registry.count == 0)
    assert ran(name) == expected


def test_followers_have_the_options_of_other_jobs(
    publisher: Publisher, connection: Redis, queue: str, start_worker: Start
) -> None:
    receipt = publisher.publish(lead_with_options, jobs.Note(text=queue))
    start_worker()
    job = Job.fetch(receipt.job_id, connection=connection, serializer=JSONSerializer)
    eventually(lambda: job.get_status() == JobStatus.FINISHED)
    plain = Queue(queue, connection=connection, serializer=JSONSerializer)
    assert plain.scheduled_job_registry.get_job_ids() == [job.return_value()]
    assert plain.deferred_job_registry.get_job_ids() == [f"{queue}-after"]
    assert Queue(f"{queue}-else", connection=connection).count == 1
    with pytest.raises(TypeError, match="takes Note"):
        JobContext("id", "x", 1, 1, queue, jobs.Note()).enqueue(jobs.note, object())  # type: ignore[type-var]


def test_what_was_published_is_known_to_a_test_and_to_a_direct_call(
    publisher: Publisher, redis_url: str, queue: str
) -> None:
    worker = WorkerUnderTest(publisher, redis_url)
    late = worker.run(lead_with_options, jobs.Note(text=queue))
    front, delayed, after = worker.published(jobs.note)
    assert front == Published(front.job_id, "engine_jobs.note", front.payload, at_front=True)
    assert (delayed.job_id, delayed.delay) == (late, 60.0)
    assert (after.job_id, after.after) == (f"{queue}-after", (late,))
    with pytest.raises(ConnectionError):
        worker.run(lead, jobs.Note(text="x", failures=1))
    assert len(worker.published()) == 3
    publish_to(lambda: publisher)
    try:
        lead(jobs.Note(text="direct"))
    finally:
        publish_to(default_publisher)
    assert worker.published()[1].payload["text"] == "direct-1"


def test_an_id_that_waited_is_free_again_for_the_next_test(
    publisher: Publisher, redis_url: str, queue: str
) -> None:
    worker = WorkerUnderTest(publisher, redis_url)
    for delay in (0, 60):
        assert worker.enqueue(jobs.note, jobs.Note(), job_id=queue, delay=delay).queued
        assert not worker.enqueue(jobs.note, jobs.Note(), job_id=queue).queued
        worker.discard()
        assert worker.published() == []
