"""The engine's promise under odd conditions: no job runs for ever or holds a slot for ever."""

from __future__ import annotations

import gc
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer
from structlog.testing import capture_logs

import odd_jobs as odd
from engine_process import process, times_run
from support import RedisServer, eventually
from worker_payment.kit.engine import FailedJob, Options, Publisher, ThreadWorker
from worker_payment.kit.engine.run import deadlines, journal
from worker_payment.kit.engine.run.texts import KEPT, LINE
from worker_payment.kit.engine.store import exchange
from worker_payment.kit.engine.store.claim import Claim

Start = Callable[..., ThreadWorker]


@pytest.fixture(autouse=True)
def _nothing_runs_yet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    gate = threading.Event()
    monkeypatch.setattr(odd, "runs", Counter())
    monkeypatch.setattr(odd, "started", threading.Semaphore(0))
    monkeypatch.setattr(odd, "gate", gate)
    yield
    gate.set()


@pytest.fixture
def plain(connection: Redis, queue: str) -> Queue:
    """RQ's own view of the test's queue."""
    return Queue(queue, connection=connection, serializer=JSONSerializer)


def status(connection: Redis, job_id: str) -> bytes | None:
    """A job's status, also where RQ cannot read the job."""
    return connection.hget(f"rq:job:{job_id}", "status")


def fetch(connection: Redis, job_id: str) -> Job:
    return Job.fetch(job_id, connection=connection, serializer=JSONSerializer)


# --- Outcomes that are hard to store ---------------------------------------------------------
@pytest.mark.parametrize(
    "job", [odd.surrogate, odd.surrogate_in_order, odd.surrogate_async, odd.unreadable]
)
def test_an_odd_error_spends_its_attempts_and_ends(
    connection: Redis, publisher: Publisher, start_worker: Start, job: object
) -> None:
    name = uuid4().hex
    receipt = publisher.publish(job, odd.Odd(text=name))
    start_worker()
    eventually(lambda: status(connection, receipt.job_id) == b"failed")
    assert odd.runs[name] == 2
    assert fetch(connection, receipt.job_id).latest_result().exc_string


def test_a_huge_error_is_kept_bounded(
    connection: Redis, publisher: Publisher, start_worker: Start
) -> None:
    kept: list[FailedJob] = []
    receipt = publisher.publish(odd.huge, odd.Odd())
    with capture_logs() as lines:
        start_worker(failed=kept.append)
        eventually(lambda: kept)
    [line] = [each for each in lines if each["event"] == "job.failed"]
    assert len(line["error"]) <= LINE
    assert len(kept[0].error) <= LINE
    assert len(kept[0].traceback) <= KEPT
    assert len(fetch(connection, receipt.job_id).latest_result().exc_string) <= KEPT


def test_a_job_without_data_fails(connection: Redis, plain: Queue, start_worker: Start) -> None:
    job_id = uuid4().hex
    connection.hset(f"rq:job:{job_id}", mapping={"status": "queued", "origin": plain.name})
    connection.rpush(plain.key, job_id)
    worker = start_worker(Options(concurrency=1))
    eventually(lambda: status(connection, job_id) == b"failed")
    eventually(lambda: not worker._in_hand.running)
    assert connection.zcard(plain.started_job_registry.key) == 0
    assert connection.zscore(plain.failed_job_registry.key, job_id)


@pytest.mark.parametrize("field", ["created_at", "enqueued_at", "timeout", "meta"])
def test_a_job_whose_hash_rq_cannot_read_ends(
    connection: Redis, plain: Queue, publisher: Publisher, start_worker: Start, field: str
) -> None:
    receipt = publisher.publish(odd.surrogate, odd.Odd(text=field))
    connection.hset(f"rq:job:{receipt.job_id}", field, b"\xff odd")
    start_worker(Options(concurrency=1))
    eventually(lambda: status(connection, receipt.job_id) == b"failed")
    assert odd.runs[field] <= 2
    assert connection.zcard(plain.started_job_registry.key) == 0


@pytest.mark.parametrize("job", [odd.bind, odd.bind_async])
def test_a_value_that_cannot_be_logged_costs_no_slot(
    connection: Redis, publisher: Publisher, start_worker: Start, job: object
) -> None:
    receipts = [publisher.publish(job, odd.Odd()) for _ in range(3)]
    worker = start_worker(Options(concurrency=1))
    for each in receipts:
        eventually(lambda each=each: status(connection, each.job_id) == b"finished")
    eventually(lambda: not worker._in_hand.running)


def test_a_result_that_is_no_json_is_named(
    connection: Redis, publisher: Publisher, start_worker: Start
) -> None:
    with capture_logs() as lines:
        receipt = publisher.publish(odd.unwritable, odd.Odd())
        start_worker()
        eventually(lambda: status(connection, receipt.job_id) == b"finished")
    [line] = [each for each in lines if each["event"] == "job.result"]
    assert line["log_level"] == "warning"
    assert (line["jobId"], line["jobType"]) == (receipt.job_id, "odd_jobs.unwritable")


def test_coroutines_keep_their_order_across_a_retry(
    publisher: Publisher, start_worker: Start
) -> None:
    for text in ("first", "second"):
        publisher.publish(odd.in_order, odd.Odd(text=text))
    start_worker(Options(concurrency=1))
    eventually(lambda: odd.runs["order"] == 2)
    assert odd.runs["first"] == 3
    assert odd.runs["first ended as"] == 1


@pytest.mark.parametrize("job", [odd.leave, odd.leave_async])
def test_what_has_ended_is_forgotten_without_the_garbage_collector(
    connection: Redis, publisher: Publisher, queue: str, job: Any
) -> None:
    """A circle of objects would keep each job, with its payload, for a while."""
    publisher.publish_many(job, [odd.Odd()] * 40)
    gc.disable()
    try:
        ThreadWorker([queue], connection, f"test-{uuid4().hex}").run(burst=True)
        held = sum(type(each) is Claim and each.queue.name == queue for each in gc.get_objects())
    finally:
        gc.enable()
    assert held <= 2 * Options().concurrency  # what each thread has done last


# --- Timeouts --------------------------------------------------------------------------------
@pytest.mark.parametrize("job", [odd.swallow, odd.swallow_async])
def test_a_job_that_swallows_its_timeout_is_failed_and_its_worker_leaves(
    connection: Redis,
    publisher: Publisher,
    queue: str,
    monkeypatch: pytest.MonkeyPatch,
    job: object,
) -> None:
    monkeypatch.setattr(deadlines, "_AGAIN", 0.2)
    name = uuid4().hex
    receipt = publisher.publish(job, odd.Odd(text=name))
    options = Options(concurrency=2, overrun=1.0, shutdown_timeout=0.5)
    worker = ThreadWorker([queue], connection, f"test-{uuid4().hex}", options)
    with capture_logs() as lines:
        assert worker.run() == 1
    odd.gate.set()
    events = [each["event"] for each in lines if each.get("jobId") == receipt.job_id]
    assert "job.late" in events
    assert "worker.stuck" in events
    assert odd.runs[name] > 1  # it was told again
    assert status(connection, receipt.job_id) == b"failed"
    assert "still runs" in fetch(connection, receipt.job_id).latest_result().exc_string


# --- Ids of jobs that are canceled or deleted while they run ----------------------------------
@pytest.mark.parametrize("end", ["cancel", "delete"])
def test_an_id_stays_taken_until_its_job_has_ended(
    connection: Redis, publisher: Publisher, start_worker: Start, end: str
) -> None:
    receipt = publisher.publish(odd.hold, odd.Odd(text="one"), job_id=uuid4().hex)
    start_worker()
    assert odd.started.acquire(timeout=10)
    getattr(fetch(connection, receipt.job_id), end)()
    assert not publisher.publish(odd.hold, odd.Odd(text="two"), job_id=receipt.job_id).queued
    odd.gate.set()
    eventually(
        lambda: publisher.publish(odd.hold, odd.Odd(text="two"), job_id=receipt.job_id).queued
    )
    eventually(lambda: odd.runs["two"] == 1)


def test_a_dead_worker_holds_no_id(connection: Redis, publisher: Publisher, queue: str) -> None:
    job_id = uuid4().hex
    connection.hset(f"rq:running:{queue}", job_id, "x gone-worker")
    assert publisher.publish(odd.hold, odd.Odd(), job_id=job_id).queued


def test_a_deleted_job_of_a_dead_worker_frees_its_place(
    redis_server: RedisServer, queue: str, start_worker: Start
) -> None:
    client = Redis.from_url(redis_server.url, retry=Retry(NoBackoff(), 0), socket_timeout=5)
    publisher = Publisher(client, queue)
    first = publisher.publish(odd.hold_alone, odd.Odd(text="first"))
    with process(redis_server.url, queue) as victim:
        eventually(lambda: client.zcard(f"rq:wip:{queue}") == 1 and _holds(client), 20)
        fetch(client, first.job_id).delete()
        victim.kill()
        victim.wait()
    second = publisher.publish(odd.hold_alone, odd.Odd(text="second"))
    odd.gate.set()
    start_worker(Options(concurrency=2, lease=2), client=client)
    eventually(lambda: status(client, second.job_id) == b"finished", 30)


def _holds(client: Redis) -> bool:
    return any(client.zcard(key) for key in client.scan_iter("rq:rl:*:allowed"))


# --- Neighbours of a job that kills its worker ------------------------------------------------
def test_an_innocent_neighbour_of_a_killer_is_finished(
    redis_server: RedisServer, queue: str
) -> None:
    client = Redis.from_url(redis_server.url, retry=Retry(NoBackoff(), 0), socket_timeout=5)
    plain = Queue(queue, connection=client, serializer="json")
    killer = plain.enqueue("engine_process_jobs.kill_process", {})
    neighbour = plain.enqueue("engine_jobs.note", {"text": "innocent", "seconds": 1.0})
    end = time.monotonic() + 90
    while time.monotonic() < end and killer.get_status() != JobStatus.FAILED:
        with process(redis_server.url, queue, limit=2, certain=2) as worker:
            while worker.poll() is None and killer.get_status() != JobStatus.FAILED:
                time.sleep(0.1)
    assert killer.get_status() == JobStatus.FAILED
    with process(redis_server.url, queue):
        eventually(lambda: neighbour.get_status() == JobStatus.FINISHED, 20)


def test_a_worker_that_holds_the_interpreter_fails_no_job(
    redis_server: RedisServer, queue: str, tmp_path: Path
) -> None:
    """It looks dead for longer than its lease, and then goes on; so does the one that takes over."""
    client = Redis.from_url(redis_server.url, retry=Retry(NoBackoff(), 0), socket_timeout=5)
    plain = Queue(queue, connection=client, serializer="json")
    notes = tmp_path / "notes"
    held = {"notes": str(notes), "text": "held", "seconds": 4.0}
    with process(redis_server.url, queue) as one, process(redis_server.url, queue) as two:
        eventually(lambda: client.scard("rq:workers") == 2, 20)
        job = plain.enqueue("engine_process_jobs.hold_the_interpreter", held)
        # Each may take it from the other for a while, as long as both are slow.
        eventually(lambda: job.get_status() == JobStatus.FINISHED, 90)
        eventually(lambda: client.zcard(f"rq:wip:{queue}") == 0, 20)
        assert one.poll() is two.poll() is None
    assert times_run(notes)["held"] >= 2, "no worker was held up past its lease"
    assert job.get_status() == JobStatus.FINISHED
    assert client.zcard(f"rq:failed:{queue}") == 0


# --- Clocks ----------------------------------------------------------------------------------
def test_a_clock_that_is_ten_minutes_wrong_changes_nothing(
    connection: Redis, publisher: Publisher, start_worker: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Due times are reckoned in Redis: by the publisher, for a retry, and for a delayed job."""
    real = time.time
    for wrong in (-600.0, 600.0):
        monkeypatch.setattr(time, "time", lambda wrong=wrong: real() + wrong)
        receipt = publisher.publish(odd.surrogate, odd.Odd(text=str(wrong)), delay=1.0)
        due = connection.zscore(f"rq:scheduled:{publisher.queue}", receipt.job_id)
        seconds, micros = connection.time()
        assert due - (seconds + micros / 1e6) == pytest.approx(1.0, abs=0.5)
    worker = start_worker()
    for wrong in (-600.0, 600.0):
        eventually(lambda wrong=wrong: odd.runs[str(wrong)] == 2)
    assert worker._exchange._skew == pytest.approx(-600.0, abs=5)
    assert exchange.time.time is time.time


# --- Names -----------------------------------------------------------------------------------
@pytest.mark.parametrize("serializer", ["json", "pickle"])
def test_what_is_no_processor_is_named_by_its_path_alone(
    connection: Redis, queue: str, start_worker: Start, serializer: str
) -> None:
    kept: list[FailedJob] = []
    plain = Queue(queue, connection=connection, serializer=serializer)
    plain.enqueue("odd_jobs.plain", {"card": "4111"})
    with capture_logs() as lines:
        start_worker(failed=kept.append)
        eventually(lambda: kept)
    assert (kept[0].job_type, kept[0].path) == ("odd_jobs.plain", "odd_jobs.plain")
    assert {each["jobType"] for each in lines if "jobType" in each} == {"odd_jobs.plain"}
    assert "4111" not in str(lines)


def test_values_in_an_error_s_text_are_not_told(
    connection: Redis, publisher: Publisher, start_worker: Start
) -> None:
    """pydantic repeats what it refused, HTTP clients the query of the URL."""
    kept: list[FailedJob] = []
    receipt = publisher.publish(odd.refuse_an_answer, odd.Odd(text="kim.private"))
    start_worker(failed=kept.append)
    eventually(lambda: kept)
    said = (
        kept[0].error
        + kept[0].traceback
        + fetch(connection, receipt.job_id).latest_result().exc_string
    )
    assert "kim.private" not in said
    assert "https://a.kr/b?***" in said
    assert "unable to parse string as an integer [type=int_parsing, input_type=str]" in said


def test_a_job_that_only_newer_workers_know_waits(
    connection: Redis, plain: Queue, start_worker: Start
) -> None:
    job = plain.enqueue("odd_jobs.of_tomorrow", {"text": "a"})
    start_worker()
    eventually(lambda: status(connection, job.id) == b"scheduled")
    assert not connection.hget(f"rq:job:{job.id}", "number_of_retries")
    connection.hset(f"rq:job:{job.id}", "created_at", "2026-01-01T00:00:00.000000Z")
    connection.zadd(f"rq:scheduled:{plain.name}", {job.id: 1})
    eventually(lambda: status(connection, job.id) == b"failed")


def test_an_outage_is_one_line_however_many_jobs_it_holds_back(
    publisher: Publisher, start_worker: Start, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "_held", {})
    publisher.publish_many(odd.meet_an_outage, [odd.Odd(text=queue)] * 40)
    with capture_logs() as lines:
        start_worker(Options(concurrency=10))
        eventually(lambda: publisher.connection.zcard(f"rq:scheduled:{queue}") == 40)
        eventually(lambda: [jobs for _, jobs in journal._held.values()] == [39])
        monkeypatch.setattr(journal, "_SPELL", 0.0)  # a minute later
        publisher.publish(odd.meet_an_outage, odd.Odd(text=queue))
        eventually(lambda: publisher.connection.zcard(f"rq:scheduled:{queue}") == 41)
        eventually(lambda: len([line for line in lines if line["event"] == "job.interrupted"]) == 2)
    told = [line for line in lines if line["event"] == "job.interrupted"]
    assert [line["more"] for line in told] == [0, 39]
    assert {line["jobType"] for line in told} == {"odd_jobs.meet_an_outage"}
