"""Killed workers and a stopped database, under load: nothing lost, nothing done twice.

The usual run is a short form on PostgreSQL. CHAOS_JOBS=2000 and CHAOS_OUTAGE=30 (seconds) make
the long one, and kill workers on every kind of database.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import database_jobs as jobs
import pytest
from database_servers import KINDS
from database_support import Database
from redis import Redis
from rq import Queue
from rq.registry import FailedJobRegistry, StartedJobRegistry
from rq.serializers import JSONSerializer

from support import eventually, prepare
from worker_payment.kit.engine import Publisher

JOBS = int(os.environ.get("CHAOS_JOBS", "200"))
TARGETS = max(1, JOBS // 4)
OUTAGE = float(os.environ.get("CHAOS_OUTAGE", "2"))  # seconds
KILLED_ON = sorted(KINDS) if "CHAOS_JOBS" in os.environ else ["postgresql"]
pytestmark = pytest.mark.timeout(300 + OUTAGE * 4)


class Workers:
    """Worker processes on the test's queue and database, killed and replaced at will.

    Args:
        folder: Where they run.
        variables: Their environment.
    """

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        prepare(folder)
        self._folder = folder
        self._variables = variables
        self._script = Path(__file__).with_name("database_worker.py")
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start one more."""
        number = time.monotonic_ns()
        health = {"WORKER_HEALTH_FILE": str(self._folder / f"{number}.health")}
        with (self._folder / f"{number}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, str(self._script), "run"],
                cwd=self._folder,
                env=os.environ | self._variables | health,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.running.append(process)

    def kill_one(self) -> None:
        """End one as the kernel would."""
        process = self.running.pop(random.randrange(len(self.running)))
        process.send_signal(signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        """Let all end in order; they leave with 0."""
        for process in self.running:
            process.terminate()
        codes = [process.wait(timeout=60) for process in self.running]
        self.running.clear()
        # One that was started a moment ago may not have its handlers yet.
        assert set(codes) <= {0, -signal.SIGTERM}, codes


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


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Any]:
    """Makes `Workers`; whatever still runs at the end is killed."""
    made: list[Workers] = []

    def make(database: Database, redis_url: str) -> Workers:
        variables = {
            "DATABASE_CONFIG": database.config,
            "REDIS_URL": redis_url,
            "WORKER_QUEUE": database.queue,
            "WORKER_CONCURRENCY": "4",
            "WORKER_LEASE": "4",
            "WORKER_DELIVERY_LIMIT": "50",
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        made.append(Workers(tmp_path, variables))
        return made[-1]

    yield make
    for each in made:
        for process in each.running:
            process.kill()
            process.wait()


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
