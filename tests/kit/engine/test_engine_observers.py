"""Observers hear of every turn in a job's life, and cannot harm a job."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import pytest
from redis import Redis
from rq import Callback, Queue
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer
from structlog.testing import capture_logs

import engine_jobs as jobs
from support import eventually
from worker_payment.kit.engine import (
    Attempt,
    Ending,
    FailedJob,
    Observer,
    Options,
    Publication,
    Publisher,
    observe,
)

_inside: ContextVar[str] = ContextVar("inside", default="")


class Witness(Observer):
    """Remembers what it is told, and in which context."""

    def __init__(self) -> None:
        self.published: list[Publication] = []
        self.attempts: list[Attempt] = []
        self.endings: list[tuple[str, Ending]] = []
        self.lost: list[tuple[str, str]] = []
        self.left = 0

    @contextmanager
    def publishing(self, publication: Publication) -> Iterator[None]:
        publication.meta["origin"] = "test"
        yield
        self.published.append(publication)

    @contextmanager
    def attempt(self, attempt: Attempt) -> Iterator[None]:
        self.attempts.append(attempt)
        token = _inside.set(attempt.job_id)
        yield
        _inside.reset(token)
        self.left += 1

    def ended(self, attempt: Attempt, ending: Ending) -> None:
        self.endings.append((_inside.get(), ending))

    def interrupted(self, queue: str, job_id: str) -> None:
        self.lost.append((queue, job_id))

    def outcomes(self) -> list[str]:
        return [ending.outcome for _, ending in self.endings]


@pytest.fixture
def witness() -> Iterator[Witness]:
    """An observer that watches during the test."""
    made = Witness()
    end = observe(made)
    yield made
    end()


def test_a_job_is_seen_from_its_publication_to_its_end(
    publisher: Publisher, start_worker: Callable[..., Any], witness: Witness, queue: str
) -> None:
    """What the observer adds when it is published comes back with each attempt."""
    payload = jobs.Note(text=f"seen-{queue}", failures=1)
    receipt = jobs.note.enqueue(payload, publisher=publisher)
    start_worker()
    eventually(lambda: witness.outcomes() == ["retried", "done"])
    assert [(each.job_id, each.count) for each in witness.published] == [(receipt.job_id, 1)]
    assert [each.number for each in witness.attempts] == [1, 2]
    assert {each.meta["origin"] for each in witness.attempts} == {"test"}
    assert {each.job_type for each in witness.attempts} == {"engine_jobs.note"}
    assert {each.queue for each in witness.attempts} == {queue}
    assert all(each.waited is not None for each in witness.attempts)
    assert [where for where, _ in witness.endings] == [receipt.job_id] * 2
    assert isinstance(witness.endings[0][1].error, ConnectionError)
    eventually(lambda: witness.left == 2)


def test_jobs_published_together_are_one_publication(
    publisher: Publisher, witness: Witness, queue: str
) -> None:
    """Each of them still carries what the observer added."""
    receipts = publisher.publish_many(jobs.note, [jobs.Note(), jobs.Note()])
    assert [(each.job_id, each.count) for each in witness.published] == [(None, 2)]
    for receipt in receipts:
        job = Job.fetch(receipt.job_id, publisher.connection, serializer=JSONSerializer)
        assert job.meta == {"origin": "test"}


def test_a_plain_rq_publisher_may_send_meta_or_none(
    connection: Redis, start_worker: Callable[..., Any], witness: Witness, queue: str
) -> None:
    """Both run; the one shows its meta, the other an empty one."""
    plain = Queue(queue, connection=connection, serializer=JSONSerializer)
    path = jobs.note.path
    plain.enqueue(path, {"text": f"with-{queue}"}, meta={"origin": "rq"})
    plain.enqueue(path, {"text": f"without-{queue}"})
    start_worker(Options(concurrency=1))
    eventually(lambda: witness.outcomes() == ["done", "done"])
    assert [dict(each.meta) for each in witness.attempts] == [{"origin": "rq"}, {}]


def test_coroutines_and_failures_are_told_inside_the_attempt(
    publisher: Publisher, start_worker: Callable[..., Any], witness: Witness, queue: str
) -> None:
    """The failure is written in another thread, and the context goes with it."""
    receipt = jobs.note_async.enqueue(jobs.Note(text=queue, failures=9), publisher=publisher)
    start_worker()
    eventually(lambda: "failed" in witness.outcomes())
    assert {where for where, _ in witness.endings} == {receipt.job_id}


def test_a_job_that_cannot_be_read_is_told_without_an_attempt(
    connection: Redis, start_worker: Callable[..., Any], witness: Witness, queue: str
) -> None:
    """It failed before anything began."""
    plain = Queue(queue, connection=connection, serializer=JSONSerializer)
    plain.enqueue("nobody.knows.this")
    start_worker()
    eventually(lambda: witness.outcomes() == ["failed"])
    assert witness.attempts == []


def test_an_interrupted_job_is_told(
    publisher: Publisher, start_worker: Callable[..., Any], witness: Witness, queue: str
) -> None:
    """Drained at once, the worker gives the job back."""
    receipt = jobs.wait_for_gate.enqueue(jobs.Note(text=queue), publisher=publisher)
    worker = start_worker()
    eventually(lambda: witness.attempts)
    worker.drain(now=True)
    eventually(lambda: witness.lost == [(queue, receipt.job_id)])


class Broken(Observer):
    """Raises wherever it can."""

    def publishing(self, publication: Publication) -> Any:
        raise RuntimeError("publishing")

    @contextmanager
    def attempt(self, attempt: Attempt) -> Iterator[None]:
        yield
        raise RuntimeError("attempt")

    def ended(self, attempt: Attempt, ending: Ending) -> None:
        raise RuntimeError("ended")

    def failed(self, job: FailedJob) -> None:
        raise RuntimeError("failed")


def test_an_observer_that_raises_costs_no_job(
    publisher: Publisher, start_worker: Callable[..., Any], witness: Witness, queue: str
) -> None:
    """Not even the other observers notice."""
    end = observe(Broken())
    try:
        jobs.note.enqueue(jobs.Note(text=f"calm-{queue}"), publisher=publisher)
        start_worker()
        eventually(lambda: witness.outcomes() == ["done"])
        eventually(lambda: f"calm-{queue}" in jobs.ran)
    finally:
        end()


EVENTS = ("observer.error", "job.callback", "job.verdict")


@pytest.mark.parametrize("job", [jobs.fail_and_break, jobs.fail_with_an_odd_time])
def test_what_raises_around_a_failure_hides_it_from_nobody(
    publisher: Publisher,
    connection: Redis,
    start_worker: Callable[..., Any],
    witness: Witness,
    job: Any,
) -> None:
    """Observer, hook, callback, `retry_after`: logged with the job's name, as is its own failure."""
    end = observe(Broken())
    kept: list[FailedJob] = []

    def keep(failed: FailedJob) -> None:
        kept.append(failed)
        raise RuntimeError("hook")

    try:
        with capture_logs() as lines:
            plain = Queue(publisher.queue, connection=connection, serializer=JSONSerializer)
            on_failure = Callback("engine_jobs.broken_on_failure")
            found = plain.enqueue(job.path, {"text": "x"}, on_failure=on_failure)
            start_worker(failed=keep)
            eventually(lambda: kept and witness.outcomes() == ["failed"])
            eventually(lambda: found.get_status() == JobStatus.FAILED)
    finally:
        end()
    mine = [line for line in lines if line.get("jobId") == found.id]
    own = next(line for line in mine if line["event"] == "job.failed")
    assert own["error"] == kept[0].error == "TemporaryError: the job's own"
    assert "the job's own" in found.latest_result().exc_string
    around = [line for line in mine if line["event"] in EVENTS]
    assert {line["jobType"] for line in around} == {job.name}
    assert {(line["event"], str(line["exc_info"])) for line in around} >= {
        ("job.callback", "callback"),
        *(("observer.error", text) for text in ("attempt", "ended", "failed", "hook")),
        *((("job.verdict", "no time"),) if job is jobs.fail_with_an_odd_time else ()),
    }
