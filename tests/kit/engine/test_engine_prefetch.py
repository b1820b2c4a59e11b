"""Jobs taken before a slot is free for them: they wait a moment, never for long."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from redis import Redis
from rq.command import send_stop_job_command
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

import engine_jobs as jobs
from support import eventually
from worker_payment.kit.engine import (
    Options,
    Publisher,
    Receipt,
    ThreadWorker,
)
from worker_payment.kit.engine.store.exchange import Exchange
from worker_payment.kit.engine.worker import worker
from worker_payment.kit.engine.worker.prefetch import GATHER, MOMENT, MOST, Prefetch

Start = Callable[..., ThreadWorker]


def test_as_many_jobs_are_taken_ahead_as_slots_come_free_in_a_moment() -> None:
    prefetch = Prefetch(10)
    assert prefetch.count == 0  # nothing is known
    prefetch.ended(MOMENT / 4)
    assert prefetch.count == 40
    for _ in range(100):
        prefetch.ended(0.0)
    assert prefetch.count == MOST
    slow = Prefetch(10)
    slow.ended(MOMENT * 2)
    assert slow.count == 5
    slow.ended(60.0)
    assert slow.count == 0
    prefetch.given_back()
    assert prefetch.count == 0


def test_a_trip_waits_while_there_is_enough_to_do_in_hand() -> None:
    prefetch = Prefetch(10)
    assert prefetch.spare(40) == 0  # nothing is known
    prefetch.ended(0.002)
    assert prefetch.spare(20) == pytest.approx(0.002)  # half of them start meanwhile
    assert prefetch.spare(64) == GATHER
    assert prefetch.spare(5) == 0  # too short to be worth it
    assert prefetch.spare(0) == prefetch.spare(-3) == 0  # a slot waits, or soon will


def test_outcomes_share_trips_while_jobs_wait_for_a_slot(
    connection: Redis,
    queue: str,
    publisher: Publisher,
    start_worker: Start,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trips = []
    ask = Exchange.ask
    monkeypatch.setattr(
        Exchange, "ask", lambda self, *args, **more: (trips.append(1), ask(self, *args, **more))
    )
    publisher.publish_many(jobs.note, [jobs.Note(seconds=0.004) for _ in range(400)])
    start_worker(Options(concurrency=4))
    eventually(lambda: connection.zcard(f"rq:finished:{queue}") == 400)
    assert len(trips) < 200


def test_one_slot_takes_nothing_ahead() -> None:
    prefetch = Prefetch(1)
    prefetch.ended(0.0)
    assert prefetch.count == 0


def occupy_after_short_jobs(publisher: Publisher, slots: int) -> Receipt:
    """Short jobs, then as many as there are slots that wait for the gate, then one short job."""
    publisher.publish_many(jobs.note, [jobs.Note(text="short") for _ in range(20)])
    publisher.publish_many(jobs.wait_for_gate, [jobs.Note() for _ in range(slots)])
    return publisher.publish(jobs.note, jobs.Note(text="behind"))


def test_a_job_behind_long_ones_goes_back_to_the_front_for_others(
    connection: Redis, queue: str, publisher: Publisher, start_worker: Start
) -> None:
    occupy_after_short_jobs(publisher, slots=2)
    start_worker(Options(concurrency=2))
    for _ in range(2):
        assert jobs.running.acquire(timeout=10)
    eventually(lambda: connection.llen(f"rq:queue:{queue}") == 1)
    started = connection.zcard(f"rq:wip:{queue}")
    assert started == 2
    start_worker(Options(concurrency=1))
    eventually(lambda: "behind" in jobs.ran)
    jobs.gate.set()
    eventually(lambda: connection.zcard(f"rq:finished:{queue}") == 23)
    assert jobs.ran.count("behind") == 1


def test_a_job_taken_ahead_runs_when_a_slot_comes_free(
    connection: Redis, queue: str, publisher: Publisher, start_worker: Start
) -> None:
    occupy_after_short_jobs(publisher, slots=2)
    start_worker(Options(concurrency=2))
    for _ in range(2):
        assert jobs.running.acquire(timeout=10)
    jobs.gate.set()
    eventually(lambda: connection.zcard(f"rq:finished:{queue}") == 23)
    assert jobs.ran.count("behind") == 1


def test_a_job_stopped_while_it_waits_for_a_slot_never_runs(
    connection: Redis,
    queue: str,
    publisher: Publisher,
    start_worker: Start,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "PATIENCE", 60.0)
    receipt = occupy_after_short_jobs(publisher, slots=2)
    start_worker(Options(concurrency=2))
    for _ in range(2):
        assert jobs.running.acquire(timeout=10)
    job = Job.fetch(receipt.job_id, connection=connection, serializer=JSONSerializer)
    eventually(lambda: job.get_status() == JobStatus.STARTED)
    send_stop_job_command(connection, job.id, serializer=JSONSerializer)
    eventually(lambda: job.get_status() == JobStatus.STOPPED)
    jobs.gate.set()
    eventually(lambda: connection.zcard(f"rq:finished:{queue}") == 22)
    assert "behind" not in jobs.ran


def test_never_more_jobs_run_than_there_are_slots(
    connection: Redis, queue: str, publisher: Publisher, start_worker: Start
) -> None:
    publisher.publish_many(jobs.note, [jobs.Note(text="short") for _ in range(50)])
    for _ in range(6):
        publisher.publish(jobs.wait_for_gate, jobs.Note())
        publisher.publish(jobs.note_async, jobs.Note(text="slow", seconds=30))
    start_worker(Options(concurrency=3))
    eventually(lambda: jobs.ran.count("short") == 50)
    eventually(lambda: connection.zcard(f"rq:wip:{queue}") == 3)
    time.sleep(0.3)
    assert connection.zcard(f"rq:wip:{queue}") == 3
    assert connection.llen(f"rq:queue:{queue}") == 9
