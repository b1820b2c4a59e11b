"""Jobs that failed for good: kept whatever happens, and run again on demand."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import database_jobs as jobs
import pytest
from database_support import Database, prepare
from redis import Redis
from rq import Queue
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer
from typer.testing import CliRunner

from support import eventually
from worker_payment.kit.cli import command_line
from worker_payment.kit.engine import FailedJob, Options
from worker_payment.kit.integrations.database import failures
from worker_payment.kit.integrations.database.lifecycle import (
    on_failed,
)
from worker_payment.kit.integrations.database.replay import Replay
from worker_payment.kit.integrations.database.sweep import Sweep

# How Redis and the database work together is the same on all of them.
on_postgresql = pytest.mark.parametrize("server", ["postgresql"], indirect=True)


def failed_job(database: Database, job_id: str = "", **more: object) -> FailedJob:
    """A failed job as the engine hands it over."""
    values = {
        "job_id": job_id or f"job-{uuid4().hex}",
        "job_type": "database_jobs.mend",
        "path": "database_jobs.mend",
        "payload": {"target": uuid4().hex, "note": "secret text"},
        "queue": database.queue,
        "attempts": 2,
        "error": "PermanentError: broken",
        "traceback": "Traceback ...",
        "worker": "w",
    }
    return FailedJob(**(values | more))


@pytest.fixture
def replay(database: Database, connection: Redis) -> Replay:
    """Acts in the name of a tester."""
    return Replay(database.shared, connection, "tester")


def chosen(database: Database, **more: object) -> failures.Filter:
    """A filter on the test's queue."""
    return failures.Filter(queue=database.queue, **more)


@on_postgresql
def test_keeps_payload_and_traceback_of_what_failed(database, run):
    (job,) = run(jobs.fail, jobs.Work(target=uuid4().hex, note="that"))
    (row,) = eventually(database.failed)
    assert (row.job_id, row.job_type, row.state) == (job.id, "database_jobs.fail", "failed")
    assert (row.attempts, row.error) == (2, "ValueError: cannot do that")
    assert "in fail" in row.traceback


@on_postgresql
def test_keeps_jobs_without_a_session_and_those_that_never_could_run(
    database, connection, start_worker
):
    """A wrong payload, an unknown function, something that is no JSON."""
    queue = Queue(database.queue, connection=connection, serializer=JSONSerializer)
    wrong = queue.enqueue("database_jobs.write", {"target": 7})
    unknown = queue.enqueue("no.such.job", {"a": 1})
    plain = queue.enqueue("database_jobs.plain", {"target": "x"})
    broken = Job.create("database_jobs.write", connection=connection, origin=queue.name)
    broken.save()  # pickled
    queue.push_job_id(broken.id)
    start_worker(Options(concurrency=1), failed=on_failed)
    eventually(lambda: len(database.failed()) == 4)
    rows = {row.job_id: row for row in database.failed()}
    assert json.loads(rows[wrong.id].payload) == {"target": 7}
    assert json.loads(rows[unknown.id].payload) == {"a": 1}
    assert rows[unknown.id].path == "no.such.job"
    assert rows[plain.id].error.startswith("PermanentError: never works")
    assert "unreadable" in json.loads(rows[broken.id].payload)


def test_what_the_database_missed_is_recorded_later(database, connection, publisher, start_worker):
    """Nobody recorded these jobs; Redis still has them. Twice is as good as once."""
    receipts = publisher.publish_many(jobs.fail, [jobs.Work(target=uuid4().hex) for _ in range(3)])
    start_worker(Options(concurrency=3))  # without a hook, as if the database had been away
    found = [Job.fetch(r.job_id, connection, serializer=JSONSerializer) for r in receipts]
    eventually(lambda: all(job.get_status() == JobStatus.FAILED for job in found))
    sweep = Sweep(connection, database.queue, keep_days=365)
    assert sweep.run(database.engine) == 3
    assert sweep.run(database.engine) == 0
    rows = database.failed()
    assert {row.job_id for row in rows} == {receipt.job_id for receipt in receipts}
    assert {row.error for row in rows} == {"ValueError: cannot do None"}
    assert {(row.job_type, row.failures, row.attempts) for row in rows} == {
        ("database_jobs.fail", 1, 2)
    }


@on_postgresql
def test_a_failed_hook_never_raises(database, monkeypatch):
    """The job's outcome is stored already; the sweep makes up for the row."""
    monkeypatch.setenv("DATABASE_CONFIG", "")
    nowhere = {"dbms": "postgresql", "port": 1, "database": "x", "connectTimeout": 1000}
    with pytest.raises(Exception, match="refused"):
        prepare(nowhere, database.queue, "redis://127.0.0.1:1", monkeypatch)
    on_failed(failed_job(database))


def test_a_retry_publishes_again_even_when_redis_was_emptied(database, connection, run, replay):
    target = uuid4().hex
    (job,) = run(jobs.mend, jobs.Work(target=target))
    eventually(database.failed)
    job.delete()
    jobs.gate.set()
    (result,) = replay.retry(chosen(database))
    assert result.action == "published"
    eventually(lambda: database.effects(target) == {target: 1})
    (row,) = database.failed()
    assert (row.state, row.changed_by, row.retries) == ("retried", "tester", 1)
    assert row.changed_at is not None


@on_postgresql
def test_retrying_twice_publishes_once(database, connection, replay):
    job = failed_job(database)
    failures.record(database.engine, job)
    rows = failures.find(database.engine, chosen(database))
    assert [each.action for each in replay.retry(chosen(database))] == ["published"]
    assert list(replay.retry(chosen(database))) == []
    assert replay._retry(rows[0], dry_run=False).action == "gone"
    assert connection.llen(f"rq:queue:{database.queue}") == 1


@on_postgresql
def test_a_retry_that_died_before_its_commit_publishes_nothing_new(database, connection, replay):
    """Redis has the job already, the row says failed still."""
    job = failed_job(database)
    failures.record(database.engine, job)
    list(replay.retry(chosen(database)))
    failures.record(database.engine, job)
    (result,) = replay.retry(chosen(database))
    assert result.action == "waiting"
    assert connection.llen(f"rq:queue:{database.queue}") == 1


@on_postgresql
def test_never_runs_what_has_succeeded_since(database, run, replay, connection):
    target = uuid4().hex
    run(jobs.mend, jobs.Work(target=target))
    eventually(database.failed)
    jobs.gate.set()
    run(jobs.mend, jobs.Work(target=target))  # somebody published it anew
    assert [each.action for each in replay.retry(chosen(database))] == ["succeeded"]
    assert database.failed()[0].state == "succeeded"
    assert connection.llen(f"rq:queue:{database.queue}") == 0


def test_filters(database, replay):
    engine = database.engine
    long_ago = datetime.now(UTC) - timedelta(days=3)
    failures.record(engine, failed_job(database, "old"), failed_at=long_ago)
    failures.record(engine, failed_job(database, "odd", error="OSError: 100% of C:\\_full"))
    failures.record(engine, failed_job(database, "new", job_type="other.job"))

    def ids(**wanted):
        return [row.job_id for row in failures.find(engine, chosen(database, **wanted))]

    assert ids() == ["old", "odd", "new"]
    assert ids(limit=2) == ["old", "odd"]
    assert ids(since=datetime.now(UTC) - timedelta(hours=1)) == ["odd", "new"]
    assert ids(error="0% of c:\\_f") == ["odd"]
    assert ids(error="%broken_") == []
    assert ids(job_type="other") == ["new"]
    assert ids(job_ids=("new", "nobody")) == ["new"]
    assert [each.action for each in replay.discard(chosen(database, limit=1))] == ["discarded"]
    assert ids() == ["odd", "new"]
    assert ids(state="discarded") == ["old"]


@on_postgresql
def test_what_was_discarded_is_gone_from_redis_as_well(database, replay, connection):
    """RQ's own `requeue --all` would bring it back."""
    failures.record(database.engine, failed_job(database, "gone"))
    connection.zadd(f"rq:failed:{database.queue}", {"gone": 1})
    connection.hset("rq:job:gone", "data", "{}")
    assert [each.action for each in replay.discard(chosen(database))] == ["discarded"]
    assert not connection.exists(f"rq:failed:{database.queue}", "rq:job:gone")


def command(*arguments: str) -> tuple[int, str]:
    """Run the command line in this process."""
    result = CliRunner().invoke(command_line(), list(arguments))
    return result.exit_code, result.output


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_on_the_command_line(database, connection):
    """List, show, rehearse, retry: payloads stay masked unless asked for."""
    failures.record(
        database.engine, failed_job(database, "job-1", payload={"target": "Kim", "n": 5})
    )
    code, listed = command("failed", "list", "--json")
    assert code == 0
    assert json.loads(listed)["payload"] == {"target": "K***", "n": "***"}
    assert "Kim" not in command("failed", "show", "job-1")[1]
    assert "Kim" in command("failed", "show", "job-1", "--reveal")[1]
    assert command("failed", "retry")[0] == 2, "it must not retry everything unasked"
    code, rehearsed = command("failed", "retry", "--all", "--dry-run")
    assert (code, rehearsed) == (0, "would publish database_jobs.mend job-1\n")
    assert connection.llen(f"rq:queue:{database.queue}") == 0
    code, retried = command(
        "failed", "retry", "--since", "1h", "--json", "--by", "me", "--rate", "9"
    )
    assert json.loads(retried) == {
        "jobId": "job-1",
        "job": "database_jobs.mend",
        "action": "published",
    }
    assert command("failed", "list")[1] == "none\n"
    assert "me" in command("failed", "list", "--state", "retried", "--json")[1]
    assert command("failed", "retry", "nobody")[0] == 1


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_what_is_discarded_leaves_redis_too(database, run, connection, publisher, start_worker):
    """Also what the database has not heard of yet; else RQ's `requeue --all` brings it back."""
    run(jobs.fail, jobs.Work(target=uuid4().hex))
    queue = Queue(database.queue, connection=connection, serializer=JSONSerializer)
    unheard = publisher.publish(jobs.plain, jobs.Work(target="x"))
    eventually(lambda: queue.failed_job_registry.get_job_count(cleanup=False) == 2)
    code, said = command("failed", "discard", "--all")
    assert (code, said.count("discarded")) == (0, 2), said
    assert queue.failed_job_registry.get_job_ids(cleanup=False) == []
    assert not Job.exists(unheard.job_id, connection=connection)
    assert {row.state for row in database.failed()} == {"discarded"}
