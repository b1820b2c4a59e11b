"""Exactly one replica publishes a run; a missed one is treated as the schedule says."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

import engine_jobs as jobs
from program import program
from support import eventually
from worker_payment.kit.engine import Publisher
from worker_payment.kit.scheduling import Schedule, Ticker, ticker

START = datetime(2026, 1, 1, 2, 59, 50, tzinfo=UTC)


class Clock:
    """A clock that tests set."""

    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now

    def forward(self, **span):
        """Let time pass."""
        self.now += timedelta(**span)


@pytest.fixture
def clock():
    """Ten seconds before three."""
    return Clock()


def nightly(missed="once"):
    """Every night at three."""

    def payload(due):
        return jobs.Note(text=due.isoformat())

    return Schedule(f"n{uuid4().hex}", jobs.note, "0 3 * * *", payload, ZoneInfo("UTC"), missed)


def waiting(connection, queue):
    """Ids of the jobs that wait."""
    return [each.decode() for each in connection.lrange(f"rq:queue:{queue}", 0, -1)]


def test_a_run_is_published_when_it_is_due(publisher, connection, queue, clock):
    each = nightly()
    ticker = Ticker(publisher, [each], clock)
    assert ticker.tick() == 0  # seen for the first time: nothing was missed
    clock.forward(seconds=9)
    assert ticker.tick() == 0
    clock.forward(seconds=1)
    assert [ticker.tick(), ticker.tick()] == [1, 0]
    assert waiting(connection, queue) == [f"{each.name}-20260101T030000Z"]
    clock.forward(days=1)
    assert ticker.tick() == 1


def test_a_schedule_may_name_its_queue(publisher, connection, queue, clock):
    ticker = Ticker(publisher, [replace(nightly(), queue=f"{queue}-low")], clock)
    ticker.tick()
    clock.forward(days=1)
    assert ticker.tick() == 1
    assert (len(waiting(connection, queue)), len(waiting(connection, f"{queue}-low"))) == (0, 1)


def test_many_replicas_publish_each_once(redis_url, connection, queue, clock):
    """Several are due at the same time, and the replicas are not at the same one."""
    due = [nightly() for _ in range(5)]
    clients = [Redis.from_url(redis_url) for _ in range(8)]
    tickers = [
        Ticker(Publisher(client, queue), due[number % 5 :] + due[: number % 5], clock)
        for number, client in enumerate(clients)
    ]
    tickers[0].tick()
    for _ in range(20):
        clock.forward(days=1)
        start = threading.Barrier(len(tickers))
        published = []

        def race(ticker, start=start, published=published):
            start.wait()
            published.append(ticker.tick())

        threads = [threading.Thread(target=race, args=(ticker,)) for ticker in tickers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(published) == len(due)
    assert len(waiting(connection, queue)) == 20 * len(due)
    for client in clients:
        client.close()


def test_a_run_that_falls_due_just_after_a_look_is_not_late(publisher, connection, queue):
    """The time comes between the look and the question how long to wait for the next one."""
    readings = iter([START, START + timedelta(seconds=11), START + timedelta(seconds=12)])
    ticker = Ticker(publisher, [nightly()], lambda: next(readings, START + timedelta(seconds=13)))
    ticker.start()
    eventually(lambda: len(waiting(connection, queue)) == 1)
    ticker.close()


@pytest.mark.parametrize(("missed", "jobs_queued"), [("once", 1), ("skip", 0)])
def test_nights_without_a_replica(publisher, connection, queue, clock, missed, jobs_queued):
    each = nightly(missed)
    Ticker(publisher, [each], clock).tick()
    clock.forward(days=3, hours=5)
    later = Ticker(publisher, [each], clock)
    assert later.tick() == jobs_queued
    assert len(waiting(connection, queue)) == jobs_queued
    clock.forward(days=1)
    clock.now = clock.now.replace(hour=3, minute=0, second=1)
    assert later.tick() == 1  # the next one comes as ever


def test_a_changed_definition_begins_anew(publisher, connection, queue, clock):
    before = nightly()
    Ticker(publisher, [before], clock).tick()
    clock.forward(hours=5)
    after = Schedule(before.name, jobs.note, "0 4 * * *", before.payload, ZoneInfo("UTC"), "once")
    assert Ticker(publisher, [after], clock).tick() == 0


def test_a_run_whose_job_still_waits_is_a_duplicate(publisher, connection, queue, clock):
    each = nightly()
    ticker = Ticker(publisher, [each], clock)
    ticker.tick()
    clock.forward(seconds=10)
    publisher.publish(jobs.note, jobs.Note(text="x"), job_id=f"{each.name}-20260101T030000Z")
    assert ticker.tick() == 0
    assert len(waiting(connection, queue)) == 1


def test_a_payload_that_cannot_be_made_is_named_and_stops_no_other(
    publisher, connection, queue, clock
):
    def broken(due):
        raise LookupError("not today")

    each = Schedule("a-broken-one", jobs.note, "0 3 * * *", broken, ZoneInfo("UTC"), "once")
    other = nightly()
    ticker = Ticker(publisher, [each, other], clock)
    ticker.tick()
    clock.forward(seconds=10)
    with structlog.testing.capture_logs() as lines:
        assert [ticker.tick(), ticker.tick()] == [1, 0]
    assert waiting(connection, queue) == [f"{other.name}-20260101T030000Z"]
    errors = [line for line in lines if line["event"] == "schedule.error"]
    assert [line["schedule"] for line in errors] == ["a-broken-one"] * 2  # tried at every look


def test_what_is_due_at_one_moment_is_published_by_one_transaction(
    publisher, connection, queue, clock
):
    def transactions():
        return connection.info("commandstats").get("cmdstat_exec", {"calls": 0})["calls"]

    each = nightly()
    ticker = Ticker(publisher, [replace(each, name=f"{each.name}-{n}") for n in range(20)], clock)
    ticker.tick()
    clock.forward(seconds=10)
    before = transactions()
    assert [ticker.tick(), ticker.tick()] == [20, 0]
    assert transactions() == before + 1
    assert len(waiting(connection, queue)) == 20


def test_without_a_clock_of_the_test_the_time_is_the_servers(publisher):
    seconds, _ = publisher.connection.time()
    assert abs(Ticker(publisher, [])._server_time().timestamp() - seconds) < 2


def test_the_thread_outlives_an_outage(redis_server, queue, monkeypatch):
    monkeypatch.setattr(ticker, "_PAUSE", 0.2)
    each = Schedule(
        "m", jobs.note, "* * * * *", lambda due: jobs.Note(text="x"), ZoneInfo("UTC"), "once"
    )
    redis_server.stop()
    clock = Clock()
    clock.forward(seconds=9)  # a second before the first run
    with Redis(port=redis_server.port, retry=Retry(NoBackoff(), 0)) as client:
        started = Ticker(Publisher(client, queue), [each], clock)
        started.start()
        redis_server.start()
        eventually(lambda: client.exists(f"rq:schedules:{queue}"), 20)
        clock.forward(minutes=1)
        eventually(lambda: waiting(client, queue), 20)
        started.close()


def test_the_worker_keeps_time(tmp_path, redis_url, queue, connection):
    with program(tmp_path, redis_url, queue, WORKER_CONCURRENCY="1") as worker:
        worker.wait_for("worker.start")
        # The tests' jobs have a schedule; its state is there from the first look.
        eventually(lambda: connection.hlen(f"rq:schedules:{queue}") >= 1, 10)
        worker.signal()
        assert worker.exit_code() == 0
