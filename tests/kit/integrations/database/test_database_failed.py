"""Jobs that failed for good: kept whatever happens, and run again on demand."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
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
from worker_payment.kit.failed import Wanted
from worker_payment.kit.integrations.database import failures
from worker_payment.kit.integrations.database.lifecycle import (
    on_failed,
)
from worker_payment.kit.integrations.database.replay import RecordedFailedJobs
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
def replay(database: Database, connection: Redis) -> RecordedFailedJobs:
    """The list, in the name of a tester."""
    return RecordedFailedJobs(database.shared, connection, [database.queue], "tester")


def retried(replay: RecordedFailedJobs) -> list[str]:
    """Run every failed job again, and tell what became of each."""
    return [replay.requeue(entry).action for entry in replay.find(Wanted())]


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
    assert retried(replay) == ["queued"]
    eventually(lambda: database.effects(target) == {target: 1})
    (row,) = database.failed()
    assert (row.state, row.changed_by, row.retries) == ("retried", "tester", 1)
    assert row.changed_at is not None


@on_postgresql
def test_retrying_twice_publishes_once(database, connection, replay):
    job = failed_job(database)
    failures.record(database.engine, job)
    (entry,) = replay.find(Wanted())
    assert retried(replay) == ["queued"]
    assert retried(replay) == []
    assert replay.requeue(entry).action == "gone"
    assert connection.llen(f"rq:queue:{database.queue}") == 1


@on_postgresql
def test_a_retry_that_died_before_its_commit_publishes_nothing_new(database, connection, replay):
    """Redis has the job already, the row says failed still."""
    job = failed_job(database)
    failures.record(database.engine, job)
    (entry,) = replay.find(Wanted())
    assert replay.requeue(entry).action == "queued"
    failures.record(database.engine, job)
    assert replay.requeue(entry).action == "waiting"
    assert connection.llen(f"rq:queue:{database.queue}") == 1


@on_postgresql
def test_never_runs_what_has_succeeded_since(database, run, replay, connection):
    target = uuid4().hex
    run(jobs.mend, jobs.Work(target=target))
    eventually(database.failed)
    jobs.gate.set()
    run(jobs.mend, jobs.Work(target=target))  # somebody published it anew
    (entry,) = failures.find(database.engine, [database.queue], Wanted())
    assert replay.requeue(entry).action == "succeeded"
    assert database.failed()[0].state == "succeeded"
    assert connection.llen(f"rq:queue:{database.queue}") == 0


def test_filters(database, replay):
    engine = database.engine
    long_ago = datetime.now(UTC) - timedelta(days=3)
    failures.record(engine, failed_job(database, "old"), failed_at=long_ago)
    failures.record(engine, failed_job(database, "odd", error="OSError: 100% of C:\\_full"))
    failures.record(engine, failed_job(database, "new", job_type="other.job"))

    def ids(**wanted):
        return [entry.job_id for entry in replay.find(Wanted(**wanted))]

    assert ids() == ["old", "odd", "new"]
    assert ids(since=datetime.now(UTC) - timedelta(hours=1)) == ["odd", "new"]
    assert ids(error="0% of c:\\_f") == ["odd"]
    assert ids(error="%broken_") == []
    assert ids(job_type="other") == ["new"]
    assert ids(job_ids=("new", "nobody")) == ["new"]
    assert replay.discard(next(replay.find(Wanted()))).action == "discarded"
    assert ids() == ["odd", "new"]
    assert ids(state="discarded") == ["old"]


@on_postgresql
def test_what_was_discarded_is_gone_from_redis_as_well(database, replay, connection):
    """RQ's own `requeue --all` would bring it back."""
    failures.record(database.engine, failed_job(database, "gone"))
    connection.zadd(f"rq:failed:{database.queue}", {"gone": 1})
    connection.hset("rq:job:gone", "data", "{}")
    (entry,) = failures.find(database.engine, [database.queue], Wanted())
    assert replay.discard(entry).action == "discarded"
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
    assert (code, rehearsed) == (0, "would requeue database_jobs.mend job-1\n")
    assert connection.llen(f"rq:queue:{database.queue}") == 0
    code, retried = command(
        "failed", "retry", "--since", "1h", "--json", "--by", "me", "--rate", "9"
    )
    assert json.loads(retried) == {
        "jobId": "job-1",
        "job": "database_jobs.mend",
        "action": "queued",
    }
    assert command("failed", "list")[1] == "none\n"
    assert "me" in command("failed", "list", "--state", "retried", "--json")[1]
    assert command("failed", "retry", "nobody")[0] == 1


def test_there_is_one_list(database, run, replay, connection, publisher, start_worker):
    """Rows, Redis, `failed list` and `stats` agree, whoever missed what, and after RQ's own tools."""
    queue = Queue(database.queue, connection=connection, serializer=JSONSerializer)
    registry = queue.failed_job_registry

    def objects(*words: str) -> list[dict[str, Any]]:
        """What a command prints, without the log lines of the worker in this process."""
        lines = command(*words)[1].splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def counts() -> set[int]:
        # First: it must not need what the list brings up to date.
        (stats,) = objects("stats", "--json", "--interval", "0.1")
        listed = objects("failed", "list", "--json")
        recorded = [row for row in database.failed() if row.state == "failed"]
        in_redis = registry.get_job_count(cleanup=False)
        return {stats["failed"], len(listed), len(recorded), in_redis, replay.count()}

    (known,) = run(jobs.fail, jobs.Work(target=uuid4().hex))
    unheard = publisher.publish_many(jobs.plain, [jobs.Work(target=str(n)) for n in range(3)])
    start_worker(Options(concurrency=3))  # without a hook, as if the database had been away
    eventually(lambda: registry.get_job_count(cleanup=False) == 4)
    assert counts() == {4}
    queue.enqueue_job(
        Job.create(
            "other.job",
            id="x" * 300,
            connection=connection,
            origin=queue.name,
            serializer=JSONSerializer,
        )
    )
    eventually(lambda: registry.get_job_count(cleanup=False) == 5)
    assert counts() == {5}
    registry.requeue(unheard[0].job_id)  # it runs, and fails again
    eventually(lambda: registry.get_job_count(cleanup=False) == 5)
    assert counts() == {5}
    known.set_status(JobStatus.FINISHED)  # somebody ran it again by RQ, and it went well
    registry.remove(known)
    assert counts() == {4}
    assert {row.state for row in database.failed() if row.job_id == known.id} == {"succeeded"}
    code, said = command("failed", "discard", "--all")
    assert (code, said.count("discarded")) == (0, 4), said
    assert counts() == {0}
    assert not any(Job.exists(each.job_id, connection=connection) for each in unheard)
