"""One thing goes wrong in the engine's way; no job may be lost and no slot be held for it."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from rq import Callback, Queue
from rq.command import send_stop_job_command
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

import engine_jobs as jobs
from support import eventually
from worker_payment.kit.engine import (
    Options,
    Publisher,
    ThreadWorker,
)
from worker_payment.kit.engine.run import limiter
from worker_payment.kit.engine.run.limiter import Limiter
from worker_payment.kit.engine.store.claim import Claim
from worker_payment.kit.engine.store.exchange import (
    Exchange,
    Outcome,
)
from worker_payment.kit.engine.worker.recovery import Recovery

Start = Callable[..., ThreadWorker]


def ends_as(connection: Redis, job_id: str, expected: JobStatus, timeout: float = 10) -> None:
    """Wait for a job's end. RQ itself cannot read every job of these tests."""
    status = expected.value.encode()
    eventually(lambda: connection.hget(f"rq:job:{job_id}", "status") == status, timeout)


@pytest.fixture
def plain(connection: Redis, queue: str) -> Queue:
    """RQ's own view of the test's queue."""
    return Queue(queue, connection=connection, serializer=JSONSerializer)


@pytest.fixture
def idle(connection: Redis, queue: str) -> ThreadWorker:
    """A worker that is moved by hand."""
    return ThreadWorker([queue], connection, f"test-{uuid4().hex}", Options(concurrency=1))


def take(exchange: Exchange, count: int) -> list[Claim]:
    """Take jobs, as a worker's main thread does: at the second trip, it has read their keys."""
    claims: list[Claim] = []
    for _ in range(2):
        exchange.ask([], [], free=count - len(claims), promote=False)
        claims += exchange.answer().claims
    return claims


def fail_first(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> list[int]:
    """Let the first call of a method that has something to do meet an outage of Redis."""
    real = getattr(owner, name)
    failed: list[int] = []

    def flaky(self: Any, first: Any, *rest: Any, **named: Any) -> Any:
        first = list(first) if name == "release" else first
        if first and not failed:
            failed.append(1)
            raise RedisConnectionError("a moment's outage")
        return real(self, first, *rest, **named)

    monkeypatch.setattr(owner, name, flaky)
    return failed


# --- Taking jobs -------------------------------------------------------------------------------
def test_an_absurd_timeout_harms_no_other_job(
    plain: Queue, connection: Redis, start_worker: Start
) -> None:
    """Redis refuses it, in the middle of a trip that has taken others."""
    good = [plain.enqueue("engine_jobs.note", {"text": "good"}) for _ in range(4)]
    bad = plain.enqueue("engine_jobs.note", {"text": "bad"}, job_timeout=sys.maxsize)
    start_worker(Options(concurrency=10))
    for each in (*good, bad):
        ends_as(connection, each.id, JobStatus.FINISHED)


def test_what_is_no_job_harms_no_other_job(
    plain: Queue, connection: Redis, start_worker: Start, queue: str
) -> None:
    good = [plain.enqueue("engine_jobs.note", {"text": "good"}) for _ in range(2)]
    odd = uuid4().hex
    connection.set(f"rq:job:{odd}", "no hash")
    connection.lpush(plain.key, odd)
    start_worker(Options(concurrency=10))
    for each in good:
        ends_as(connection, each.id, JobStatus.FINISHED)


def test_a_claim_that_nobody_runs_comes_back(
    plain: Queue, connection: Redis, start_worker: Start
) -> None:
    """A packet of a connection that was given up arrives late, and takes a job."""
    worker = start_worker(Options(concurrency=1, lease=4))
    eventually(lambda: connection.exists(worker.key))
    late = Exchange(connection, [plain], worker.name)
    jobs_taken: list[Any] = []
    while not jobs_taken:
        job = plain.enqueue("engine_jobs.note", {"text": "late"})
        jobs_taken = take(late, 1)
    ends_as(connection, job.id, JobStatus.FINISHED)


def test_jobs_that_could_not_be_put_back_are_not_stranded(
    publisher: Publisher, connection: Redis, start_worker: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They were taken ahead, wait behind long jobs, and Redis is away for a moment."""
    publisher.publish_many(jobs.note, [jobs.Note(text="short")] * 20)
    publisher.publish_many(jobs.wait_for_gate, [jobs.Note()] * 2)
    behind = publisher.publish(jobs.note, jobs.Note(text="behind"))
    beats: list[bool] = []
    failed = fail_first(monkeypatch, Exchange, "release")
    start_worker(Options(concurrency=2, beat=beats.append))
    eventually(lambda: jobs.running.acquire(blocking=False) and jobs.running.acquire(timeout=1))
    eventually(lambda: failed or len(jobs.ran) == 20)
    start_worker(Options(concurrency=1))
    ends_as(connection, behind.job_id, JobStatus.FINISHED)
    eventually(lambda: beats[-1])
    jobs.gate.set()


# --- Limits ------------------------------------------------------------------------------------
def test_both_limits_together_let_all_through(publisher: Publisher, start_worker: Start) -> None:
    """A job that waits for its time does not hold the place that it will need."""
    for number in range(3):
        publisher.publish(jobs.one_at_a_time_at_a_rate, jobs.Note(text=str(number)))
    start_worker(Options(concurrency=3))
    eventually(lambda: len(jobs.ran) == 3)


def test_a_retry_under_a_limit_outlives_a_moment_without_redis(
    publisher: Publisher, connection: Redis, start_worker: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    class Flaky(Job):
        @classmethod
        def fetch(cls, *args: Any, **named: Any) -> Job:
            calls.append(1)
            if len(calls) == 1:
                raise RedisConnectionError("a moment's outage")
            return Job.fetch(*args, **named)

    monkeypatch.setattr(limiter, "Job", Flaky)
    receipt = publisher.publish(jobs.stumble_alone, jobs.Note(text=uuid4().hex))
    start_worker(Options(concurrency=2))
    ends_as(connection, receipt.job_id, JobStatus.FINISHED)
    assert len(calls) > 1


def test_a_second_signal_while_a_job_is_parked_queues_it_once(
    publisher: Publisher, connection: Redis, plain: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = ThreadWorker([plain.name], connection, f"test-{uuid4().hex}", Options(concurrency=1))
    thread = threading.Thread(target=worker.run, daemon=True)
    real = Limiter._hold_back
    done = threading.Event()

    def hold_back(self: Limiter, *args: Any) -> None:
        worker.drain(now=True)
        thread.join(0.5)  # the worker waits for what is being written
        real(self, *args)
        done.set()

    monkeypatch.setattr(Limiter, "_hold_back", hold_back)
    receipt = publisher.publish(jobs.two_at_once, jobs.Note(text=uuid4().hex))
    thread.start()
    assert done.wait(10)
    thread.join(10)
    assert not thread.is_alive()
    assert plain.job_ids == [receipt.job_id]


# --- Odd jobs ----------------------------------------------------------------------------------
def test_a_retry_time_that_is_no_number_fails_the_job(
    publisher: Publisher, connection: Redis, start_worker: Start
) -> None:
    receipt = publisher.publish(jobs.name_no_time, jobs.Note())
    start_worker(Options(concurrency=1))
    ends_as(connection, receipt.job_id, JobStatus.FAILED)


@pytest.mark.parametrize(
    ("field", "value"),
    [("enqueued_at", "2026-01-01T00:00:00"), ("result_ttl", "500.0"), ("enqueued_at", "soon")],
)
def test_an_odd_job_holds_no_slot(
    publisher: Publisher, connection: Redis, start_worker: Start, field: str, value: str
) -> None:
    odd = publisher.publish(jobs.note, jobs.Note(text="odd"))
    connection.hset(f"rq:job:{odd.job_id}", field, value)
    after = publisher.publish(jobs.note, jobs.Note(text="after"))
    start_worker(Options(concurrency=1))
    for each in (odd, after):
        ends_as(connection, each.job_id, JobStatus.FINISHED)


def test_a_callback_that_exits_costs_no_slot(
    plain: Queue, connection: Redis, start_worker: Start
) -> None:
    leaving = Callback("engine_jobs.leave")
    failing = plain.enqueue("engine_jobs.refuse", {"text": "x"}, on_failure=leaving)
    after = plain.enqueue("engine_jobs.note", {"text": "after"})
    start_worker(Options(concurrency=1))
    ends_as(connection, failing.id, JobStatus.FAILED)
    ends_as(connection, after.id, JobStatus.FINISHED)


def test_coroutines_that_leave_threads_behind_hold_up_nobody(
    publisher: Publisher, connection: Redis, start_worker: Start
) -> None:
    """The event loop has few threads of its own, and a timeout does not end what runs there."""
    threads = min(32, (os.cpu_count() or 1) + 4)
    late = [publisher.publish(jobs.leave_a_thread_behind, jobs.Note()) for _ in range(threads)]
    other = publisher.publish(jobs.refuse_async, jobs.Note())
    start_worker(Options(concurrency=threads + 1))
    for each in (other, *late):
        ends_as(connection, each.job_id, JobStatus.FAILED)
    jobs.gate.set()


# --- Waiting in the slot -----------------------------------------------------------------------
def test_a_job_that_waits_in_its_slot_can_be_stopped(
    publisher: Publisher, connection: Redis, start_worker: Start
) -> None:
    name = uuid4().hex
    receipt = publisher.publish(jobs.wait_in_slot, jobs.Note(text=name))
    start_worker(Options(concurrency=1))
    eventually(lambda: jobs.attempts[name] == 1)
    time.sleep(0.2)
    send_stop_job_command(connection, receipt.job_id, serializer=JSONSerializer)
    ends_as(connection, receipt.job_id, JobStatus.STOPPED)
    assert jobs.attempts[name] == 1


def test_a_job_that_somebody_else_has_ended_is_not_tried_again(
    publisher: Publisher, connection: Redis, plain: Queue, start_worker: Start
) -> None:
    """The worker was paused for longer than its lease while the job waited in its slot."""
    name = uuid4().hex
    publisher.publish(jobs.note_in_order, jobs.Note(text=name, failures=1))
    real = Exchange.owns
    owned = threading.Event()

    def owns(self: Exchange, *args: Any) -> bool:
        connection.delete(plain.started_job_registry.key)
        owned.set()
        return real(self, *args)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Exchange, "owns", owns)
        worker = start_worker(Options(concurrency=1))
        assert owned.wait(10)
        eventually(lambda: not worker._in_hand.running)
    assert jobs.attempts[name] == 1


# --- Dead workers ------------------------------------------------------------------------------
def take_as(connection: Redis, plain: Queue, worker: str, count: int) -> None:
    """Take jobs for a worker that is not there."""
    assert len(take(Exchange(connection, [plain], worker), count)) == count


def recovery(connection: Redis, plain: Queue, worker: ThreadWorker) -> Recovery:
    """Looks for dead workers' jobs as `worker`, whenever it is told to."""
    return Recovery(
        connection,
        [plain],
        worker._exchange,
        interval=0.0,
        limit=2,
        give_up=worker._give_up,
        maintain=lambda: None,
    )


def test_a_job_is_found_though_its_record_has_expired(
    publisher: Publisher, connection: Redis, plain: Queue, idle: ThreadWorker
) -> None:
    receipt = publisher.publish(jobs.note, jobs.Note())
    take_as(connection, plain, "gone", 1)
    for key in connection.scan_iter(f"rq:execution:{receipt.job_id}:*"):
        connection.delete(key)
    looks = recovery(connection, plain, idle)
    eventually(looks.sweep)
    assert plain.job_ids == [receipt.job_id]


def test_an_error_while_giving_up_strands_no_job(
    publisher: Publisher,
    connection: Redis,
    plain: Queue,
    idle: ThreadWorker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    receipts = publisher.publish_many(jobs.note, [jobs.Note(), jobs.Note()])
    for _ in receipts:
        take_as(connection, plain, f"gone-{uuid4().hex}", 1)
    for each in receipts:
        connection.hset(f"rq:job:{each.job_id}", "interruptions", 5)
    fail_first(monkeypatch, Exchange, "read_job")
    connection.hset(idle.key, "state", "busy")  # it lives
    looks = recovery(connection, plain, idle)
    with pytest.raises(RedisConnectionError):
        looks.sweep()
    looks.sweep()
    for each in receipts:
        ends_as(connection, each.job_id, JobStatus.FAILED)
        assert not connection.hexists(f"rq:job:{each.job_id}", "interruptions")


def test_one_replica_alone_gives_a_job_up(
    publisher: Publisher, connection: Redis, plain: Queue
) -> None:
    receipt = publisher.publish(jobs.note, jobs.Note())
    gone = f"gone-{uuid4().hex}"
    owner = Exchange(connection, [plain], gone)
    [claim] = take(owner, 1)
    connection.hset(f"rq:job:{receipt.job_id}", "interruptions", 1)
    entry = (plain.name, claim.job_id, claim.execution_id, gone)
    heirs = [Exchange(connection, [plain], name) for name in ("one", "other")]
    assert [each.release([entry], dead=True, limit=2, certain=True) for each in heirs] == [[2], [0]]


# --- The end -----------------------------------------------------------------------------------
def test_the_last_job_may_take_its_time(
    publisher: Publisher, connection: Redis, queue: str
) -> None:
    """`--max-jobs` is no signal: nothing is given back."""
    receipt = publisher.publish(jobs.note, jobs.Note(text="long", seconds=1.0))
    options = Options(concurrency=1, shutdown_timeout=0.1)
    worker = ThreadWorker([queue], connection, f"test-{uuid4().hex}", options)
    assert worker.run(max_jobs=1) == 0
    ends_as(connection, receipt.job_id, JobStatus.FINISHED)


def test_a_parent_that_ended_at_the_deadline_is_finished(
    plain: Queue, connection: Redis, idle: ThreadWorker
) -> None:
    """Its dependents are queued in the same step."""
    parent = plain.enqueue("engine_jobs.note", {"text": "parent"})
    child = plain.enqueue("engine_jobs.note", {"text": "child"}, depends_on=parent)
    [claim] = take(idle._exchange, 1)
    in_hand = idle._in_hand
    in_hand.running[claim.entry] = claim
    assert claim.begin()
    assert claim.settle()
    in_hand.returned(Outcome(claim, '"x"', 500))
    in_hand.give_back(idle._stored)
    assert parent.get_status() == JobStatus.FINISHED
    assert plain.job_ids == [child.id]
