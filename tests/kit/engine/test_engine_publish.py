"""Publishing: no id is queued twice, and an ended job gives its id free."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry
from rq import Queue
from rq.defaults import RQ_KEY_PREFIX
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

import engine_jobs as jobs
from support import RedisServer, eventually
from worker_payment.kit.engine import Options, Publisher
from worker_payment.kit.engine.job.key import safe_job_id
from worker_payment.kit.engine.store import keys
from worker_payment.kit.engine.store.split_call import SplitCall

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


def test_many_may_have_ids_a_delay_and_the_front(
    publisher: Publisher, connection: Redis, queue: str
) -> None:
    plain = Queue(queue, connection=connection)
    notes = [jobs.Note(text=str(number)) for number in range(3)]
    jobs.note.enqueue_many(notes, job_ids=["a", "b", "a"], publisher=publisher)
    jobs.note.enqueue(notes[0], job_id="front", at_front=True, publisher=publisher)
    first, second = (f"first-{number}" for number in range(2))
    jobs.note.enqueue_many(notes[:2], job_ids=[first, second], at_front=True, publisher=publisher)
    assert plain.job_ids == [first, second, "front", "a", "b"]
    late = jobs.note.enqueue_many(
        notes, job_ids=["x", "y", "z"], delay=60, at_front=True, publisher=publisher
    )
    assert [each.queued for each in late] == [True] * 3
    assert plain.scheduled_job_registry.get_job_ids() == ["x", "y", "z"]
    assert jobs.note.enqueue_many([], publisher=publisher) == []
    for wrong in (["a b"], ["a", "b"], []):
        with pytest.raises(ValueError, match=r"letters|zip"):
            jobs.note.enqueue_many(notes[:1], job_ids=wrong, publisher=publisher)


def test_the_front_holds_over_several_trips(publisher: Publisher, queue: str) -> None:
    ids = [f"front-{number:04}" for number in range(1100)]
    receipts = publisher.publish_many(jobs.note, [jobs.Note()] * 1100, job_ids=ids, at_front=True)
    assert Queue(queue, connection=publisher.connection).job_ids == ids
    assert [each.job_id for each in receipts] == ids


def test_the_bytes_are_what_every_language_makes(publisher: Publisher, connection: Redis) -> None:
    """Compact UTF-8, uncompressed; RQ reads all fields of the hash."""
    receipt = publisher.publish(jobs.note, jobs.Note(text='가 "b"\n', failures=1), delay=9)
    found = connection.hgetall(f"rq:job:{receipt.job_id}")
    assert found[b"data"] == (
        '["engine_jobs.note",null,[{"text":"가 \\"b\\"\\n","failures":1,"seconds":0.0}],{}]'.encode()
    )
    assert set(found) == {
        *(b"created_at", b"data", b"description", b"origin", b"result_ttl", b"status", b"timeout")
    }
    job = Job.fetch(receipt.job_id, connection=connection, serializer=JSONSerializer)
    assert (job.timeout, job.result_ttl, job.description) == (180, 500, "engine_jobs.note")
    assert job.created_at.tzinfo is not None


def test_a_lost_reply_is_asked_for_again(
    redis_server: RedisServer, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As often as the client repeats commands; a job with a random id is not taken for a duplicate."""
    receive = SplitCall.receive
    lost = iter([True, False, True, False])

    def lose(call: SplitCall) -> object:
        answer = receive(call)
        if next(lost, False):
            raise RedisConnectionError("lost")
        return answer

    monkeypatch.setattr(SplitCall, "receive", lose)
    with Redis(port=redis_server.port, retry=Retry(NoBackoff(), 1)) as client:
        publisher = Publisher(client, queue)
        assert publisher.publish(jobs.note, jobs.Note()).queued
        assert publisher.publish_many(jobs.note, [jobs.Note()] * 2)[1].queued
        assert Queue(queue, connection=client).count == 3
    lost = iter([True])
    impatient = Redis(port=redis_server.port, retry=Retry(NoBackoff(), 0))
    with impatient as client, pytest.raises(RedisConnectionError):
        Publisher(client, queue).publish(jobs.note, jobs.Note())


def test_a_reply_that_nobody_waited_for_is_not_taken_for_the_next(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job's time limit may be raised between request and reply."""
    note, one, two = jobs.Note(), uuid4().hex, uuid4().hex
    publisher.publish(jobs.note, note)  # from now on Redis knows the script
    receive, lost = SplitCall.receive, iter([True, False, True, False])

    def interrupt(call: SplitCall) -> object:
        if next(lost):
            raise KeyboardInterrupt
        return receive(call)

    monkeypatch.setattr(SplitCall, "receive", interrupt)
    with pytest.raises(KeyboardInterrupt):
        publisher.publish(jobs.note, note, job_id=one)
    assert publisher.publish(jobs.note, note, job_id=two).queued  # a late reply comes before it
    with pytest.raises(KeyboardInterrupt):
        publisher.publish_many(jobs.note, [note], job_ids=[uuid4().hex])
    assert not publisher.publish_many(jobs.note, [note], job_ids=[two])[0].queued


def test_a_publisher_returns_its_connections_and_is_safe_after_a_fork(
    redis_server: RedisServer, queue: str
) -> None:
    with Redis(port=redis_server.port, max_connections=2) as client:
        for _ in range(5):  # each needs one
            Publisher(client, queue).publish(jobs.note, jobs.Note())
        publisher = Publisher(client, queue)
        publisher.publish(jobs.note, jobs.Note())
        child = os.fork()
        if child == 0:
            os._exit(not publisher.publish(jobs.note, jobs.Note()).queued)
        assert publisher.publish(jobs.note, jobs.Note()).queued
        assert os.waitpid(child, 0)[1] == 0
        assert publisher.publish(jobs.note, jobs.Note()).queued
        assert Queue(queue, connection=client).count == 9


def test_the_prefix_is_rqs() -> None:
    assert keys.PREFIX == RQ_KEY_PREFIX


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
