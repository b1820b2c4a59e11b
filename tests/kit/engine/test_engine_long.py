"""Jobs that know when to end, say how far they are, come back later, and resume where they were."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer
from structlog.testing import capture_logs

import engine_jobs
import long_jobs as jobs
from engine_process import process
from long_jobs import Keep, Steps, Wish, steps
from support import RedisServer, eventually
from worker_payment.kit.engine import JobContext, Options, Publisher, ThreadWorker
from worker_payment.kit.engine.run.draining import NEAR, STOPS, Draining
from worker_payment.kit.failed import Wanted
from worker_payment.kit.inspection.failed import RedisFailedJobs
from worker_payment.kit.inspection.stats import look

Start = Callable[..., ThreadWorker]


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """Where the jobs note what they did."""
    return tmp_path / "steps"


def fetch(connection: Redis, job_id: str) -> Job:
    return Job.fetch(job_id, connection=connection, serializer=JSONSerializer)


def ended(connection: Redis, *job_ids: str) -> Callable[[], bool]:
    done = (JobStatus.FINISHED, JobStatus.FAILED)
    return lambda: all(fetch(connection, each).get_status() in done for each in job_ids)


def error_of(connection: Redis, job_id: str) -> str:
    result = fetch(connection, job_id).latest_result()
    assert result is not None
    return result.exc_string or ""


def numbers(upto: int) -> list[str]:
    return [str(number) for number in range(1, upto + 1)]


# --- a job that knows -------------------------------------------------------------------------


def test_threads_and_coroutines_learn_that_the_worker_stops(
    publisher: Publisher, connection: Redis, notes: Path, start_worker: Start
) -> None:
    waiting = [
        publisher.publish(each, Steps(notes=str(notes))).job_id
        for each in (jobs.wait_for_drain, jobs.wait_for_drain_async)
    ]
    worker = start_worker(Options(concurrency=2))
    eventually(lambda: worker.current_state() == "busy")
    time.sleep(0.1)
    assert {fetch(connection, each).get_status() for each in waiting} == {JobStatus.STARTED}
    worker.drain()
    eventually(ended(connection, *waiting))
    assert [fetch(connection, each).return_value() for each in waiting] == ["drained"] * 2


def test_the_last_job_of_a_worker_for_so_many_jobs_is_not_told_to_end(
    publisher: Publisher, connection: Redis, queue: str, notes: Path
) -> None:
    """Nobody is in a hurry: its checkpoints are no reason to end."""
    job = publisher.publish(jobs.walk, Steps(notes=str(notes), upto=3)).job_id
    ThreadWorker([queue], connection, f"test-{queue}", Options()).run(max_jobs=1)
    assert fetch(connection, job).return_value() == 3


def test_near_its_timeout_a_job_ends_at_a_checkpoint_while_it_comes_further(
    publisher: Publisher, connection: Redis, notes: Path, start_worker: Start, tmp_path: Path
) -> None:
    """It comes back without having spent its only attempt; one that marks time has spent it."""
    other = tmp_path / "other"
    walking = publisher.publish(jobs.walk_a_while, Steps(notes=str(notes), upto=22, seconds=0.15))
    marking = publisher.publish(jobs.mark_time, Steps(notes=str(other), seconds=0.02))
    told = publisher.publish(jobs.wait_for_end, Steps(notes=str(notes)))
    with capture_logs() as lines:
        start_worker(Options(concurrency=3))
        ids = [each.job_id for each in (walking, marking, told)]
        eventually(ended(connection, *ids), 20)
    assert fetch(connection, told.job_id).return_value() == "near"
    found = steps(notes)
    assert [each for each in found if each.isdigit()] == numbers(22)
    assert len([each for each in found if each.startswith("[")]) >= 2
    assert fetch(connection, walking.job_id).return_value() == 22
    assert not fetch(connection, walking.job_id).number_of_retries
    # The first return found a new state. The second attempt came no further, and failed.
    assert fetch(connection, marking.job_id).get_status() == JobStatus.FAILED
    assert "came to no new checkpoint" in error_of(connection, marking.job_id)
    reasons = [line["reason"] for line in lines if line["event"] == "job.interrupted"]
    assert reasons
    assert set(reasons) == {NEAR}


def test_a_job_under_a_limit_keeps_its_place_when_it_is_returned(
    publisher: Publisher, connection: Redis, notes: Path, start_worker: Start
) -> None:
    """Another one of its kind begins when it has ended, and not when its timeout was near."""
    long = publisher.publish(jobs.walk_alone, Steps(notes=str(notes), upto=22, seconds=0.15)).job_id
    start_worker(Options(concurrency=2))
    eventually(lambda: len(steps(notes)) > 1)
    short = publisher.publish(jobs.walk_alone, Steps(notes=str(notes), upto=1)).job_id
    walks = [long, short]
    eventually(ended(connection, *walks), 20)
    assert [fetch(connection, each).return_value() for each in walks] == [22, 1]
    assert [each for each in steps(notes) if each.isdigit()] == [*numbers(22), "1"]


def test_a_lost_lease_drains_what_ran_until_then() -> None:
    """A renewal that comes late makes the lease hold again, but not for what others may have."""
    draining, claim, began = Draining(0.05), _Nothing(), time.monotonic()
    draining.renewed(began)
    assert not draining.reason(claim, began, None)  # type: ignore[arg-type]
    time.sleep(0.06)
    assert "lease" in draining.reason(claim, began, None)  # type: ignore[arg-type]
    draining.renewed(time.monotonic())
    assert "lease" in draining.reason(claim, began, None)  # type: ignore[arg-type]
    assert not draining.reason(claim, time.monotonic(), None)  # type: ignore[arg-type]
    draining.asked = True
    assert draining.reason(claim, time.monotonic(), None) == STOPS  # type: ignore[arg-type]


class _Nothing:
    deadline = None


def test_progress_is_shown_while_the_job_runs_and_stays_afterwards(
    publisher: Publisher, connection: Redis, queue: str, notes: Path, start_worker: Start
) -> None:
    job = publisher.publish(jobs.walk, Steps(notes=str(notes), upto=40, seconds=0.05)).job_id
    assert publisher.progress(job) is None
    start_worker(Options(concurrency=1))
    eventually(lambda: publisher.progress(job) is not None)
    (running,) = look(connection, queue).running
    assert running.progress is not None
    assert (running.progress.total, running.progress.note) == (40, "walking")
    shown = look(connection, queue).to_json()["running"][0]["progress"]
    assert set(shown) == {"done", "total", "note", "at"}
    written = []
    while not ended(connection, job)():
        found = publisher.progress(job)
        assert found is not None
        written.append(found.done)
        time.sleep(0.02)
    assert len(set(written)) <= 4  # about once a second, of twenty a second
    last = publisher.progress(job)
    assert last is not None
    assert last.done == 40


def test_an_outage_of_redis_is_no_error_to_progress_and_holds_a_checkpoint_up(
    redis_server: RedisServer, queue: str, notes: Path, start_worker: Start
) -> None:
    """The checkpoint waits for Redis; what follows is done once."""
    client = Redis.from_url(redis_server.url, retry=Retry(NoBackoff(), 0), socket_timeout=5)
    publisher = Publisher(client, queue)
    job = publisher.publish(jobs.walk, Steps(notes=str(notes), upto=30, seconds=0.02)).job_id
    start_worker(Options(concurrency=1, lease=8), client=client)
    eventually(lambda: len(steps(notes)) > 5)
    redis_server.stop(kill=True)
    time.sleep(0.8)
    held_up = steps(notes)
    redis_server.start()
    eventually(ended(client, job), 20)
    assert len(held_up) < 31
    assert steps(notes) == ["[None]", *numbers(30)]
    last = publisher.progress(job)
    assert last is not None
    assert last.done == 30


# --- snooze -----------------------------------------------------------------------------------


def test_a_job_that_snoozes_spends_no_attempt_and_is_bounded(
    publisher: Publisher, connection: Redis, queue: str, start_worker: Start, tmp_path: Path
) -> None:
    files = [tmp_path / name for name in ("short", "long", "ordered", "endless")]
    short, late, ordered, endless = (
        publisher.publish(each, wish).job_id
        for each, wish in (
            (jobs.doze, Wish(notes=str(files[0]), seconds=0.05, times=3)),
            (jobs.doze, Wish(notes=str(files[1]), seconds=600)),
            (jobs.doze_in_order, Wish(notes=str(files[2]), seconds=0.05, times=3)),
            (jobs.doze, Wish(notes=str(files[3]), at_most=2)),
        )
    )
    with capture_logs() as lines:
        start_worker(Options(concurrency=4))
        eventually(ended(connection, short, ordered, endless))
    assert fetch(connection, short).return_value() == 1  # always the first attempt
    assert fetch(connection, ordered).return_value() == 1
    assert [len(file.read_text().split()) for file in files] == [4, 1, 4, 3]
    assert fetch(connection, endless).get_status() == JobStatus.FAILED
    assert "Snooze" in error_of(connection, endless)
    assert "2 times" in error_of(connection, endless)
    eventually(lambda: look(connection, queue).snoozing == 1)
    assert fetch(connection, late).get_status() == JobStatus.SCHEDULED
    mine = [line for line in lines if line.get("jobId") == short]
    assert [line["snoozes"] for line in mine if line["event"] == "job.snooze"] == [1, 2, 3]
    levels = {line["log_level"] for line in lines if line["event"] == "job.snooze"}
    assert levels == {"info"}
    assert not connection.hexists(f"rq:job:{short}", "snoozes")  # of unfinished jobs only


# --- a job that resumes -----------------------------------------------------------------------


def test_a_retry_resumes_and_success_forgets_the_state(
    publisher: Publisher, connection: Redis, notes: Path, start_worker: Start, tmp_path: Path
) -> None:
    other = tmp_path / "async"
    job = publisher.publish(jobs.walk, Steps(notes=str(notes), upto=5, fails_at=3)).job_id
    coroutine = publisher.publish(jobs.walk_async, Steps(notes=str(other), upto=3)).job_id
    start_worker(Options(concurrency=2))
    eventually(ended(connection, job, coroutine))
    assert steps(notes) == ["[None]", "1", "2", "[2]", "3", "4", "5"]
    assert steps(other) == ["[None]", "1", "2", "3"]
    assert fetch(connection, job).return_value() == 5
    assert not connection.hexists(f"rq:job:{job}", "checkpoint")


def test_a_job_that_failed_for_good_resumes_when_it_is_run_again(
    publisher: Publisher, connection: Redis, queue: str, notes: Path, start_worker: Start
) -> None:
    """By `failed requeue`, and where the same id is published again."""
    failed = RedisFailedJobs(connection, [queue])
    job = publisher.publish(jobs.walk_once, Steps(notes=str(notes), upto=3, fails_at=3)).job_id
    start_worker(Options(concurrency=1))
    eventually(ended(connection, job))
    (entry,) = failed.find(Wanted(job_ids=(job,)))
    assert entry.resumes
    assert failed.requeue(entry).action == "queued"
    eventually(lambda: steps(notes)[-1] == "[2]")  # as attempt 1 it fails there again
    eventually(ended(connection, job))
    again = Steps(notes=str(notes), upto=3)
    assert publisher.publish(jobs.walk_once, again, job_id=job).queued
    eventually(lambda: fetch(connection, job).get_status() == JobStatus.FINISHED)
    assert steps(notes) == ["[None]", "1", "2", "[2]", "[2]", "3"]

    refused = publisher.publish(jobs.keep_and_refuse, Steps(notes=str(notes))).job_id
    eventually(ended(connection, refused))
    (entry,) = failed.find(Wanted(job_ids=(refused,)))
    assert failed.requeue(entry).action == "queued"
    eventually(lambda: fetch(connection, refused).get_status() == JobStatus.FINISHED)
    assert fetch(connection, refused).return_value() == {"at": "한글"}


def test_what_cannot_be_kept_fails_at_once_and_is_not_repeated(
    publisher: Publisher, connection: Redis, start_worker: Start
) -> None:
    odd = [
        publisher.publish(jobs.keep_odd, Keep(what=what)).job_id
        for what in ("object", "nan", "huge")
    ]
    loop = publisher.publish(jobs.keep_on_the_loop, Keep(what="")).job_id
    start_worker(Options(concurrency=4))
    eventually(ended(connection, *odd, loop))
    errors = [error_of(connection, each) for each in (*odd, loop)]
    for error, said in zip(errors, ("be JSON", "be JSON", "65536", "to_thread"), strict=True):
        assert f"PermanentError: {'a' if said == 'to_thread' else 'the'} " in error
        assert said in error
        assert "secretsecret" not in error


def test_a_canceled_job_ends_at_its_next_checkpoint(
    publisher: Publisher, connection: Redis, queue: str, notes: Path, start_worker: Start
) -> None:
    job = publisher.publish(jobs.walk, Steps(notes=str(notes), upto=500, seconds=0.02)).job_id
    worker = start_worker(Options(concurrency=1))
    eventually(lambda: len(steps(notes)) > 3)
    fetch(connection, job).cancel()
    after = publisher.publish(engine_jobs.note, engine_jobs.Note()).job_id
    eventually(ended(connection, after))
    assert len(steps(notes)) < 100
    assert fetch(connection, job).get_status() == JobStatus.CANCELED
    assert Queue(queue, connection=connection).job_ids == []
    eventually(lambda: worker.current_state() == "idle")


def test_a_drain_returns_the_job_first_in_its_queue_and_another_worker_resumes_it(
    connection: Redis, redis_url: str, publisher: Publisher, queue: str, notes: Path
) -> None:
    """By SIGTERM to a real process: no step twice, no attempt spent."""
    many = Steps(notes=str(notes), upto=60, seconds=0.02)
    job = publisher.publish(jobs.walk_once, many).job_id
    waiting = publisher.publish(engine_jobs.note, engine_jobs.Note()).job_id
    with process(redis_url, queue, concurrency=1) as worker:
        eventually(lambda: len(steps(notes)) > 5, 20)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0
    assert Queue(queue, connection=connection).job_ids == [job, waiting]
    assert len(steps(notes)) < 61
    with process(redis_url, queue, concurrency=1):
        eventually(ended(connection, job, waiting), 20)
    found = steps(notes)
    assert [each for each in found if each.isdigit()] == numbers(60)
    assert len([each for each in found if each.startswith("[")]) == 2


def test_a_job_that_comes_further_outlives_more_deaths_than_the_limit(
    connection: Redis, redis_url: str, publisher: Publisher, queue: str, notes: Path
) -> None:
    """Each SIGKILL repeats the step under way at most; what advances is not called poisonous."""
    many = Steps(notes=str(notes), upto=60, seconds=0.03)
    job = publisher.publish(jobs.walk_once, many).job_id
    for kills in range(3):
        with process(redis_url, queue, concurrency=1, limit=2) as victim:
            eventually(lambda: len(steps(notes)) > 12 * (kills + 1), 30)  # noqa: B023
            victim.kill()
    with process(redis_url, queue, concurrency=1, limit=2):
        eventually(ended(connection, job), 30)
    assert fetch(connection, job).return_value() == 60
    found = [int(each) for each in steps(notes) if each.isdigit()]
    assert sorted(set(found)) == list(range(1, 61))
    assert len(found) <= 60 + 3


def test_outside_a_worker_a_context_keeps_what_it_is_told(notes: Path) -> None:
    """For an owner's own tests."""
    payload: Any = Steps(notes=str(notes), upto=2)
    context = JobContext("id", "type", 1, 1, "", payload)
    assert context.state is None
    assert jobs.walk.function(payload, context) == 2
    assert (context.state, context.draining) == (2, False)
