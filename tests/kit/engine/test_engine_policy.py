"""The policy belongs to the worker: attempts, backoff, permanent errors, order, deadlines."""

from __future__ import annotations

import threading
from collections.abc import Callable
from uuid import uuid4

import pytest
from redis import Redis
from rq import Queue
from rq.job import Job, JobStatus
from rq.results import Result
from rq.serializers import JSONSerializer

import engine_jobs as jobs
from support import eventually
from worker_payment.kit.engine import (
    Backoff,
    FailedJob,
    Options,
    PermanentError,
    Policy,
    Publisher,
    TemporaryError,
    overdue,
)

Start = Callable[..., object]


@pytest.fixture
def name() -> str:
    """A text that no other test uses."""
    return uuid4().hex[:10]


def status(connection: Redis, job_id: str) -> JobStatus:
    return Job.fetch(job_id, connection=connection, serializer=JSONSerializer).get_status()


def ended(connection: Redis, job_id: str, expected: JobStatus) -> Job:
    """Wait until a job has the status, and return it."""
    eventually(lambda: status(connection, job_id) == expected)
    return Job.fetch(job_id, connection=connection, serializer=JSONSerializer)


def test_backoff_doubles_and_is_capped() -> None:
    backoff = Backoff(first=3.0, factor=2.0, longest=10.0, jitter=0.0)
    assert [backoff.delay(attempt) for attempt in (1, 2, 3, 500)] == [3.0, 6.0, 10.0, 10.0]


def test_jitter_only_ever_lengthens_the_wait() -> None:
    backoff = Backoff(first=10.0, jitter=0.2)
    assert backoff.delay(1, rand=lambda: 0.0) == 10.0
    assert backoff.delay(1, rand=lambda: 1.0) == 12.0


@pytest.mark.parametrize(
    ("attempt", "error", "expected"),
    [
        (1, ValueError("again"), 3.0),
        (2, ValueError("again"), 6.0),
        (3, ValueError("spent"), None),
        (1, PermanentError("never"), None),
        (1, TemporaryError("busy", retry_after=42.0), 42.0),
        (1, TemporaryError("busy"), 3.0),
    ],
)
def test_policy_decides(attempt: int, error: Exception, expected: float | None) -> None:
    assert Policy(backoff=Backoff(jitter=0.0)).retry_delay(attempt, error) == expected


@pytest.mark.parametrize("wrong", [{"attempts": 0}, {"timeout": 0}])
def test_nonsense_policies_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"attempts|timeout"):
        Policy(**wrong)


def test_failing_job_is_retried_although_the_publisher_asked_for_nothing(
    connection: Redis, queue: str, start_worker: Start, name: str
) -> None:
    plain = Queue(queue, connection=connection, serializer="json")
    job = plain.enqueue("engine_jobs.note", {"text": name, "failures": 2})
    start_worker()
    ended(connection, job.id, JobStatus.FINISHED)
    assert jobs.attempts[name] == 3


def test_job_fails_for_good_after_its_attempts_and_keeps_the_traceback(
    publisher: Publisher, connection: Redis, start_worker: Start, name: str
) -> None:
    kept: list[FailedJob] = []
    receipt = publisher.publish(jobs.note, jobs.Note(text=name, failures=99))
    start_worker(failed=kept.append)
    job = ended(connection, receipt.job_id, JobStatus.FAILED)
    latest = job.latest_result()
    assert jobs.attempts[name] == 3
    assert latest is not None
    assert latest.type == Result.Type.FAILED
    assert "failure 3" in (latest.exc_string or "")
    assert receipt.job_id in job.failed_job_registry
    record = eventually(lambda: kept[0] if kept else None)
    assert (record.attempts, record.payload["text"]) == (3, name)


def test_a_requeued_job_has_its_full_number_of_attempts(
    publisher: Publisher, connection: Redis, start_worker: Start, name: str
) -> None:
    receipt = publisher.publish(jobs.note, jobs.Note(text=name, failures=4))
    start_worker()
    job = ended(connection, receipt.job_id, JobStatus.FAILED)
    job.requeue()
    ended(connection, receipt.job_id, JobStatus.FINISHED)
    assert jobs.attempts[name] == 5


def test_permanent_error_is_not_retried(
    publisher: Publisher, connection: Redis, start_worker: Start, name: str
) -> None:
    receipt = publisher.publish(jobs.refuse, jobs.Note(text=name))
    start_worker()
    ended(connection, receipt.job_id, JobStatus.FAILED)
    assert jobs.attempts[name] == 1


def test_the_other_side_names_the_wait(
    publisher: Publisher, connection: Redis, start_worker: Start, name: str
) -> None:
    receipt = publisher.publish(jobs.come_back, jobs.Note(text=name))
    start_worker()
    ended(connection, receipt.job_id, JobStatus.FAILED)
    assert jobs.attempts[name] == 2  # not after the policy's ten minutes


def test_a_short_wait_ends_before_the_next_look_for_delayed_jobs(
    publisher: Publisher, connection: Redis, start_worker: Start, name: str
) -> None:
    """A tenth of a second; the worker looks every ten minutes otherwise."""
    receipt = publisher.publish(jobs.come_back, jobs.Note(text=name))
    start_worker(Options(concurrency=1, promote_interval=600))
    ended(connection, receipt.job_id, JobStatus.FAILED)
    assert jobs.attempts[name] == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ({"text": 5},),
        ("text",),
        ({"text": "a"}, {"text": "b"}),
        ({"failures": "many"},),
    ],
)
def test_invalid_payload_fails_at_once_and_is_kept(
    connection: Redis, queue: str, start_worker: Start, arguments: tuple[object, ...]
) -> None:
    plain = Queue(queue, connection=connection, serializer="json")
    job = plain.enqueue("engine_jobs.note", *arguments)
    start_worker()
    failed = ended(connection, job.id, JobStatus.FAILED)
    result = failed.latest_result()
    assert result is not None
    assert "payload of engine_jobs.note" in (result.exc_string or "")


def test_invalid_payload_names_the_field_and_not_its_value(
    connection: Redis, queue: str, start_worker: Start
) -> None:
    plain = Queue(queue, connection=connection, serializer="json")
    job = plain.enqueue("engine_jobs.note", {"failures": "geheim-123"})
    start_worker()
    result = ended(connection, job.id, JobStatus.FAILED).latest_result()
    assert result is not None
    assert "failures" in (result.exc_string or "")
    assert "geheim-123" not in (result.exc_string or "")


@pytest.mark.parametrize("path", ["os.system", "engine_jobs.add", "no.such.module"])
def test_only_processors_may_run(
    connection: Redis, queue: str, start_worker: Start, path: str
) -> None:
    plain = Queue(queue, connection=connection, serializer="json")
    job = plain.enqueue(path, "true")
    start_worker()
    result = ended(connection, job.id, JobStatus.FAILED).latest_result()
    assert result is not None
    assert "unknown job" in (result.exc_string or "")


def test_pickled_job_is_refused_and_never_unpickled(
    connection: Redis, queue: str, start_worker: Start
) -> None:
    pickled = Queue(queue, connection=connection, serializer="pickle")
    job = pickled.enqueue("engine_jobs.note", {"text": "a"})
    start_worker()
    eventually(lambda: connection.hget(job.key, "status") == b"failed")


def test_duplicate_counts_as_success(
    publisher: Publisher, connection: Redis, start_worker: Start, name: str
) -> None:
    receipt = publisher.publish(jobs.skip, jobs.Note(text=name))
    start_worker()
    ended(connection, receipt.job_id, JobStatus.FINISHED)


def test_concurrency_1_keeps_strict_order(publisher: Publisher, start_worker: Start) -> None:
    names = [uuid4().hex[:10] for _ in range(30)]
    for each in names:
        publisher.publish(jobs.note, jobs.Note(text=each))
    start_worker(Options(concurrency=1))
    eventually(lambda: set(names) <= set(jobs.ran))
    assert [each for each in jobs.ran if each in names] == names


def test_order_is_kept_across_a_retry_when_the_processor_asks_for_it(
    publisher: Publisher, start_worker: Start
) -> None:
    names = [uuid4().hex[:10] for _ in range(5)]
    for number, each in enumerate(names):
        publisher.publish(jobs.note_in_order, jobs.Note(text=each, failures=number % 3))
    start_worker(Options(concurrency=1))
    eventually(lambda: set(names) <= set(jobs.ran))
    assert [each for each in jobs.ran if each in names] == names


def test_jobs_run_side_by_side(publisher: Publisher, start_worker: Start) -> None:
    jobs.gate.clear()
    names = [uuid4().hex[:10] for _ in range(5)]
    for each in names:
        publisher.publish(jobs.wait_for_gate, jobs.Note(text=each))
    start_worker(Options(concurrency=5))
    for _ in names:
        assert jobs.running.acquire(timeout=10)
    jobs.gate.set()
    eventually(lambda: set(names) <= set(jobs.ran))


@pytest.mark.parametrize("job", [jobs.oversleep, jobs.swallow_timeout, jobs.oversleep_async])
def test_timeout_works_in_threads_and_coroutines(
    publisher: Publisher, connection: Redis, start_worker: Start, job: object
) -> None:
    receipt = publisher.publish(job, jobs.Note())  # type: ignore[arg-type]
    start_worker()
    result = ended(connection, receipt.job_id, JobStatus.FAILED).latest_result()
    assert result is not None
    assert "JobTimeoutException" in (result.exc_string or "")


def test_timeout_during_a_blocking_call_counts_when_the_call_returns(
    publisher: Publisher, connection: Redis, start_worker: Start, name: str
) -> None:
    receipt = publisher.publish(jobs.block_in_c, jobs.Note(text=name))
    later = publisher.publish(jobs.note, jobs.Note(text=f"{name}-later"))
    start_worker(Options(concurrency=1))
    ended(connection, receipt.job_id, JobStatus.FAILED)
    ended(connection, later.job_id, JobStatus.FINISHED)  # the exception hit no other job
    assert name not in jobs.ran


def test_a_job_that_blocks_past_its_deadline_is_counted(
    publisher: Publisher, connection: Redis, start_worker: Start, name: str
) -> None:
    receipt = publisher.publish(jobs.block_in_c, jobs.Note(text=name))
    start_worker(Options(concurrency=1))
    eventually(lambda: overdue(0.1) == 1)
    assert overdue(60) == 0
    ended(connection, receipt.job_id, JobStatus.FAILED)
    assert overdue(0.1) == 0


def test_coroutines_on_a_blocked_event_loop_are_counted(
    publisher: Publisher, connection: Redis, start_worker: Start, name: str
) -> None:
    late = publisher.publish(jobs.block_the_loop, jobs.Note(text=name))
    waiting = publisher.publish(jobs.block_the_loop, jobs.Note(text=f"{name}-behind"))
    start_worker(Options(concurrency=2))
    eventually(lambda: overdue(0.1) == 2)  # also the one that the loop has not begun
    ended(connection, late.job_id, JobStatus.FINISHED)
    ended(connection, waiting.job_id, JobStatus.FINISHED)
    assert overdue(0.1) == 0


def test_coroutines_take_slots_but_no_threads(publisher: Publisher, start_worker: Start) -> None:
    names = [uuid4().hex[:10] for _ in range(200)]
    for each in names:
        publisher.publish(jobs.note_async, jobs.Note(text=each, seconds=0.3))
    before = threading.active_count()
    start_worker(Options(concurrency=200))
    eventually(lambda: set(names) <= set(jobs.ran))
    assert threading.active_count() < before + 30


def test_coroutines_are_retried_by_the_policy(
    publisher: Publisher, connection: Redis, start_worker: Start, name: str
) -> None:
    receipt = publisher.publish(jobs.note_async, jobs.Note(text=name, failures=2))
    start_worker()
    ended(connection, receipt.job_id, JobStatus.FINISHED)
    assert jobs.attempts[name] == 3


def test_processor_sees_its_attempt(
    publisher: Publisher, connection: Redis, queue: str, start_worker: Start
) -> None:
    receipt = publisher.publish(jobs.tell_context, jobs.Note())
    start_worker()
    job = ended(connection, receipt.job_id, JobStatus.FINISHED)
    assert job.return_value() == {
        "id": receipt.job_id,
        "type": "engine_jobs.tell_context",
        "attempt": 1,
        "queue": queue,
        "same": True,
    }


@pytest.mark.parametrize("deed", ["exit", "interrupt"])
def test_a_job_cannot_end_the_worker(
    publisher: Publisher, connection: Redis, start_worker: Start, deed: str, name: str
) -> None:
    receipt = publisher.publish(jobs.misbehave, jobs.Note(text=deed))
    later = publisher.publish(jobs.note, jobs.Note(text=name))
    start_worker(Options(concurrency=1))
    ended(connection, receipt.job_id, JobStatus.FAILED)
    ended(connection, later.job_id, JobStatus.FINISHED)


@pytest.mark.parametrize("deed", ["threads", "set", "deep"])
def test_odd_jobs_finish(
    publisher: Publisher, connection: Redis, start_worker: Start, deed: str
) -> None:
    receipt = publisher.publish(jobs.misbehave, jobs.Note(text=deed))
    start_worker()
    ended(connection, receipt.job_id, JobStatus.FINISHED)
