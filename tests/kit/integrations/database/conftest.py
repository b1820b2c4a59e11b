"""A database per kind, its tables up to date, and a way to look at what the jobs did."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import database_jobs as jobs
import pytest
from database_servers import Server
from database_support import Database, prepare
from database_workers import Workers
from redis import Redis
from rq.job import Job
from rq.serializers import JSONSerializer

from support import eventually
from support import prepare as prepare_folder
from worker_payment.kit.engine import FailedJob, Options, Publisher
from worker_payment.kit.integrations.database.instances import (
    close_instances,
)
from worker_payment.kit.integrations.database.lifecycle import (
    on_failed,
)


@pytest.fixture(autouse=True)
def _variables_of_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings are read whole: other chosen modules must find theirs."""
    prepare_folder(tmp_path)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def database(
    server: Server, queue: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Database]:
    """The worker's databases on a server of each kind; at rest when the test ends."""
    made = prepare(server.config(), queue, redis_url, monkeypatch)
    jobs.gate.clear()
    yield made
    jobs.gate.set()
    eventually(lambda: made.engine.pool.checkedout() == 0)  # else one was not given back
    made.engine.dispose()  # a test may have put another one in its place
    close_instances()


@pytest.fixture
def run(
    publisher: Publisher, start_worker: Callable[..., Any], connection: Redis
) -> Callable[..., list[Job]]:
    """Publish jobs, run a worker, and return them when all have ended."""

    kept: set[str] = set()

    def keep(job: FailedJob) -> None:
        on_failed(job)
        kept.add(job.job_id)

    def ended(job: Job) -> bool:
        return job.get_status() == "finished" or job.id in kept

    def publish_and_wait(processor: Any, *payloads: Any, concurrency: int = 5) -> list[Job]:
        receipts = publisher.publish_many(processor, payloads)
        kept.difference_update(receipt.job_id for receipt in receipts)
        start_worker(Options(concurrency=concurrency), failed=keep)
        found = [Job.fetch(r.job_id, connection, serializer=JSONSerializer) for r in receipts]
        eventually(lambda: all(ended(job) for job in found), timeout=60)
        return found

    return publish_and_wait


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
