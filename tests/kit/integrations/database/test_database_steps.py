"""A long job in steps: what a step wrote and the state after it commit together, each once."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import database_jobs as jobs
import pytest
from database_support import Database, context
from redis import Redis
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer
from sqlalchemy import func, insert, select, update
from typer.testing import CliRunner

from support import eventually
from worker_payment.kit.cli import command_line
from worker_payment.kit.engine import Duplicate, PermanentError, Publisher
from worker_payment.kit.engine.errors import AttemptReturned
from worker_payment.kit.failed import Wanted
from worker_payment.kit.integrations.database.errors import (
    TakenOverError,
    TransactionEndedError,
    UnfinishedError,
)
from worker_payment.kit.integrations.database.replay import RecordedFailedJobs
from worker_payment.kit.integrations.database.session import job_session
from worker_payment.kit.integrations.database.tables import job_records

FULL = "CHAOS_JOBS" in os.environ
ROWS, PAUSE, KILLS = (10_000, 0.003, 50) if FULL else (200, 0.01, 1)


def count(database: Database, name: str) -> int:
    """How many rows of a job are there."""
    return len(written(database, name))


def written(database: Database, name: str) -> list[int]:
    """How often each row of a job is there."""
    effects = jobs.effects.c
    wanted = select(func.count()).where(effects.target.like(f"{name}-%")).group_by(effects.target)
    with database.engine.connect() as connection:
        return list(connection.scalars(wanted))


def state_of(database: Database) -> list[tuple[str, str | None]]:
    return [(row.state, row.checkpoint) for row in database.records()]


def test_each_row_is_written_once_over_a_failure(database: Database, run: Any) -> None:
    name = uuid4().hex
    (job,) = run(jobs.settle, jobs.Rows(target=name, count=30, fails_at=17))
    assert job.get_status() == JobStatus.FINISHED
    job.refresh()
    assert job.number_of_retries == 1
    assert written(database, name) == [1] * 30
    assert state_of(database) == [("done", None)]
    (row,) = database.records()
    assert row.attempts == 3  # two takes and a failure: no checkpoint counts


def test_a_step_that_does_not_come_to_its_checkpoint_leaves_nothing(
    database: Database, run: Any, connection: Redis
) -> None:
    """The state outlives the failure; a replay goes on from it."""
    name = uuid4().hex
    (job,) = run(jobs.settle_and_fail, jobs.Rows(target=name))
    assert job.get_status() == JobStatus.FAILED
    assert database.effects(name) == {name: 1}
    assert state_of(database) == [("failed", '{"secret":"한글"}')]
    failed = RecordedFailedJobs(database.shared, connection, [database.queue], "tester")
    (entry,) = failed.find(Wanted())
    assert failed.requeue(entry).action == "queued"
    eventually(lambda: job.get_status() == JobStatus.FINISHED)
    assert job.return_value() == {"secret": "한글"}
    assert database.effects(name) == {name: 2}
    assert state_of(database) == [("done", None)]


def test_what_is_discarded_begins_anew(database: Database, run: Any, connection: Redis) -> None:
    name = uuid4().hex
    run(jobs.settle_and_fail, jobs.Rows(target=name))
    failed = RecordedFailedJobs(database.shared, connection, [database.queue], "tester")
    (entry,) = failed.find(Wanted())
    assert failed.discard(entry).action == "discarded"
    assert state_of(database) == [("failed", None)]


def test_the_session_goes_on_after_a_checkpoint(database: Database) -> None:
    """Its later writes belong to the next step: an error takes those alone."""
    target = uuid4().hex

    def work() -> None:
        with job_session(made := context(target)) as session:
            for number in range(2):
                session.execute(insert(jobs.effects).values(target=target))
                made.checkpoint(number)
                assert session.scalar(select(func.count()).select_from(jobs.effects))
            session.execute(insert(jobs.effects).values(target=target))
            raise ValueError("later")

    with pytest.raises(ValueError, match="later"):
        work()
    assert database.effects(target) == {target: 2}
    with job_session(again := context(target)):
        assert again.state == 1
    with pytest.raises(Duplicate), job_session(context(target)):
        pytest.fail("the target is done")


def test_who_was_overtaken_commits_no_more(database: Database) -> None:
    """A worker that was held up, and another that has gone on with its job meanwhile."""
    target = uuid4().hex

    def work() -> None:
        with job_session(late := context(target)) as session:
            late.checkpoint(1)
            _overtake(database, late.link)
            session.execute(insert(jobs.effects).values(target=target))
            late.checkpoint(2)

    with pytest.raises(TakenOverError):
        work()
    assert not database.effects(target)
    (row,) = database.records_of(target)
    assert (row.state, row.checkpoint, row.attempts) == ("running", "1", 2)


def _overtake(database: Database, link: Any) -> None:
    """What another worker's take does to the row, were its lock free at this moment."""
    taken = link._keeper.taken
    link._keeper._connection.commit()
    with database.engine.begin() as connection:
        mine = job_records.c.id == taken.row_id
        connection.execute(update(job_records).where(mine).values(attempts=taken.number + 1))
    link._keeper._connection.begin()
    link._keeper._transaction = link._keeper._connection.get_transaction()


def test_another_job_on_the_target_waits_until_the_first_has_ended_or_rests(
    database: Database,
) -> None:
    """Two ids, one target: the second is told to come back; a record that rests is taken over."""
    target = uuid4().hex
    first, second = context(target), context(target, job_id="other")

    def work() -> None:
        with job_session(first):
            first.checkpoint("half")
            raise AttemptReturned  # as a drain does

    with pytest.raises(AttemptReturned):
        work()
    with pytest.raises(UnfinishedError), job_session(second):
        pytest.fail("the first has not ended")
    long_ago = datetime.now(UTC) - timedelta(minutes=2)
    with database.engine.begin() as connection:
        mine = job_records.c.target_id == target
        connection.execute(update(job_records).where(mine).values(finished_at=long_ago))
    with job_session(second):
        assert second.state == "half"
    with pytest.raises(Duplicate), job_session(first):
        pytest.fail("the target is done")


def test_a_checkpoint_outside_of_the_jobs_transaction_is_refused(
    database: Database, run: Any
) -> None:
    target = uuid4().hex
    (job,) = run(jobs.settle_after_rollback, jobs.Work(target=target))
    assert job.get_status() == JobStatus.FAILED
    assert TransactionEndedError.__name__ in (job.latest_result().exc_string or "")
    assert not database.effects(target)


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
@pytest.mark.timeout(1_500 if FULL else 120)
def test_a_drain_and_kills_at_any_moment_write_each_row_once(
    database: Database, redis_url: str, connection: Redis, publisher: Publisher, workers: Any
) -> None:
    """SIGTERM commits the step and returns the job first in its queue; SIGKILL takes half a step."""
    name = uuid4().hex
    publisher.publish(jobs.settle, jobs.Rows(target=name, count=ROWS, seconds=PAUSE))
    crew = workers(database, redis_url)
    crew.start()
    eventually(lambda: count(database, name) > ROWS // 50, 30)
    crew.running[0].send_signal(signal.SIGTERM)
    assert crew.running.pop().wait(30) == 0
    half = count(database, name)
    assert connection.lrange(f"rq:queue:{database.queue}", 0, 0) == [name.encode()]
    assert state_of(database) == [("running", str(half))]
    for _ in range(min(KILLS, 2)):
        crew.start()
    kills = 0
    while state_of(database) != [("done", None)]:
        before = count(database, name)
        eventually(lambda: count(database, name) != before, 60)  # noqa: B023
        if kills == KILLS:
            eventually(lambda: state_of(database) == [("done", None)], 600 if FULL else 60)
            break
        time.sleep(random.uniform(0.0, 0.3))
        worker = connection.hget(f"rq:job:{name}", "worker_name") or b""
        if crew.kill(int(worker.decode().rsplit("-", 2)[1])):
            kills += 1
            crew.start()
    found = written(database, name)
    print(f"{ROWS} rows, {kills} x SIGKILL: {len(found)} written, {sum(found)} writes")
    assert kills >= KILLS
    assert found == [1] * ROWS
    assert connection.hget(f"rq:job:{name}", "number_of_retries") is None
    crew.stop()


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_a_canceled_job_ends_at_a_checkpoint_soon(
    database: Database, publisher: Publisher, start_worker: Any, connection: Redis
) -> None:
    """Redis is asked every two seconds: its steps do not need it. The rest is rolled back."""
    name = uuid4().hex
    publisher.publish(jobs.settle, jobs.Rows(target=name, count=2_000, seconds=0.02))
    worker = start_worker()
    eventually(lambda: count(database, name) > 3)
    Job.fetch(name, connection, serializer=JSONSerializer).cancel()
    eventually(lambda: worker.current_state() == "idle", 10)
    ((state, kept),) = state_of(database)
    assert (state, kept) == ("running", str(count(database, name)))


def test_a_state_that_is_no_json_is_refused_before_anything_is_committed(
    database: Database,
) -> None:
    target = uuid4().hex

    def work() -> None:
        with job_session(made := context(target)) as session:
            session.execute(insert(jobs.effects).values(target=target))
            made.checkpoint(object())  # type: ignore[arg-type]

    with pytest.raises(PermanentError):
        work()
    assert not database.effects(target)


def test_failed_show_says_that_there_is_a_state_and_not_what(database: Database, run: Any) -> None:
    name = uuid4().hex
    run(jobs.settle_and_fail, jobs.Rows(target=name))
    shown = CliRunner().invoke(command_line(), ["failed", "show", name, "--json"])
    assert json.loads(shown.output)["resumes"] is True
    assert "한글" not in shown.output
