"""Old rows leave, bounded and by queue; new ones and other workers' stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import database_jobs as jobs
from database_support import Database
from redis import Redis
from sqlalchemy import update

from support import eventually
from worker_payment.kit.engine import FailedJob
from worker_payment.kit.engine.job.context import JobContext
from worker_payment.kit.integrations.database import (
    failures,
    retention,
)
from worker_payment.kit.integrations.database.housekeeping import (
    Housekeeping,
)
from worker_payment.kit.integrations.database.session import (
    job_session,
)
from worker_payment.kit.integrations.database.tables import job_records

LONG_AGO = datetime.now(UTC) - timedelta(days=100)


def work(database: Database, target: str) -> None:
    """Do a target's work."""
    payload = jobs.Work(target=target)
    with job_session(JobContext("j", "jobs.r", 1, 1, database.queue, payload, target)):
        pass


def age(database: Database, *targets: str) -> None:
    """Make rows look old."""
    old = (
        update(job_records).where(job_records.c.target_id.in_(targets)).values(finished_at=LONG_AGO)
    )
    with database.engine.begin() as connection:
        connection.execute(old)


def test_old_done_rows_leave_and_new_ones_stay(database: Database, monkeypatch):
    names = [uuid4().hex for _ in range(7)]
    for name in names:
        work(database, name)
    age(database, *names[:5])
    monkeypatch.setattr(retention, "_BATCH", 2)
    clean = retention.clean_records
    assert clean(database.engine, ["another queue"], done_days=90, failed_days=90) == 0
    assert clean(database.engine, [database.queue], done_days=0, failed_days=0) == 0
    assert clean(database.engine, [database.queue], done_days=90, failed_days=0) == 5
    assert {row.target_id for row in database.records()} == set(names[5:])


def test_it_runs_by_itself(database: Database, redis_url: str):
    """Housekeeping cleans when it starts, and stops when it is told to."""
    name = uuid4().hex
    work(database, name)
    age(database, name)
    job = FailedJob("f", "jobs.r", "jobs.r", {}, database.queue, 1, "e", "t", "w")
    failures.record(database.engine, job, failed_at=datetime.now(UTC) - timedelta(days=400))
    housekeeping = Housekeeping(database.shared, Redis.from_url(redis_url))
    housekeeping.start()
    eventually(lambda: not database.records() and not database.failed())
    housekeeping.close()
