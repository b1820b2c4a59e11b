"""Killed workers and a stopped database, under load: nothing lost, nothing done twice.

The usual run is a short form on PostgreSQL. CHAOS_JOBS=2000 and CHAOS_OUTAGE=30 (seconds) make
the long one, and kill workers on every kind of database.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter

import database_jobs as jobs
import pytest
from database_servers import KINDS
from database_support import Database
from redis import Redis
from rq import Queue
from rq.registry import FailedJobRegistry, StartedJobRegistry
from rq.serializers import JSONSerializer

from support import eventually
from worker_payment.kit.engine import Publisher

JOBS = int(os.environ.get("CHAOS_JOBS", "200"))
TARGETS = max(1, JOBS // 4)
OUTAGE = float(os.environ.get("CHAOS_OUTAGE", "2"))  # seconds
KILLED_ON = sorted(KINDS) if "CHAOS_JOBS" in os.environ else ["postgresql"]
pytestmark = pytest.mark.timeout(300 + OUTAGE * 4)


class State:
    """What Redis says about the test's queue."""

    def __init__(self, queue: str, connection: Redis) -> None:
        self.queue = Queue(queue, connection=connection, serializer=JSONSerializer)

    def counts(self) -> dict[str, int]:
        """Jobs by where they are."""
        scheduled = self.queue.scheduled_job_registry.get_job_ids(cleanup=False)
        started = StartedJobRegistry(queue=self.queue).get_job_ids(cleanup=False)
        failed = FailedJobRegistry(queue=self.queue).get_job_ids(cleanup=False)
        return {
            "waiting": len(self.queue.get_job_ids()),
            "scheduled": len(scheduled),
            "started": len(started),
            "failed": len(failed),
        }

    def at_rest(self) -> bool:
        """Whether no job waits or runs."""
        found = self.counts()
        return not (found["waiting"] or found["scheduled"] or found["started"])


def publish(publisher: Publisher) -> list[str]:
    """Four jobs per target, in random order."""
    names = [f"T-{time.monotonic_ns()}-{number}" for number in range(TARGETS)]
    wanted = [jobs.Work(target=names[number % TARGETS]) for number in range(JOBS)]
    random.shuffle(wanted)
    publisher.publish_many(jobs.patient, wanted)
    return names


def assert_each_once(database: Database, names: list[str]) -> None:
    """Every target took effect once, and its row says so."""
    found = database.effects(*names)
    wrong = {name: found[name] for name in names if found[name] != 1}
    assert not wrong
    states = Counter(row.state for row in database.records())
    assert states == {"done": len(names)}


@pytest.mark.parametrize("server", KILLED_ON, indirect=True)
def test_killed_workers(database, redis_url, connection, publisher, workers):
    """Two processes, one of them killed again and again: each target exactly once."""
    names = publish(publisher)
    state = State(database.queue, connection)
    crew = workers(database, redis_url)
    for _ in range(2):
        crew.start()
    kills = 0
    end = time.monotonic() + 240
    while not state.at_rest():
        assert time.monotonic() < end, state.counts()
        time.sleep(random.uniform(1.0, 2.0))
        left = state.counts()
        if kills < max(2, JOBS // 200) and left["waiting"]:
            crew.kill_one()
            crew.start()
            kills += 1
    crew.stop()
    assert state.counts()["failed"] == 0
    assert_each_once(database, names)


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_a_stopped_database(server, database, redis_url, connection, publisher, workers):
    """It goes away in the middle and comes back: jobs are retried, the process stays alive."""
    names = publish(publisher)
    state = State(database.queue, connection)
    crew = workers(database, redis_url)
    crew.start()
    eventually(lambda: database.effects(*names), timeout=30)
    server.stop()
    database.engine.dispose()
    time.sleep(OUTAGE)
    server.start()
    eventually(state.at_rest, timeout=200)
    assert crew.running[0].poll() is None
    crew.stop()
    assert state.counts()["failed"] == 0
    assert_each_once(database, names)
