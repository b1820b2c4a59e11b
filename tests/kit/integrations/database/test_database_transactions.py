"""What ends a job's transaction early: collisions, time limits, lost connections."""

from __future__ import annotations

import asyncio
import os
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

import database_jobs as jobs
import pytest
from database_support import Database, context
from rq.job import JobStatus
from sqlalchemy import Engine, event, insert, text, update

from support import eventually
from worker_payment.kit.breaker import breakers
from worker_payment.kit.engine import (
    Duplicate,
    OutageError,
    PermanentError,
    processor,
)
from worker_payment.kit.engine.job.context import JobContext
from worker_payment.kit.integrations.database import Instance, Session, records, transaction
from worker_payment.kit.integrations.database.engines import (
    make_engine,
)
from worker_payment.kit.integrations.database.errors import (
    BusyError,
    ConflictError,
    PoolExhaustedError,
)
from worker_payment.kit.integrations.database.records import JobRecord, take
from worker_payment.kit.integrations.database.session import (
    job_session,
)

FAILURES = int(os.environ.get("CHAOS_JOBS", "400")) // 2


@contextmanager
def counted(engine: Engine):
    """Count the statements that an engine sends."""
    statements: list[str] = []

    def note(connection, cursor, statement, *rest):
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


def test_a_record_costs_one_statement(database: Database):
    """MariaDB's upsert does not tell whether it changed the row, so the row is marked in the end.

    PostgreSQL's goes along with BEGIN, which SQLAlchemy does not see.
    """
    with counted(database.engine) as statements, job_session(context(uuid4().hex)):
        pass
    own = [each for each in statements if "BEGIN" not in each]  # SQLite's is one of its own
    expected = {"mariadb": 2, "sqlite": 1, "postgresql": 0}
    assert len(own) == expected[database.engine.dialect.name], own


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_a_stricter_isolation_level_holds(database: Database, monkeypatch):
    """The record begins the transaction as the owner wants it."""
    strict = database.engine.execution_options(isolation_level="SERIALIZABLE")
    monkeypatch.setitem(database.shared._engines, "MAIN", strict)
    with job_session(context(uuid4().hex)) as session:
        assert session.scalar(text("SHOW transaction_isolation")) == "serializable"


@pytest.mark.parametrize("server", ["mariadb"], indirect=True)
def test_a_mysql_that_cannot_return_rows_is_asked(database: Database, monkeypatch):
    """MySQL has no RETURNING: the row is looked at after it was locked."""
    monkeypatch.setattr(database.engine.dialect, "insert_returning", False)
    target = uuid4().hex
    with counted(database.engine) as statements, job_session(context(target)):
        pass
    assert len(statements) == 3
    with pytest.raises(Duplicate), job_session(context(target)):
        pytest.fail("the target is done")


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_the_pool_is_at_rest_after_many_failing_jobs(database: Database):
    """Each takes a connection for itself, and another one to count its failure."""
    for number in range(FAILURES):
        with pytest.raises(ValueError, match="leak"), job_session(context(f"leak-{number % 50}")):
            raise ValueError("leak")
    assert database.engine.pool.checkedout() == 0
    assert database.engine.pool.checkedin() <= 2


def test_a_job_that_runs_out_of_time_leaves_nothing(database, run):
    target = f"T-{uuid4().hex}"
    (job,) = run(jobs.sleep, jobs.Work(target=target))
    assert job.get_status() == JobStatus.FAILED
    assert not database.effects(target)
    (row,) = database.records()
    assert (row.state, row.error.partition(":")[0]) == ("failed", "JobTimeoutException")
    (failed,) = eventually(database.failed)
    assert "JobTimeoutException" in failed.traceback


@pytest.mark.parametrize("server", ["postgresql", "mariadb"], indirect=True)
def test_a_deadlock_is_retried(database, run):
    """Two jobs lock the same two rows in opposite orders: one is broken off and runs again."""
    first, second = (f"T-{uuid4().hex}" for _ in range(2))
    run(jobs.write, jobs.Work(target=first), jobs.Work(target=second))
    forth = jobs.Work(target=f"{first}-forth", note=f"{first},{second}")
    back = jobs.Work(target=f"{first}-back", note=f"{second},{first}")
    found = run(jobs.collide, forth, back)
    assert {job.get_status() for job in found} == {JobStatus.FINISHED}
    assert database.effects(forth.target, back.target) == {forth.target: 1, back.target: 1}
    assert sum(row.attempts for row in database.records() if "-" in row.target_id[2:]) >= 3


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_a_serialization_failure_is_worth_another_try(database: Database, monkeypatch):
    """Under a stricter isolation level the row that the job changes was changed meanwhile."""
    target = uuid4().hex
    with database.engine.begin() as connection:
        connection.execute(insert(jobs.effects).values(target=target))
    strict = database.engine.execution_options(isolation_level="REPEATABLE READ")
    monkeypatch.setitem(database.shared._engines, "MAIN", strict)
    change = update(jobs.effects).where(jobs.effects.c.target == target).values(target=target)

    def overtaken() -> None:
        with job_session(context(target)) as session:
            with database.engine.begin() as other:
                other.execute(change)
            session.execute(change)

    with pytest.raises(ConflictError) as caught:
        overtaken()
    assert 0 < caught.value.retry_after <= 1
    assert database.effects(target) == {target: 1}


def test_a_target_that_is_held_too_long_is_tried_later(database: Database, monkeypatch):
    target = uuid4().hex
    config = database.shared.config("MAIN").model_copy(update={"lock_timeout": 1_000})
    impatient = make_engine(config, pool_size=2, statement_timeout=0)
    with database.engine.connect() as holder:
        take(holder, JobRecord.of(context(target), "worker"))
        monkeypatch.setitem(database.shared._engines, "MAIN", impatient)
        with pytest.raises(BusyError), job_session(context(target)):
            pytest.fail("the target is not free")
        holder.rollback()
    impatient.dispose()


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_jobs_that_wait_for_each_others_connections_are_told_why(database: Database, monkeypatch):
    """The only connection holds the job's own transaction, and the job opens another one."""
    config = database.shared.config("MAIN").model_copy(update={"pool_size": 1, "pool_timeout": 200})
    narrow = make_engine(config, pool_size=1, statement_timeout=0)
    monkeypatch.setitem(database.shared._engines, "MAIN", narrow)

    def open_another() -> None:
        with job_session(context(uuid4().hex)), transaction() as other:
            other.execute(text("SELECT 1"))

    with pytest.raises(PoolExhaustedError, match="set poolSize in DATABASE_CONFIG above"):
        open_another()
    narrow.dispose()


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_a_cut_connection_takes_the_whole_transaction_with_it(database: Database):
    target = uuid4().hex

    def cut() -> None:
        with job_session(context(target)) as session:
            own = session.scalar(text("SELECT pg_backend_pid()"))
            with database.engine.connect() as other:
                other.execute(text(f"SELECT pg_terminate_backend({own})"))
            session.execute(text("SELECT 1"))

    with pytest.raises(OutageError):
        cut()
    eventually(lambda: not breakers.away())
    with job_session(context(target)):
        pass  # it can run again, on a connection that works


def test_a_coroutine_gets_no_session(database):
    @processor(attempts=1)
    async def coroutine(payload: jobs.Work, session: Session) -> None:
        pytest.fail("it would block the event loop")

    with pytest.raises(PermanentError, match="plain `def`"):
        asyncio.run(coroutine(jobs.Work(target="x")))


def test_two_sessions_are_refused_when_the_processor_is_declared():
    """They could end differently, and one transaction would not be one."""
    with pytest.raises(TypeError, match="once only"):

        @processor
        def two(
            payload: jobs.Work, one: Session, other: Annotated[Session, Instance("STATS")]
        ) -> None: ...


def test_a_processor_called_directly_is_never_a_duplicate_of_itself(database: Database):
    """It has no job id; without a target there is nothing it could repeat."""
    for _ in range(2):
        with job_session(JobContext("direct", "jobs.test", 1, 1, "", jobs.Work(target="x"))):
            pass


def test_a_record_of_a_longer_job_tells_when_it_ended(database: Database, monkeypatch):
    monkeypatch.setattr(records, "_AT_ONCE", 0.0)
    target = uuid4().hex
    with job_session(context(target)):
        begun = datetime.now(UTC)
    (row,) = database.records_of(target)
    assert row.finished_at >= begun
