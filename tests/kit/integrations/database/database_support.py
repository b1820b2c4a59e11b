"""What the database's tests share beside fixtures."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import database_jobs as jobs
import pytest
from sqlalchemy import Row, select

from worker_payment.kit.engine.job.context import JobContext
from worker_payment.kit.integrations.database import schema
from worker_payment.kit.integrations.database.instances import (
    Instances,
    close_instances,
    instances,
)
from worker_payment.kit.integrations.database.tables import (
    failed_jobs,
    job_records,
)


class Database:
    """What a test asks the database.

    Args:
        shared: The worker's databases.
        queue: The test's queue.
        config: `DATABASE_CONFIG` as JSON, for a process.
    """

    def __init__(self, shared: Instances, queue: str, config: str) -> None:
        self.shared = shared
        self.queue = queue
        self.config = config
        self.engine = shared.main

    def effects(self, *targets: str) -> Counter[str]:
        """How often each target's job took effect."""
        wanted = select(jobs.effects.c.target).where(jobs.effects.c.target.in_(targets))
        with self.engine.connect() as connection:
            return Counter(connection.scalars(wanted))

    def records(self) -> list[Row[Any]]:
        """The rows of this test's queue."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(job_records).where(job_records.c.queue == self.queue))
            return list(rows)

    def records_of(self, target: str) -> list[Row[Any]]:
        """The row of a target, whatever its queue."""
        with self.engine.connect() as connection:
            wanted = select(job_records).where(job_records.c.target_id == target)
            return list(connection.execute(wanted))

    def failed(self) -> list[Row[Any]]:
        """The failed jobs of this test's queue."""
        statement = select(failed_jobs).where(failed_jobs.c.queue == self.queue)
        with self.engine.connect() as connection:
            return list(connection.execute(statement.order_by(failed_jobs.c.id)))


def prepare(
    config: dict[str, Any], queue: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> Database:
    """Point the worker at a database and bring its tables up to date."""
    text = json.dumps({"instances": {"MAIN": config}})
    monkeypatch.setenv("DATABASE_CONFIG", text)
    monkeypatch.setenv("WORKER_QUEUE", queue)
    monkeypatch.setenv("REDIS_URL", redis_url)
    close_instances()
    schema.upgrade(instances(), "MAIN")
    jobs.effects.metadata.create_all(instances().main)
    return Database(instances(), queue, text)


def context(target: str, *, queue: str = "q", job_id: str = "job") -> JobContext:
    """An attempt on a target."""
    payload = jobs.Work(target=target)
    return JobContext(job_id, "jobs.test", 1, 1, queue, payload, target)
