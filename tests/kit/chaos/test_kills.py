"""Kills and restarts: jobs are taken over, given up, never lost."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq.job import JobStatus

import engine_jobs as jobs
from engine_process import count_jobs, process, times_run
from support import RedisServer, eventually
from worker_payment.kit.engine import (
    FailedJob,
    Options,
    Publisher,
    ThreadWorker,
)

Start = Callable[..., ThreadWorker]


def test_sigterm_under_load_loses_nothing_and_runs_nothing_twice(
    connection: Redis, redis_url: str, queue: str, notes: Path
) -> None:
    queued = count_jobs(connection, queue, notes, 300, 0.01)
    for _ in range(4):
        with process(redis_url, queue) as worker:
            eventually(lambda: connection.zcard(f"rq:wip:{queue}") > 0)
            time.sleep(0.15)
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(20) == 0
    with process(redis_url, queue) as worker:
        eventually(lambda: connection.zcard(f"rq:finished:{queue}") == len(queued), 30)
        eventually(lambda: connection.scard(f"rq:workers:{queue}") == 1)  # it listens to signals
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0
    assert set(times_run(notes).values()) == {1}


def test_killed_workers_jobs_run_again_elsewhere(
    connection: Redis, redis_url: str, queue: str, notes: Path
) -> None:
    queued = count_jobs(connection, queue, notes, 200, 0.02)
    with process(redis_url, queue) as victim, process(redis_url, queue):
        eventually(lambda: connection.zcard(f"rq:finished:{queue}") > 20)
        victim.kill()
        eventually(lambda: connection.zcard(f"rq:finished:{queue}") == len(queued), 40)
    runs = times_run(notes)
    assert len(runs) == len(queued)
    assert sum(runs.values()) <= len(queued) + 5  # what ran when it was killed, no more


def test_a_job_that_kills_its_worker_is_given_up(
    redis_server: RedisServer, queue: str, start_worker: Start
) -> None:
    client = Redis.from_url(redis_server.url, retry=Retry(NoBackoff(), 0), socket_timeout=5)
    plain = Queue(queue, connection=client, serializer="json")
    job = plain.enqueue("engine_process_jobs.kill_process", {})
    for _ in range(2):
        with process(redis_server.url, queue, limit=2) as victim:
            assert victim.wait(30) == -signal.SIGKILL
    assert job.get_status() == JobStatus.STARTED
    kept: list[FailedJob] = []
    options = Options(lease=2, delivery_limit=2)
    start_worker(options, client=client, failed=kept.append)
    eventually(lambda: job.get_status() == JobStatus.FAILED, 30)
    assert job.id in plain.failed_job_registry
    result = job.latest_result()
    assert result is not None
    assert "2 deliveries" in (result.exc_string or "")
    eventually(lambda: [record.job_id for record in kept] == [job.id])


def test_a_worker_paused_past_its_lease_drops_what_others_took_over(
    connection: Redis, redis_url: str, queue: str, notes: Path
) -> None:
    count_jobs(connection, queue, notes, 5, 1.5)
    with process(redis_url, queue) as paused:
        eventually(lambda: connection.zcard(f"rq:wip:{queue}") == 5)
        paused.send_signal(signal.SIGSTOP)
        with process(redis_url, queue):
            eventually(lambda: connection.zcard(f"rq:finished:{queue}") == 5, 40)
            paused.send_signal(signal.SIGCONT)
            time.sleep(2.0)
    assert connection.zcard(f"rq:finished:{queue}") == 5
    assert connection.zcard(f"rq:wip:{queue}") == 0
    assert connection.llen(f"rq:queue:{queue}") == 0


@pytest.mark.parametrize("kill", [False, True])
def test_redis_restart_under_load_loses_nothing(
    redis_server: RedisServer, queue: str, start_worker: Start, kill: bool
) -> None:
    client = Redis.from_url(redis_server.url, retry=Retry(NoBackoff(), 0), socket_timeout=5)
    worker_client = Redis.from_url(redis_server.url, retry=Retry(NoBackoff(), 0), socket_timeout=5)
    name = uuid4().hex
    publisher = Publisher(client, queue)
    texts = [f"{name}-{n}" for n in range(400)]
    publisher.publish_many(jobs.note, [jobs.Note(text=text, seconds=0.01) for text in texts])
    start_worker(Options(concurrency=5, lease=2), client=worker_client)
    eventually(lambda: len([t for t in jobs.ran if t.startswith(name)]) > 50)
    redis_server.stop(kill=kill)
    time.sleep(1.5)
    redis_server.start()
    eventually(lambda: client.zcard(f"rq:finished:{queue}") == 400, 30)
    done = [text for text in jobs.ran if text.startswith(name)]
    assert sorted(done) == sorted(texts)  # none lost, none twice
