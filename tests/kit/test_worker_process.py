"""The worker as operators know it: a process that starts, takes signals and leaves."""

from __future__ import annotations

import signal
import subprocess
import time
from functools import partial
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue
from rq.job import JobStatus
from rq.serializers import JSONSerializer

from program import program
from program_jobs import Nap, Wait, leave_a_thread_behind, nap, stumble, swallow_timeout, wait
from support import RedisServer, eventually, prepare
from worker_payment.kit.engine import Publisher


@pytest.fixture
def jobs(connection, queue):
    """RQ's own view of the test's queue."""
    return Queue(queue, connection=connection, serializer=JSONSerializer)


@pytest.fixture
def start(tmp_path, redis_url, queue):
    """Run the worker on the test's queue."""
    return partial(program, tmp_path, redis_url, queue)


def listening(pid):
    """The sockets on which a process waits for connections."""
    if not Path("/proc/self/fd").exists():  # macOS
        command = ["lsof", "-nP", "-a", "-p", str(pid), "-iTCP", "-sTCP:LISTEN", "-Fn"]
        return subprocess.run(command, capture_output=True, check=False).stdout.split()
    own = {str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir()}
    tables = (Path(f"/proc/{pid}/net/{name}").read_text() for name in ("tcp", "tcp6"))
    rows = [line.split() for table in tables for line in table.splitlines()[1:]]
    return [row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in own]


# --- Work ------------------------------------------------------------------------------------
def test_jobs_run_side_by_side_and_no_port_is_open(start, publisher):
    for _ in range(4):
        nap.enqueue(Nap(nap_seconds=0.5), publisher=publisher)
    with start(modules=True, WORKER_CONCURRENCY="4") as worker:
        eventually(lambda: len(worker.lines("job.done")) == 4, 20)
        order = [line["message"] for line in worker.lines() if line["message"].startswith("job.")]
        assert order == ["job.start"] * 4 + ["job.done"] * 4
        assert listening(worker.process.pid) == []


def test_concurrency_one_keeps_the_order(start, publisher):
    published = publisher.publish_many(nap, [Nap()] * 20)
    with start("run", "--burst", WORKER_CONCURRENCY="1") as worker:
        assert worker.exit_code() == 0
    ended = [line["jobId"] for line in worker.lines("job.done")]
    assert ended == [receipt.job_id for receipt in published]


def test_max_jobs_ends_the_worker(start, publisher, jobs):
    publisher.publish_many(nap, [Nap()] * 5)
    with start("run", "--max-jobs", "3") as worker:
        assert worker.exit_code() == 0
    assert jobs.count == 2


def test_a_job_that_keeps_failing_is_retried_and_then_kept(start, publisher, jobs):
    receipt = stumble.enqueue(Nap(secret="never-logged"), publisher=publisher)
    with start() as worker:
        retry = worker.wait_for("job.retry")
        failed = worker.wait_for("job.failed")
    assert (retry["attempt"], failed["attempt"]) == (1, 2)
    assert (failed["jobId"], failed["jobType"]) == (receipt.job_id, "program_jobs.stumble")
    assert "the other side is down" in failed["exception"]
    job = jobs.fetch_job(receipt.job_id)
    assert "ConnectionError: the other side is down" in job.latest_result().exc_string
    assert "never-logged" not in worker.output


def test_a_payload_that_does_not_fit_fails_at_once_and_is_not_logged(start, jobs):
    job = jobs.enqueue(nap.path, {"napSeconds": "never-logged"})
    with start() as worker:
        failed = worker.wait_for("job.failed")
    assert failed["attempt"] == 1
    assert "napSeconds" in failed["error"]
    assert job.get_status() == JobStatus.FAILED
    assert "never-logged" not in worker.output


def test_each_line_of_the_log_tells_whose_it_is(start, publisher):
    nap.enqueue(Nap(), publisher=publisher)
    config = '{"level":"info","service":"my-service"}'
    with start("run", "--burst", LOGGER_CONFIG=config) as worker:
        assert worker.exit_code() == 0
    assert {line["service"] for line in worker.lines()} == {"my-service"}
    assert len(worker.lines()) == len(worker.output.splitlines())
    begun, done = worker.lines("job.start")[0], worker.lines("job.done")[0]
    assert (begun["attempt"], begun["jobType"]) == (1, "program_jobs.nap")
    assert isinstance(done["durationMs"], int)


def test_pretty_lines_are_for_people(start, publisher):
    nap.enqueue(Nap(), publisher=publisher)
    with start("run", "--burst", LOGGER_CONFIG='{"pretty":true}') as worker:
        assert worker.exit_code() == 0
    assert worker.lines() == []
    assert "job.done" in worker.output


# --- Stop ------------------------------------------------------------------------------------
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_running_jobs_end_and_takes_no_more(start, publisher, jobs, number, tmp_path):
    end = tmp_path / "end"
    running = wait.enqueue(Wait(until=str(end)), publisher=publisher)
    waiting = nap.enqueue(Nap(), publisher=publisher)
    with start(WORKER_CONCURRENCY="1") as worker:
        worker.wait_for("job.start")
        worker.signal(number)
        worker.wait_for("worker.drain")
        end.touch()
        assert worker.exit_code() == 0
    assert jobs.fetch_job(running.job_id).get_status() == JobStatus.FINISHED
    assert jobs.job_ids == [waiting.job_id]
    assert worker.lines("worker.drain", atOnce=False)
    assert worker.lines("worker.stop", givenBack=0)
    assert jobs.connection.scard(f"rq:workers:{jobs.name}") == 0


def test_what_does_not_end_in_time_is_given_back_and_spends_no_attempt(start, publisher, jobs):
    receipt = nap.enqueue(Nap(nap_seconds=50), publisher=publisher)
    with start(WORKER_SHUTDOWN_TIMEOUT="0.5") as worker:
        worker.wait_for("job.start")
        worker.signal()
        assert worker.exit_code(timeout=10) == 0
    assert worker.lines("worker.stop", givenBack=1)
    job = jobs.fetch_job(receipt.job_id)
    assert job.get_status() == JobStatus.QUEUED
    assert jobs.job_ids == [receipt.job_id]
    assert not job.number_of_retries


def test_a_second_signal_gives_back_at_once(start, publisher, jobs):
    receipt = nap.enqueue(Nap(nap_seconds=50), publisher=publisher)
    with start(WORKER_SHUTDOWN_TIMEOUT="40") as worker:
        worker.wait_for("job.start")
        worker.signal(signal.SIGINT)
        worker.wait_for("worker.drain", atOnce=False)
        time.sleep(1.2)  # signals within a second count as one
        worker.signal(signal.SIGTERM)
        assert worker.exit_code(timeout=10) == 0
    assert worker.lines("worker.drain", atOnce=True)
    assert jobs.job_ids == [receipt.job_id]


def test_an_idle_worker_leaves_at_once(start):
    with start() as worker:
        worker.wait_for("worker.start")
        asked = time.monotonic()
        worker.signal()
        assert worker.exit_code() == 0
    assert time.monotonic() - asked < 5


def test_what_a_coroutine_left_behind_keeps_no_worker(start, publisher):
    """Its job has failed by its timeout; the thread it waits for runs on."""
    with start() as worker:
        leave_a_thread_behind.enqueue(Nap(nap_seconds=60), publisher=publisher)
        worker.wait_for("job.failed")
        worker.signal()
        worker.wait_for("worker.stop")
        assert worker.exit_code(timeout=20) == 0


# --- Redis away ------------------------------------------------------------------------------
def test_at_start_it_waits_for_redis_and_says_so(tmp_path, queue):
    server = RedisServer(tmp_path)
    with program(tmp_path, server.url, queue) as worker:
        worker.wait_for("redis.wait")
        with program(tmp_path, server.url, queue, "health", "--ready") as health:
            eventually(lambda: health.exit_code() in (1, 2))
        server.start()
        try:
            worker.wait_for("worker.start")
            worker.signal()
            assert worker.exit_code() == 0
        finally:
            server.stop()


def test_while_it_waits_for_redis_a_signal_ends_it(tmp_path, queue):
    with program(tmp_path, RedisServer(tmp_path).url, queue) as worker:
        worker.wait_for("redis.wait")
        worker.signal()
        assert worker.exit_code(timeout=10) == 0


def test_during_work_it_outlives_redis(tmp_path, redis_server, queue):
    with Redis(port=redis_server.port) as client:
        publisher = Publisher(client, queue)
        end = tmp_path / "end"
        running = wait.enqueue(Wait(until=str(end)), publisher=publisher)
        with program(tmp_path, redis_server.url, queue) as worker:
            worker.wait_for("job.start", jobId=running.job_id)
            redis_server.stop()
            worker.wait_for("redis.lost")
            end.touch()
            time.sleep(0.5)  # the job ends meanwhile
            redis_server.start()
            worker.wait_for("redis.back")
            after = nap.enqueue(Nap(), publisher=publisher)
            worker.wait_for("job.done", jobId=after.job_id)
            jobs = Queue(queue, connection=client, serializer=JSONSerializer)
            status = partial(jobs.fetch_job(running.job_id).get_status, refresh=True)
            eventually(lambda: status() == JobStatus.FINISHED)
            assert len(worker.lines("job.start", jobId=running.job_id)) == 1
            worker.signal()
            assert worker.exit_code() == 0


def test_without_redis_it_still_leaves_in_time(tmp_path, redis_server, queue):
    with Redis(port=redis_server.port) as client:
        nap.enqueue(Nap(nap_seconds=50), publisher=Publisher(client, queue))
    patience = {"WORKER_SHUTDOWN_TIMEOUT": "1"}
    with program(tmp_path, redis_server.url, queue, **patience) as worker:
        worker.wait_for("job.start")
        redis_server.stop()
        worker.wait_for("redis.lost")
        worker.signal()
        assert worker.exit_code(timeout=15) == 0
    assert worker.lines("worker.stop")


# --- Settings --------------------------------------------------------------------------------
def test_wrong_settings_stop_it_with_one_message_and_no_secret(start):
    wrong = {"WORKER_CONCURRENCY": "s3cret", "LOGGER_CONFIG": '{"level":"s3cret"}'}
    with start(REDIS_URL="s3cret", **wrong) as worker:
        assert worker.exit_code() == 2
    assert worker.output.count("error: ") == 1
    for name in ("WORKER_CONCURRENCY", "LOGGER_CONFIG.level", "REDIS_URL"):
        assert name in worker.output
    assert "s3cret" not in worker.output


def test_a_wrong_password_stops_it_with_one_sentence(tmp_path, redis_server, queue):
    with Redis(port=redis_server.port) as client:
        client.config_set("requirepass", "right")
    url = f"redis://:wr0ng-s3cret@127.0.0.1:{redis_server.port}/0"
    with program(tmp_path, url, queue) as worker:
        assert worker.exit_code() == 3
    assert "AuthenticationError" in worker.output
    assert "wr0ng-s3cret" not in worker.output
    redis_server.stop(kill=True)


def test_a_dotenv_file_of_the_original_boots_unchanged(tmp_path, start, publisher):
    """The core of what the worker for Node was configured with; integrations follow it."""
    core = """
APP_NAME=my-app
WORKER_NAME=payment worker:1
WORKER_CONCURRENCY=5
LOGGER_CONFIG={"level":"info","pretty":false,"service":"my-service"}
"""
    prepare(tmp_path)
    with (tmp_path / ".env").open("a") as file:
        file.write(core)
    receipt = nap.enqueue(Nap(), publisher=publisher)
    with start("run", "--burst", modules=True) as worker:
        assert worker.exit_code() == 0
    assert worker.lines("job.done", jobId=receipt.job_id, service="my-service")
    assert worker.lines("worker.start", concurrency=5)


def test_a_worker_that_cannot_end_a_job_leaves_for_a_fresh_one(start, publisher, jobs):
    """The job is failed with that reason, and the exit code tells a supervisor to start again."""
    receipt = swallow_timeout.enqueue(Nap(), publisher=publisher)
    with start(jobs="hasty_jobs", WORKER_CONCURRENCY="2") as worker:
        worker.wait_for("job.start")
        assert worker.exit_code(timeout=60) == 5
    assert worker.lines("job.late", jobId=receipt.job_id)
    assert jobs.fetch_job(receipt.job_id).get_status() == JobStatus.FAILED
