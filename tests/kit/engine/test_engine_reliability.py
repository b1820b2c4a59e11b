"""Nothing lost, nothing run twice: drain, dead workers, and Redis going away."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

import engine_jobs as jobs
from engine_process import process
from support import RedisServer, eventually
from worker_payment.kit.engine import Options, Publisher, ThreadWorker

Start = Callable[..., ThreadWorker]


def status(connection: Redis, job_id: str) -> JobStatus:
    return Job.fetch(job_id, connection=connection, serializer=JSONSerializer).get_status()


def test_drain_lets_running_jobs_end_and_takes_no_more(
    publisher: Publisher, connection: Redis, queue: str, start_worker: Start
) -> None:
    jobs.gate.clear()
    running = publisher.publish(jobs.wait_for_gate, jobs.Note(text=uuid4().hex))
    worker = start_worker(Options(concurrency=1))
    assert jobs.running.acquire(timeout=10)
    waiting = publisher.publish(jobs.note, jobs.Note(text=uuid4().hex))
    worker.drain()
    jobs.gate.set()
    eventually(lambda: status(connection, running.job_id) == JobStatus.FINISHED)
    assert status(connection, waiting.job_id) == JobStatus.QUEUED
    assert Queue(queue, connection=connection).job_ids == [waiting.job_id]


def test_what_does_not_end_in_time_goes_back_to_the_front_and_spends_no_attempt(
    publisher: Publisher, connection: Redis, queue: str, start_worker: Start
) -> None:
    jobs.gate.clear()
    names = [uuid4().hex for _ in range(3)]
    receipts = [publisher.publish(jobs.wait_for_gate, jobs.Note(text=name)) for name in names]
    worker = start_worker(Options(concurrency=2, shutdown_timeout=0.2))
    for _ in range(2):
        assert jobs.running.acquire(timeout=10)
    worker.drain()
    plain = Queue(queue, connection=connection)
    eventually(lambda: plain.count == 3)
    assert plain.job_ids == [receipt.job_id for receipt in receipts]
    assert connection.zcard(plain.started_job_registry.key) == 0
    returned = Job.fetch(receipts[0].job_id, connection=connection, serializer=JSONSerializer)
    assert returned.get_status() == JobStatus.QUEUED
    assert not returned.number_of_retries
    jobs.gate.set()


def test_a_job_waiting_for_its_retry_in_the_slot_is_given_back_at_once(
    publisher: Publisher, connection: Redis, queue: str, start_worker: Start
) -> None:
    name = uuid4().hex
    publisher.publish(jobs.wait_in_slot, jobs.Note(text=name))
    worker = start_worker(Options(concurrency=1, shutdown_timeout=60))
    eventually(lambda: jobs.attempts[name] == 1)
    time.sleep(0.1)
    worker.drain()
    plain = Queue(queue, connection=connection, serializer="json")
    eventually(lambda: plain.count == 1)
    assert plain.jobs[0].number_of_retries == 1  # the failed attempt counts, the wait does not


def test_second_signal_gives_back_at_once(connection: Redis, redis_url: str, queue: str) -> None:
    plain = Queue(queue, connection=connection, serializer="json")
    job = plain.enqueue("engine_jobs.wait_for_gate", {"text": "x"})
    with process(redis_url, queue, timeout=60) as worker:
        eventually(lambda: job.get_status() == JobStatus.STARTED)
        worker.send_signal(signal.SIGINT)
        time.sleep(1.2)  # signals within a second count as one
        assert worker.poll() is None
        worker.send_signal(signal.SIGINT)
        assert worker.wait(10) == 0
    assert job.get_status() == JobStatus.QUEUED


def test_failing_jobs_outlive_an_outage_of_redis(
    redis_server: RedisServer, queue: str, start_worker: Start
) -> None:
    client = Redis.from_url(redis_server.url, retry=Retry(NoBackoff(), 0), socket_timeout=5)
    name = uuid4().hex
    receipt = Publisher(client, queue).publish(
        jobs.note, jobs.Note(text=name, failures=1, seconds=0.2)
    )
    jobs.gate.clear()
    blocked = Publisher(client, queue).publish(jobs.wait_for_gate, jobs.Note(text=f"{name}-b"))
    start_worker(Options(concurrency=5), client=client)
    assert jobs.running.acquire(timeout=10)
    redis_server.stop()
    jobs.gate.set()
    time.sleep(1.0)
    redis_server.start()
    for each in (receipt, blocked):
        eventually(lambda each=each: status(client, each.job_id) == JobStatus.FINISHED, 20)
    assert jobs.ran.count(f"{name}-b") == 1


def test_a_full_redis_is_waited_for(tmp_path: Path, queue: str, start_worker: Start) -> None:
    server = RedisServer(tmp_path, "--maxmemory-policy", "noeviction").start()
    client = Redis.from_url(server.url, retry=Retry(NoBackoff(), 0), socket_timeout=5)
    name = uuid4().hex
    texts = [f"{name}-{n}" for n in range(200)]
    payloads = [jobs.Note(text=text, seconds=0.005) for text in texts]
    Publisher(client, queue).publish_many(jobs.note, payloads)
    start_worker(Options(concurrency=5), client=client)
    eventually(lambda: len([t for t in jobs.ran if t.startswith(name)]) > 20)
    client.config_set("maxmemory", 1)  # every write is refused from now on
    time.sleep(1.0)
    client.config_set("maxmemory", 0)
    eventually(lambda: client.zcard(f"rq:finished:{queue}") == 200, 30)
    assert sorted(t for t in jobs.ran if t.startswith(name)) == sorted(texts)
    for worker_queue in (f"rq:wip:{queue}", f"rq:queue:{queue}"):
        assert not client.exists(worker_queue)
    client.close()
    server.stop()
