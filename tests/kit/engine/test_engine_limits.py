"""Limits over all replicas: a rate, and so many at once per key."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import uuid4

import pytest
from redis import Redis
from rq import Queue

import engine_jobs as jobs
from support import eventually
from worker_payment.kit.engine import (
    AtOnce,
    Options,
    Publisher,
    Rate,
    ThreadWorker,
)

Start = Callable[..., ThreadWorker]


@pytest.fixture(autouse=True)
def _fresh_rate(connection: Redis) -> None:
    connection.delete("rq:rate:engine_jobs.start_at_a_rate")


def test_a_rate_holds_over_two_workers(
    publisher: Publisher, connection: Redis, queue: str, start_worker: Start
) -> None:
    name = uuid4().hex
    publisher.publish_many(jobs.start_at_a_rate, [jobs.Note(text=name)] * 40)
    start_worker(Options(concurrency=10))
    start_worker(Options(concurrency=10))
    eventually(lambda: len(jobs.starts.get(name, ())) == 40, 30)
    times = sorted(jobs.starts[name])
    assert times[-1] - times[0] > 1.6  # 40 starts at 20 a second take two seconds
    started = Queue(queue, connection=connection).started_job_registry
    eventually(lambda: connection.zcard(started.key) == 0)


def test_jobs_that_wait_for_their_rate_hold_no_slot(
    publisher: Publisher, start_worker: Start
) -> None:
    name = uuid4().hex
    publisher.publish_many(jobs.start_at_a_rate, [jobs.Note(text=name)] * 60)
    publisher.publish(jobs.note, jobs.Note(text=name))
    start_worker(Options(concurrency=2))
    eventually(lambda: name in jobs.ran)
    assert len(jobs.starts[name]) < 60


def test_a_backlog_does_not_burst_after_the_workers_were_down(
    publisher: Publisher, start_worker: Start
) -> None:
    name = uuid4().hex
    publisher.publish_many(jobs.start_at_a_rate, [jobs.Note(text=name)] * 30)
    first = start_worker(Options(concurrency=5))
    eventually(lambda: len(jobs.starts.get(name, ())) >= 3)
    first.drain()
    time.sleep(1.5)  # most reserved times pass while nobody works
    before = len(jobs.starts[name])
    start_worker(Options(concurrency=30))
    eventually(lambda: len(jobs.starts[name]) == 30, 20)
    times = sorted(jobs.starts[name])[before:]
    assert times[-1] - times[0] > (len(times) - 1) / 20 * 0.8


def test_a_clock_that_is_ahead_parks_no_later_job(
    publisher: Publisher,
    connection: Redis,
    queue: str,
    start_worker: Start,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A rate's next start is reckoned in Redis: a wrong clock of one worker delays nobody."""
    name, real = uuid4().hex, time.time
    monkeypatch.setattr(time, "time", lambda: real() + 600)
    publisher.publish_many(jobs.start_at_a_rate, [jobs.Note(text=name)] * 5)
    ahead = start_worker(Options(concurrency=2))
    eventually(lambda: len(jobs.starts.get(name, ())) == 5)
    ahead.drain()
    monkeypatch.setattr(time, "time", real)
    publisher.publish_many(jobs.start_at_a_rate, [jobs.Note(text=name)] * 5)
    start_worker(Options(concurrency=2))
    eventually(lambda: len(jobs.starts[name]) == 10, 5)
    assert connection.zcard(f"rq:scheduled:{queue}") == 0


def test_so_many_at_once_per_key(publisher: Publisher, start_worker: Start) -> None:
    one, other = uuid4().hex, uuid4().hex
    for text in (one, other):
        publisher.publish_many(jobs.two_at_once, [jobs.Note(text=text, seconds=0.1)] * 8)
    start_worker(Options(concurrency=10))
    start_worker(Options(concurrency=10))
    eventually(lambda: jobs.ran.count(one) == jobs.ran.count(other) == 8, 30)
    assert (jobs.most_at_once[one], jobs.most_at_once[other]) == (2, 2)


def test_waiting_for_others_holds_no_slot(publisher: Publisher, start_worker: Start) -> None:
    text, free = uuid4().hex, uuid4().hex
    publisher.publish_many(jobs.two_at_once, [jobs.Note(text=text, seconds=0.5)] * 6)
    publisher.publish(jobs.note, jobs.Note(text=free))
    start_worker(Options(concurrency=3))
    eventually(lambda: free in jobs.ran)
    assert jobs.ran.count(text) < 6
    eventually(lambda: jobs.ran.count(text) == 6, 20)


@pytest.mark.parametrize("make", [lambda: Rate(0), lambda: Rate(1, per=0), lambda: AtOnce(0)])
def test_nonsense_limits_are_refused(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"rate|limit"):
        make()
