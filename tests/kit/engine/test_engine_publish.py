"""Publishing: no id is queued twice, and an ended job gives its id free."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from redis import Redis
from rq import Queue
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

import engine_jobs as jobs
from support import eventually
from worker_payment.kit.engine import Options, Publisher
from worker_payment.kit.engine.job.key import safe_job_id

Start = Callable[..., object]


def status(connection: Redis, job_id: str) -> JobStatus:
    return Job.fetch(job_id, connection=connection, serializer=JSONSerializer).get_status()


def test_payload_travels_as_camel_case_json(
    publisher: Publisher, connection: Redis, queue: str
) -> None:
    receipt = publisher.publish(jobs.note, jobs.Note(text="a"))
    job = Job.fetch(receipt.job_id, connection=connection, serializer=JSONSerializer)
    assert job.func_name == "engine_jobs.note"
    assert list(job.args) == [{"text": "a", "failures": 0, "seconds": 0.0}]
    assert Queue(queue, connection=connection).job_ids == [receipt.job_id]


def test_same_id_is_not_queued_twice_while_it_waits(publisher: Publisher, queue: str) -> None:
    payload = jobs.Note(text=uuid4().hex)
    first = publisher.publish(jobs.note_once, payload)
    second = publisher.publish(jobs.note_once, payload)
    assert (first.queued, second.queued) == (True, False)
    assert first.job_id == second.job_id
    assert Queue(queue, connection=publisher.connection).count == 1


def test_same_id_is_not_queued_twice_while_it_runs_or_waits_for_a_retry(
    publisher: Publisher, connection: Redis, start_worker: Start
) -> None:
    jobs.gate.clear()
    job_id = uuid4().hex
    publisher.publish(jobs.wait_for_gate, jobs.Note(text=job_id), job_id=job_id)
    start_worker()
    assert jobs.running.acquire(timeout=10)
    assert not publisher.publish(jobs.wait_for_gate, jobs.Note(), job_id=job_id).queued
    jobs.gate.set()
    eventually(lambda: status(connection, job_id) == JobStatus.FINISHED)


def test_the_same_id_published_by_many_threads_is_queued_once(
    publisher: Publisher, queue: str
) -> None:
    payload = jobs.Note(text=uuid4().hex)
    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(lambda _: publisher.publish(jobs.note_once, payload), range(40)))
    assert [receipt.queued for receipt in receipts].count(True) == 1
    assert Queue(queue, connection=publisher.connection).count == 1


@pytest.mark.parametrize("failures", [0, 99])
def test_an_ended_job_gives_its_id_free(
    publisher: Publisher, connection: Redis, start_worker: Start, failures: int
) -> None:
    job_id = uuid4().hex
    payload = jobs.Note(text=job_id, failures=failures)
    publisher.publish(jobs.note, payload, job_id=job_id)
    start_worker()
    end = JobStatus.FAILED if failures else JobStatus.FINISHED
    eventually(lambda: status(connection, job_id) == end)
    assert publisher.publish(jobs.note, payload, job_id=job_id).queued


def test_delayed_job_waits_in_rqs_registry_and_then_runs(
    publisher: Publisher, connection: Redis, queue: str, start_worker: Start
) -> None:
    name = uuid4().hex
    receipt = publisher.publish(jobs.note, jobs.Note(text=name), delay=0.3)
    assert receipt.job_id in Queue(queue, connection=connection).scheduled_job_registry
    start_worker(Options())
    eventually(lambda: name in jobs.ran)


def test_many_are_published_in_few_trips(publisher: Publisher, queue: str) -> None:
    texts = [uuid4().hex for _ in range(1200)]
    payloads = [jobs.Note(text=text) for text in [*texts, texts[0]]]
    receipts = publisher.publish_many(jobs.note_once, payloads)
    assert [receipt.queued for receipt in receipts] == [True] * 1200 + [False]
    assert Queue(queue, connection=publisher.connection).count == 1200


@pytest.mark.parametrize("text", ["a/b", "주문 1", "a b", "", "x:y"])
def test_any_text_makes_a_valid_and_distinct_id(text: str) -> None:
    made = safe_job_id(text)
    assert made.replace("-", "").replace("_", "").isalnum()
    assert made.isascii()
    assert made != safe_job_id(text + "/")


def test_plain_ids_stay_as_they_are() -> None:
    assert safe_job_id("sync-2026-01-01") == "sync-2026-01-01"


def test_stock_rq_worker_runs_the_same_job(
    publisher: Publisher, connection: Redis, queue: str
) -> None:
    from rq import SimpleWorker

    name = uuid4().hex
    publisher.publish(jobs.note, jobs.Note(text=name))
    SimpleWorker([queue], connection=connection, serializer="json").work(burst=True)
    assert name in jobs.ran
