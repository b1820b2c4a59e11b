"""PostgreSQL behind PgBouncer: clients share server connections and must not notice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

import database_jobs as jobs
import pytest
from counting_line import counting_line
from database_servers import PgBouncer, PostgresServer, Server, demand
from database_support import Database, context, prepare
from rq.job import JobStatus
from sqlalchemy import func, insert, select, text

from support import eventually
from worker_payment.kit.engine import Options, processor
from worker_payment.kit.integrations.database import lifecycle
from worker_payment.kit.integrations.database.engines import make_engine
from worker_payment.kit.integrations.database.instances import close_instances
from worker_payment.kit.integrations.database.records import JobRecord, take
from worker_payment.kit.integrations.database.session import job_session

COUNT = 100  # jobs of each kind: enough for psycopg to prepare their statements


@pytest.fixture(scope="session")
def postgres(shared_server: Callable[[str], Server]) -> PostgresServer:
    """The server behind the pooler."""
    server = shared_server("postgresql")
    assert isinstance(server, PostgresServer)
    return server


@pytest.fixture(scope="module", params=["transaction", "session"])
def bouncer(request: pytest.FixtureRequest, postgres: PostgresServer) -> Iterator[PgBouncer]:
    """A pooler in either mode. In session mode it needs a connection per client."""
    demand("pgbouncer", "pgbouncer")
    made = PgBouncer(postgres, request.param, size=3 if request.param == "transaction" else 40)
    try:
        yield made.start()
    finally:
        made.remove()


@pytest.fixture
def pooled(
    bouncer: PgBouncer, queue: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Database]:
    """The worker's database as seen through the pooler."""
    monkeypatch.setenv("WORKER_CONCURRENCY", "20")
    made = prepare(bouncer.config(), queue, redis_url, monkeypatch)
    jobs.gate.clear()
    yield made
    eventually(lambda: made.engine.pool.checkedout() == 0)
    close_instances()


@processor(attempts=1, target=lambda payload: payload.target)
def counting(payload: jobs.Work, session: jobs.Session) -> int:
    """Another kind of job, with other statements of the same form."""
    found = session.scalar(
        select(func.count())
        .select_from(jobs.effects)
        .where(jobs.effects.c.target == payload.target)
    )
    assert found == 0, "another job's statement ran in place of this one"
    session.execute(insert(jobs.effects).values(target=payload.target))
    return int(found)


@processor(attempts=1, target=lambda payload: payload.target)
def adding(payload: jobs.Work, session: jobs.Session) -> int:
    """A third kind."""
    session.execute(insert(jobs.effects).values(target=payload.target))
    (length,) = session.execute(text("SELECT length(:it)"), {"it": payload.target}).one()
    assert length == len(payload.target)
    return int(length)


def test_twenty_jobs_of_two_kinds_at_once(pooled, run):
    """Each takes effect once, at its first attempt, and runs its own statements."""
    for job in (counting, adding):
        # Together in one worker: their statements meet on the same few server connections.
        names = [uuid4().hex for _ in range(COUNT)]
        found = run(job, *(jobs.Work(target=name) for name in names), concurrency=20)
        assert {each.get_status() for each in found} == {JobStatus.FINISHED}
        assert pooled.effects(*names) == dict.fromkeys(names, 1)
    assert {(row.state, row.attempts) for row in pooled.records()} == {("done", 1)}


def test_long_jobs_in_steps(pooled, run):
    """Each transaction may get another server connection: the record's number guards the row."""
    names = [uuid4().hex for _ in range(6)]
    run(jobs.settle, *(jobs.Rows(target=name, count=20, fails_at=11) for name in names))
    rows = [f"{name}-{number}" for name in names for number in range(20)]
    assert pooled.effects(*rows) == dict.fromkeys(rows, 1)
    assert {(row.state, row.attempts) for row in pooled.records()} == {("done", 3)}


def test_two_kinds_in_one_queue(pooled, publisher, start_worker, connection):
    """Mixed with each other, over the same connections."""
    names = [uuid4().hex for _ in range(2 * COUNT)]
    for first, second in zip(names[::2], names[1::2], strict=True):
        publisher.publish(counting, jobs.Work(target=first))
        publisher.publish(adding, jobs.Work(target=second))
    start_worker(Options(concurrency=20))
    eventually(lambda: len(pooled.records()) == len(names), timeout=60)
    assert pooled.effects(*names) == dict.fromkeys(names, 1)
    assert {(row.state, row.attempts) for row in pooled.records()} == {("done", 1)}


def test_time_limits_hold_in_the_transaction_alone(pooled, postgres):
    """They are set for each transaction, and no stranger inherits them."""
    config = pooled.shared.config("MAIN").model_copy(update={"lock_timeout": 700})
    impatient = make_engine(config, pool_size=2, statement_timeout=12_000)
    target = uuid4().hex
    with impatient.connect() as connection:
        for _ in range(2):
            assert connection.scalar(text("SHOW lock_timeout")) == "700ms"
            assert connection.scalar(text("SHOW statement_timeout")) == "12s"
            connection.commit()
    with impatient.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        assert connection.scalar(text("SHOW lock_timeout")) == "0"
    with pooled.engine.connect() as holder, impatient.connect() as other:
        take(holder, JobRecord.of(context(target), "worker"))
        with pytest.raises(Exception, match="55P03"):
            take(other, JobRecord.of(context(target), "worker"))
        holder.rollback()
    impatient.dispose()


def test_check_says_that_there_is_a_pooler(pooled):
    assert "through a connection pooler" in lifecycle.check()


def trips(config, queue, redis_url, monkeypatch) -> int:
    """How often a job that inserts one row asks the database."""
    with counting_line(config["port"]) as line:
        prepare(config | {"port": line.port}, queue, redis_url, monkeypatch)
        try:
            with job_session(context(uuid4().hex)):
                pass  # connects
            before = line.trips
            with job_session(context(uuid4().hex)) as session:
                session.execute(insert(jobs.effects).values(target=uuid4().hex))
            return line.trips - before
        finally:
            close_instances()


def test_a_job_asks_three_times(postgres, queue, redis_url, monkeypatch):
    """BEGIN goes along with the record; the row and COMMIT follow."""
    assert trips(postgres.config(), queue, redis_url, monkeypatch) == 3


def test_a_job_asks_three_times_through_a_pooler(bouncer, queue, redis_url, monkeypatch):
    """So do the time limits, which each transaction has to set there."""
    assert trips(bouncer.config(), queue, redis_url, monkeypatch) == 3


def test_a_database_of_another_encoding(postgres, queue, redis_url, monkeypatch):
    """Its record is inserted by psycopg, which knows what becomes of a text there."""
    postgres.execute("DROP DATABASE IF EXISTS latin")
    postgres.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    latin = prepare(postgres.config() | {"database": "latin"}, queue, redis_url, monkeypatch)
    try:
        with job_session(context("Müller")):
            pass
        (row,) = latin.records_of("Müller")
        assert (row.state, row.attempts) == ("done", 1)
    finally:
        close_instances()


def test_without_a_pooler_statements_are_prepared(postgres, queue, redis_url, monkeypatch):
    """The care that a pooler needs costs nothing where there is none."""
    direct = prepare(postgres.config(), queue, redis_url, monkeypatch)
    try:
        assert "pooler" not in lifecycle.check()
        with direct.engine.connect() as connection:
            assert connection.scalar(text("SHOW lock_timeout")) == "30s"
            driver = connection.connection.driver_connection
            assert driver is not None
            assert driver.prepare_threshold == 5
    finally:
        close_instances()
