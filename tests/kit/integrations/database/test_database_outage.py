"""The database away: at the start, under work, for a moment. It costs no job an attempt."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import database_jobs as jobs
import pytest
from database_servers import PostgresServer
from database_support import Database, context
from preloaded import PreloadedProgram, run_preloaded
from redis import Redis
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer
from sqlalchemy import text

from support import NOBODY, eventually
from worker_payment.kit.breaker import breakers
from worker_payment.kit.engine import Options, OutageError
from worker_payment.kit.integrations.database import transaction
from worker_payment.kit.integrations.database.errors import LostConnectionError
from worker_payment.kit.integrations.database.session import job_session

on_postgresql = pytest.mark.parametrize("server", ["postgresql"], indirect=True)
WORKER = Path(__file__).with_name("database_worker.py")
HEALTH = {"WORKER_HEALTH_FILE": "worker.health"}  # in the test's folder: others have workers, too


@contextmanager
def running(folder: Path, **variables: str) -> Iterator[tuple[PreloadedProgram, Path]]:
    """A worker process and the file of its log."""
    log = folder / "worker.log"
    with log.open("wb") as file:
        process = PreloadedProgram(
            [str(WORKER), "run"],
            cwd=folder,
            env=os.environ
            | {"WORKER_LEASE": "4", "DATABASE_BREAKER": '{"longestPause":2000}'}
            | HEALTH
            | variables,
            stdout=file,
            stderr=file,
        )
    try:
        yield process, log
    finally:
        process.kill()
        process.wait()


def command(*arguments: str) -> tuple[int, str]:
    """A command of the worker, in the same folder."""
    done = run_preloaded([str(WORKER), *arguments], env=os.environ | HEALTH)
    return done.returncode, done.stdout + done.stderr


def fetched(connection: Redis, *receipts: object) -> list[Job]:
    """The jobs as Redis has them now."""
    found = [each.job_id for each in receipts]
    return [Job.fetch(each, connection, serializer=JSONSerializer) for each in found]


@on_postgresql
def test_jobs_wait_for_a_database_that_is_away(
    server, database, publisher, connection, tmp_path, monkeypatch
):
    """A worker under load loses its database: no attempt is spent, and others go on."""
    monkeypatch.chdir(tmp_path)
    with running(tmp_path, WORKER_CONCURRENCY="4") as (process, log):
        (first,) = publisher.publish_many(jobs.write, [jobs.Work(target=uuid4().hex)])
        eventually(lambda: fetched(connection, first)[0].get_status() == "finished", timeout=30)
        server.stop()
        database.engine.dispose()
        wanted = [jobs.Work(target=uuid4().hex) for _ in range(40)]
        receipts = publisher.publish_many(jobs.write, wanted)
        (other,) = publisher.publish_many(jobs.free, [jobs.Work(target="x")])
        eventually(lambda: "outage.begin" in log.read_text(), timeout=20)
        eventually(lambda: fetched(connection, other)[0].get_status() == "finished", timeout=20)
        code, said = eventually(lambda: (found := command("health", "--ready"))[0] == 2 and found)
        assert "database MAIN is away" in said
        shown = eventually(
            lambda: "database MAIN is away" in (out := command("stats", "--json")[1]) and out,
            timeout=20,
        )
        assert json.loads(shown.splitlines()[-1])["workers"][0]["away"].startswith("database MAIN")
        code, said = command("failed", "list")
        assert (code, "Traceback" in said) == (4, False)
        server.start()
        eventually(
            lambda: {job.get_status() for job in fetched(connection, *receipts)} == {"finished"},
            timeout=60,
        )
        assert process.poll() is None
        process.terminate()
        assert process.wait(timeout=30) == 0
    lines = log.read_text()
    assert "job.retry" not in lines
    assert "job.failed" not in lines
    assert "outage.end" in lines
    assert "Traceback" not in lines
    assert {job.number_of_retries or 0 for job in fetched(connection, *receipts)} == {0}
    assert database.effects(*(each.target for each in wanted)) == dict.fromkeys(
        (each.target for each in wanted), 1
    )
    assert {row.attempts for row in database.records()} == {1}
    assert command("health", "--ready")[0] == 1, "the worker has gone"


@on_postgresql
def test_a_restart_with_idle_connections_spends_no_attempt(server, database, run):
    """The pool's connections are dead, which the first statement of a job finds out."""
    targets = [uuid4().hex for _ in range(6)]
    run(jobs.write, *(jobs.Work(target=each) for each in targets[:3]), concurrency=3)
    server.stop()
    server.start()
    found = run(jobs.write, *(jobs.Work(target=each) for each in targets[3:]), concurrency=3)
    assert {(job.get_status(), job.number_of_retries) for job in found} == {
        (JobStatus.FINISHED, None)
    }
    assert {row.attempts for row in database.records()} == {1}


@on_postgresql
def test_a_server_that_ends_connections_spends_no_attempt(server, database):
    """A shutdown in the middle of a job: the server says so, so it is no fault of the job."""

    def interrupted() -> None:
        with job_session(context(uuid4().hex)) as session:
            own = session.scalar(text("SELECT pg_backend_pid()"))
            server.execute(f"SELECT pg_terminate_backend({own})")
            time.sleep(0.2)
            session.execute(text("SELECT 1"))

    with pytest.raises(OutageError, match=r"database MAIN is away .*AdminShutdown") as caught:
        interrupted()
    assert 0 < caught.value.retry_after < 5
    eventually(lambda: not breakers.away(), timeout=10)  # the probe finds it there
    with transaction() as session:
        assert session.scalar(text("SELECT 1")) == 1


@pytest.mark.parametrize("server", ["mariadb"], indirect=True)
def test_a_statement_that_breaks_its_connection_spends_an_attempt(server, database):
    """Else it would run for ever: the database is there, the connection alone is gone."""

    def slow() -> None:
        with job_session(context(uuid4().hex)) as session:
            raw = session.connection().connection.driver_connection
            raw._read_timeout = 0.5
            session.execute(text("SELECT SLEEP(5)"))

    with pytest.raises(LostConnectionError):
        slow()
    assert not breakers.away()


@on_postgresql
def test_an_outage_is_told_from_every_transaction(server, database):
    """Also from one that is opened by hand; afterwards nothing waits for the network."""
    server.stop()
    try:
        for _ in range(2):
            with (
                pytest.raises(OutageError, match="database MAIN is away"),
                transaction() as session,
            ):
                session.execute(text("SELECT 1"))
        with pytest.raises(OutageError), job_session(context(uuid4().hex)):
            pytest.fail("there is no database")
    finally:
        server.start()
    eventually(lambda: not breakers.away(), timeout=20)


@on_postgresql
def test_a_start_without_the_database_waits(server, queue, redis_url, tmp_path, monkeypatch):
    """It says where and why, is alive meanwhile, and begins when the database comes."""
    monkeypatch.chdir(tmp_path)
    config = json.dumps({"instances": {"MAIN": server.config()}})
    variables = {"DATABASE_CONFIG": config, "WORKER_QUEUE": queue, "REDIS_URL": redis_url}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    server.stop()
    with running(tmp_path) as (process, log):
        try:
            eventually(lambda: log.read_text().count("module.wait") >= 3, timeout=30)
            said = json.loads(log.read_text().splitlines()[-1])
            assert f"127.0.0.1:{server.port}/postgres" in said["error"]
            assert "refused" in said["error"]
            assert "Traceback" not in log.read_text()
            assert command("health")[0] == 0
        finally:
            server.start()
        eventually(lambda: "worker.start" in log.read_text(), timeout=30)
        process.terminate()
        assert process.wait(timeout=30) == 0


def test_a_start_that_waits_can_be_stopped(queue, redis_url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    main = {"dbms": "postgresql", "port": NOBODY, "database": "x"}
    variables = {"DATABASE_CONFIG": json.dumps({"instances": {"MAIN": main}})}
    variables |= {"WORKER_QUEUE": queue, "REDIS_URL": redis_url}
    with running(tmp_path, **variables) as (process, log):
        eventually(lambda: "module.wait" in log.read_text(), timeout=30)
        process.terminate()
        assert process.wait(timeout=15) == 0


# What stands in DATABASE_CONFIG beside the server's own, and a part of the sentence.
REFUSALS = {
    "postgresql": {
        "no such database": ({"database": "nowhere"}, 'database "nowhere" does not exist'),
        "no such user": ({"user": "nobody_here"}, "nobody_here"),
        "wrong password": ({"user": "locked"}, "password authentication failed"),
        "no permission": ({"user": "guest"}, "permission denied"),
    },
    "mariadb": {
        "no such database": ({"database": "nowhere", "password": ""}, "Unknown database 'nowhere'"),
        "wrong password": ({"user": "guest"}, "Access denied for user"),
        "no access": ({"user": "guest", "password": "right"}, "to database 'closed'"),
        "no permission": ({"user": "reader", "password": "right"}, "CREATE command denied"),
    },
}
SETTINGS = {
    "postgresql": (
        "DROP DATABASE IF EXISTS closed",
        "CREATE DATABASE closed",
        "DROP ROLE IF EXISTS guest, locked",
        "CREATE ROLE guest LOGIN",
        "CREATE ROLE locked LOGIN PASSWORD 'right'",
    ),
    "mariadb": (
        "CREATE OR REPLACE DATABASE closed",
        "CREATE OR REPLACE USER guest@'127.0.0.1' IDENTIFIED BY 'right'",
        "CREATE OR REPLACE USER reader@'127.0.0.1' IDENTIFIED BY 'right'",
        "GRANT SELECT ON closed.* TO reader@'127.0.0.1'",
    ),
}


@pytest.mark.parametrize(
    ("server", "kind"),
    [(dbms, kind) for dbms, kinds in REFUSALS.items() for kind in kinds],
    indirect=["server"],
)
def test_what_waiting_cannot_heal_is_one_sentence(
    server, queue, redis_url, tmp_path, monkeypatch, kind
):
    """Its exit code is of its own, so that a supervisor can tell it from a crash."""
    values, said = REFUSALS[server.dbms][kind]
    monkeypatch.chdir(tmp_path)
    for statement in SETTINGS[server.dbms]:
        server.execute(statement)
    if isinstance(server, PostgresServer):
        server.demand_password("locked")
    config = server.config() | {"database": "closed", "password": "pa55word"} | values
    monkeypatch.setenv("DATABASE_CONFIG", json.dumps({"instances": {"MAIN": config}}))
    monkeypatch.setenv("WORKER_QUEUE", queue)
    monkeypatch.setenv("REDIS_URL", redis_url)
    code, out = command("run")
    assert code == 4, out
    last = out.strip().splitlines()[-1]
    assert last.startswith("error: database MAIN at 127.0.0.1:")
    assert said in last
    assert "db check" not in last, "it would be refused as well"
    assert "Traceback" not in out
    assert "pa55word" not in out


def test_jobs_of_other_instances_run_on(database: Database, publisher, start_worker, connection):
    """The breaker of one instance holds only what names it."""
    breaker = database.shared.breaker("MAIN")
    (needs,) = publisher.publish_many(jobs.write, [jobs.Work(target=uuid4().hex)])
    (other,) = publisher.publish_many(jobs.free, [jobs.Work(target="x")])
    breaker._look_at = time.monotonic() + 60
    breaker._since = time.monotonic()
    try:
        start_worker(Options(concurrency=2, gate=breakers))
        eventually(lambda: fetched(connection, other)[0].get_status() == "finished")
        eventually(lambda: fetched(connection, needs)[0].get_status() == "scheduled")
    finally:
        breaker.worked()
