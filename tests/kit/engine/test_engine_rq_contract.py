"""Every behaviour of RQ that the engine promises to keep.

Run this when RQ's pin is raised: what fails here is what the engine has to learn.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
from redis import Redis
from rq import Callback, Queue, Repeat, Retry, Worker
from rq.command import send_shutdown_command, send_stop_job_command
from rq.exceptions import DuplicateJobError
from rq.group import Group
from rq.job import Job, JobStatus
from rq.rate_limit import RateLimit
from rq.registry import StartedJobRegistry
from rq.results import Result
from rq.suspension import resume, suspend
from rq.webhook import Webhook

import engine_jobs as jobs
from support import RedisServer, eventually
from worker_payment.kit.engine import Options, ThreadWorker
from worker_payment.kit.engine.run.task import any_task

Start = Callable[..., ThreadWorker]
PLAIN = Options(concurrency=5, resolve=any_task)


@pytest.fixture
def plain(connection: Redis, queue: str) -> Queue:
    """The queue as any RQ publisher sees it."""
    return Queue(queue, connection=connection, serializer="json")


def reaches(job: Job, status: JobStatus) -> Job:
    """Wait until a job has the status."""
    eventually(lambda: job.get_status() == status)
    return job


@pytest.mark.parametrize(("ttl", "expected"), [(None, 500), (100, 100), (-1, -1)])
def test_result_is_kept_as_long_as_the_publisher_says(
    plain: Queue, start_worker: Start, ttl: int | None, expected: int
) -> None:
    job = plain.enqueue("engine_jobs.add", 2, 3, result_ttl=ttl)
    start_worker(PLAIN)
    reaches(job, JobStatus.FINISHED)
    assert job.return_value() == 5
    assert job.id in plain.finished_job_registry
    left = plain.connection.ttl(job.key)
    assert left == expected if expected == -1 else expected - 5 <= left <= expected
    result = job.latest_result()
    assert result is not None
    assert result.execution_started_at is not None
    assert not plain.started_job_registry.get_job_ids()


def test_result_ttl_0_leaves_nothing_behind(plain: Queue, start_worker: Start) -> None:
    job = plain.enqueue("engine_jobs.add", 2, 3, result_ttl=0)
    start_worker(PLAIN)
    eventually(lambda: not plain.connection.exists(job.key))
    assert list(plain.connection.scan_iter(f"*{job.id}*")) == []


def test_no_trace_of_an_execution_is_left(plain: Queue, start_worker: Start) -> None:
    done = plain.enqueue("engine_jobs.add", 2, 3)
    failed = plain.enqueue("engine_jobs.fail")
    worker = start_worker(PLAIN)
    reaches(done, JobStatus.FINISHED)
    reaches(failed, JobStatus.FAILED)
    eventually(lambda: worker.current_execution_count == 0)
    connection = plain.connection
    assert list(connection.scan_iter(f"rq:execution*{done.id}*")) == []
    assert list(connection.scan_iter(f"rq:execution*{failed.id}*")) == []
    assert connection.zcard(plain.started_job_registry.key) == 0


def test_failure_is_kept_and_rq_requeue_runs_it_again(
    plain: Queue, start_worker: Start, redis_url: str
) -> None:
    name = uuid4().hex
    job = plain.enqueue("engine_jobs.fail_once", name)
    start_worker(PLAIN)
    reaches(job, JobStatus.FAILED)
    result = job.latest_result()
    assert result is not None
    assert "first time" in (result.exc_string or "")
    command = ["requeue", "--queue", plain.name, "-u", redis_url, "-S", "json", job.id]
    subprocess.run([sys.executable, "-m", "rq.cli", *command], check=True, capture_output=True)
    reaches(job, JobStatus.FINISHED)


@pytest.mark.parametrize("interval", [0, 1])
def test_the_publishers_retry_wins(plain: Queue, start_worker: Start, interval: int) -> None:
    name = uuid4().hex
    job = plain.enqueue("engine_jobs.fail_once", name, retry=Retry(max=2, interval=interval))
    start_worker(PLAIN)
    reaches(job, JobStatus.FINISHED)
    assert jobs.attempts[name] == 2


def test_the_publishers_retry_ends(plain: Queue, start_worker: Start) -> None:
    job = plain.enqueue("engine_jobs.note", {"text": uuid4().hex, "failures": 9}, retry=Retry(1))
    start_worker(PLAIN)
    reaches(job, JobStatus.FAILED)
    assert jobs.attempts[job.args[0]["text"]] == 2  # the policy would have run it three times


def test_a_permanent_error_ends_the_publishers_retry(plain: Queue, start_worker: Start) -> None:
    job = plain.enqueue("engine_jobs.refuse", {"text": uuid4().hex}, retry=Retry(max=5))
    start_worker(PLAIN)
    reaches(job, JobStatus.FAILED)
    assert jobs.attempts[job.args[0]["text"]] == 1


def test_a_returned_retry_is_obeyed(plain: Queue, start_worker: Start) -> None:
    name = uuid4().hex
    job = plain.enqueue("engine_jobs.ask_for_retry", name)
    start_worker(PLAIN)
    reaches(job, JobStatus.FINISHED)
    assert jobs.attempts[name] == 2
    assert [result.type for result in job.results()] == [
        Result.Type.SUCCESSFUL,
        Result.Type.RETRIED,
    ]


def test_callbacks_are_called(plain: Queue, start_worker: Start) -> None:
    done = plain.enqueue("engine_jobs.add", 1, 2, on_success=Callback("engine_jobs.on_success"))
    failed = plain.enqueue("engine_jobs.fail", on_failure=Callback("engine_jobs.on_failure"))
    start_worker(PLAIN)
    reaches(done, JobStatus.FINISHED)
    reaches(failed, JobStatus.FAILED)
    assert f"success {done.id} 3" in jobs.called_back
    assert f"failure {failed.id} RuntimeError" in jobs.called_back


def test_a_raising_success_callback_fails_the_job(plain: Queue, start_worker: Start) -> None:
    broken = Callback("engine_jobs.broken_callback")
    job = plain.enqueue("engine_jobs.add", 1, 2, on_success=broken)
    start_worker(PLAIN)
    reaches(job, JobStatus.FAILED)


def test_dependents_run_after_their_parent(plain: Queue, start_worker: Start) -> None:
    parent = plain.enqueue("engine_jobs.add", 1, 2)
    child = plain.enqueue("engine_jobs.add", 3, 4, depends_on=parent)
    grandchild = plain.enqueue("engine_jobs.add", 5, 6, depends_on=child)
    assert child.get_status() == JobStatus.DEFERRED
    start_worker(PLAIN)
    reaches(grandchild, JobStatus.FINISHED)


def test_dependents_of_two_parents_that_end_at_once(plain: Queue, start_worker: Start) -> None:
    families = []
    for _ in range(20):
        parents = [plain.enqueue("engine_jobs.add", 1, 2) for _ in range(2)]
        families.append(plain.enqueue("engine_jobs.add", 3, 4, depends_on=parents))
    start_worker(PLAIN)
    for child in families:
        reaches(child, JobStatus.FINISHED)


def test_groups(plain: Queue, start_worker: Start) -> None:
    group = Group.create(connection=plain.connection)
    members = group.enqueue_many(
        plain, [Queue.prepare_data("engine_jobs.add", (n, n)) for n in range(5)]
    )
    start_worker(PLAIN)
    for job in members:
        reaches(job, JobStatus.FINISHED)
    assert {job.return_value() for job in members} == {0, 2, 4, 6, 8}


def test_repeat(plain: Queue, start_worker: Start) -> None:
    job = plain.enqueue("engine_jobs.add", 1, 2, repeat=Repeat(times=2))
    start_worker(PLAIN)
    eventually(lambda: len(job.results()) == 3)
    reaches(job, JobStatus.FINISHED)


def test_unique_ids(plain: Queue, start_worker: Start) -> None:
    job_id = uuid4().hex
    job = plain.enqueue("engine_jobs.add", 1, 2, job_id=job_id, unique=True)
    with pytest.raises(DuplicateJobError):
        plain.enqueue("engine_jobs.add", 1, 2, job_id=job_id, unique=True)
    start_worker(PLAIN)
    reaches(job, JobStatus.FINISHED)


def test_rate_limit_holds_jobs_back_without_a_slot(plain: Queue, start_worker: Start) -> None:
    limit = RateLimit(key=uuid4().hex, concurrency=1)
    held = [plain.enqueue("engine_jobs.sleep", 0.1, rate_limit=limit) for _ in range(3)]
    free = plain.enqueue("engine_jobs.add", 1, 2)
    start_worker(PLAIN)
    reaches(free, JobStatus.FINISHED)
    for job in held:
        reaches(job, JobStatus.FINISHED)
    ended = sorted((job.latest_result() for job in held), key=lambda result: result.created_at)
    for earlier, later in pairwise(ended):
        assert later.execution_started_at >= earlier.execution_ended_at - timedelta(seconds=0.02)


def test_webhooks(plain: Queue, start_worker: Start) -> None:
    from http.server import BaseHTTPRequestHandler, HTTPServer

    received = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            received.set()

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        hook = Webhook(url=url, job_status="finished")
        plain.enqueue("engine_jobs.add", 1, 2, webhooks=[hook])
        start_worker(PLAIN)
        assert received.wait(10)
        server.shutdown()


def test_cancel_a_waiting_job(plain: Queue, start_worker: Start) -> None:
    job = plain.enqueue("engine_jobs.add", 1, 2)
    job.cancel()
    other = plain.enqueue("engine_jobs.add", 3, 4)
    start_worker(PLAIN)
    reaches(other, JobStatus.FINISHED)
    assert job.get_status() == JobStatus.CANCELED
    assert job.return_value() is None


def test_delete_a_running_job(plain: Queue, start_worker: Start) -> None:
    job = plain.enqueue("engine_jobs.sleep", 0.3)
    start_worker(PLAIN)
    assert jobs.running.acquire(timeout=10)
    job.delete()
    eventually(lambda: plain.connection.zcard(plain.started_job_registry.key) == 0)
    assert not plain.connection.exists(job.key)


def test_stop_one_of_several_running_jobs(plain: Queue, start_worker: Start) -> None:
    stopped = Callback("engine_jobs.on_stopped")
    victim = plain.enqueue("engine_jobs.sleep", 30, on_stopped=stopped)
    others = [plain.enqueue("engine_jobs.sleep", 1.0) for _ in range(3)]
    start_worker(PLAIN)
    for _ in range(4):
        assert jobs.running.acquire(timeout=10)
    send_stop_job_command(plain.connection, victim.id, serializer=plain.serializer)
    reaches(victim, JobStatus.STOPPED)
    assert victim.id in plain.failed_job_registry
    assert f"stopped {victim.id}" in jobs.called_back
    for job in others:
        reaches(job, JobStatus.FINISHED)


def test_suspend_and_resume(redis_server: RedisServer, queue: str, start_worker: Start) -> None:
    client = Redis.from_url(redis_server.url)
    plain = Queue(queue, connection=client, serializer="json")
    suspend(client)
    job = plain.enqueue("engine_jobs.add", 1, 2)
    worker = start_worker(PLAIN, client=client)
    eventually(lambda: worker._suspended)
    assert job.get_status() == JobStatus.QUEUED
    resume(client)
    reaches(job, JobStatus.FINISHED)


def test_shutdown_command_and_worker_listing(
    plain: Queue, connection: Redis, start_worker: Start
) -> None:
    worker = start_worker(PLAIN)
    eventually(lambda: worker.name in [each.name for each in Worker.all(queue=plain)])
    running = plain.enqueue("engine_jobs.sleep", 1.0)
    assert jobs.running.acquire(timeout=10)
    listed = next(each for each in Worker.all(queue=plain) if each.name == worker.name)
    assert [each.job_id for each in listed.get_current_executions()] == [running.id]
    assert StartedJobRegistry(plain.name, connection=connection).get_job_ids() == [running.id]


def test_burst_and_max_jobs(plain: Queue, connection: Redis) -> None:
    for number in range(10):
        plain.enqueue("engine_jobs.add", number, 1)
    worker = ThreadWorker([plain.name], connection, uuid4().hex, PLAIN)
    assert worker.run(max_jobs=4) == 0
    assert plain.count == 6
    worker = ThreadWorker([plain.name], connection, uuid4().hex, PLAIN)
    assert worker.run(burst=True) == 0
    assert plain.count == 0
    assert plain.finished_job_registry.count == 10


def test_rq_info_before_during_and_after(plain: Queue, start_worker: Start, redis_url: str) -> None:
    def info() -> str:
        command = [sys.executable, "-m", "rq.cli", "info", "-u", redis_url, "--raw", plain.name]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    job = plain.enqueue("engine_jobs.sleep", 3.0)
    assert f"queue {plain.name} 1" in info()
    worker = start_worker(PLAIN)
    assert jobs.running.acquire(timeout=10)
    during = info()
    assert f"queue {plain.name} 0" in during
    assert worker.name in during
    reaches(job, JobStatus.FINISHED)
    assert f"queue {plain.name} 0" in info()


def test_a_stock_worker_and_ours_share_a_queue(
    plain: Queue, connection: Redis, start_worker: Start, redis_url: str
) -> None:
    queued = [plain.enqueue("engine_jobs.add", number, 1) for number in range(60)]
    command = ["worker", "--burst", "-u", redis_url, "-S", "json", "--path", "tests/engine"]
    stock = subprocess.Popen(
        [sys.executable, "-m", "rq.cli", *command, plain.name],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    start_worker(PLAIN)
    for job in queued:
        reaches(job, JobStatus.FINISHED)
    assert stock.wait(60) == 0
    assert plain.finished_job_registry.count == 60


def test_send_shutdown_command_drains(plain: Queue, redis_url: str, connection: Redis) -> None:
    code = (
        "import sys; from redis import Redis; "
        "from worker_payment.kit.engine import ThreadWorker; "
        "from worker_payment.kit.process.shutdown import on_signals; "
        "w = ThreadWorker([sys.argv[1]], Redis.from_url(sys.argv[2]), sys.argv[1]); "
        "guard = on_signals(lambda now: w.drain(now=now)); guard.__enter__(); w.run()"
    )
    process = subprocess.Popen([sys.executable, "-c", code, plain.name, redis_url])
    eventually(lambda: Worker.count(queue=plain) == 1)
    eventually(lambda: connection.pubsub_numsub(f"rq:pubsub:{plain.name}")[0][1] == 1)
    send_shutdown_command(connection, plain.name)
    assert process.wait(15) == 0
