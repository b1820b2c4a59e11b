"""Jobs that run after others have succeeded."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from redis import Redis
from rq import Queue, SimpleWorker
from rq.job import Job, JobStatus
from rq.registry import FailedJobRegistry
from rq.serializers import JSONSerializer

import engine_jobs as jobs
from support import eventually
from worker_payment.kit.engine import Publisher, Receipt
from worker_payment.kit.engine.store.dependents import count_blocked
from worker_payment.kit.failed import Wanted
from worker_payment.kit.inspection.failed import RedisFailedJobs
from worker_payment.kit.inspection.stats import look
from worker_payment.kit.inspection.waiting import examine_waiting

Start = Callable[..., object]


@pytest.fixture
def plain(connection: Redis, queue: str) -> Queue:
    """The queue as RQ sees it."""
    return Queue(queue, connection=connection, serializer=JSONSerializer)


def status(connection: Redis, receipt: Receipt) -> JobStatus:
    """What RQ says of a job."""
    job = Job.fetch(receipt.job_id, connection=connection, serializer=JSONSerializer)
    return job.get_status()


def note(publisher: Publisher, text: str, failures: int = 0, **options: object) -> Receipt:
    """Publish a note."""
    payload = jobs.Note(text=text, failures=failures)
    return jobs.note.enqueue(payload, publisher=publisher, **options)


def test_jobs_run_after_others_whatever_became_of_these_already(
    publisher: Publisher, connection: Redis, plain: Queue, start_worker: Start
) -> None:
    """Parents that wait, are done and kept, are done and gone; a chain; a family."""
    name = uuid4().hex
    done, gone = note(publisher, f"{name}-done"), note(publisher, f"{name}-gone")
    start_worker()
    eventually(lambda: {f"{name}-done", f"{name}-gone"} <= set(jobs.ran))
    eventually(lambda: status(connection, gone) == JobStatus.FINISHED)
    Job.fetch(gone.job_id, connection=connection, serializer=JSONSerializer).delete()
    jobs.gate.clear()
    held = publisher.publish(jobs.wait_for_gate, jobs.Note(text=f"{name}-held"))
    assert jobs.running.acquire(timeout=10)
    child = note(publisher, f"{name}-child", after=[held, done.job_id, gone, held])
    chain = note(publisher, f"{name}-chain", after=[child])
    assert note(publisher, "again", after=[child], job_id=chain.job_id).queued is False
    at_once = note(publisher, f"{name}-at-once", after=[done, gone])
    eventually(lambda: status(connection, at_once) == JobStatus.FINISHED)
    assert [status(connection, each) for each in (child, chain)] == [JobStatus.DEFERRED] * 2
    assert set(plain.deferred_job_registry.get_job_ids()) == {child.job_id, chain.job_id}
    seen = Job.fetch(child.job_id, connection=connection, serializer=JSONSerializer)
    assert {each.id for each in seen.fetch_dependencies()} == {held.job_id, done.job_id}
    assert look(connection, plain.name).deferred == 2
    jobs.gate.set()
    eventually(lambda: status(connection, chain) == JobStatus.FINISHED)
    order = [each for each in jobs.ran if each.startswith(name)]
    assert order[-3:] == [f"{name}-held", f"{name}-child", f"{name}-chain"]
    assert plain.deferred_job_registry.get_job_ids() == []


def test_a_failed_parent_holds_its_children_until_it_succeeds_or_is_discarded(
    publisher: Publisher, connection: Redis, plain: Queue, start_worker: Start
) -> None:
    name = uuid4().hex
    parents = [note(publisher, f"{name}-{number}", failures=3) for number in range(3)]
    children = [note(publisher, f"{name}-c{each.job_id}", after=[each]) for each in parents]
    grandchild = note(publisher, f"{name}-grandchild", after=[children[1]])
    start_worker()
    eventually(lambda: {status(connection, each) for each in parents} == {JobStatus.FAILED})
    assert {status(connection, each) for each in children} == {JobStatus.DEFERRED}
    assert count_blocked(connection, plain.name) == look(connection, plain.name).blocked == 3
    (warning,) = [each for each in examine_waiting(connection, plain.name) if each.level == "warn"]
    assert ": 3 jobs wait for jobs that failed" in warning.detail

    requeued, discarded, published = parents
    FailedJobRegistry(queue=plain).requeue(requeued.job_id)
    eventually(lambda: status(connection, children[0]) == JobStatus.FINISHED)
    failed = RedisFailedJobs(connection, [plain.name])
    (entry,) = failed.find(Wanted(job_ids=(discarded.job_id,)))
    assert failed.discard(entry).action == "discarded"
    for each in (children[1], grandchild):
        assert not list(connection.scan_iter(f"*{each.job_id}*"))
    assert plain.deferred_job_registry.get_job_ids() == [children[2].job_id]
    again = note(publisher, f"{name}-again", job_id=published.job_id)
    assert again.queued
    eventually(lambda: status(connection, children[2]) == JobStatus.FINISHED)


def test_a_canceled_parent_counts_as_failed(
    publisher: Publisher, connection: Redis, plain: Queue
) -> None:
    parent = note(publisher, "parent")
    child = note(publisher, "child", after=[parent], at_front=True)
    Job.fetch(parent.job_id, connection=connection, serializer=JSONSerializer).cancel()
    assert count_blocked(connection, plain.name) == 1
    other = note(publisher, "other")
    assert note(publisher, "parent", job_id=parent.job_id).queued
    SimpleWorker([plain], connection=connection, serializer=JSONSerializer).work(
        burst=True, max_jobs=2
    )
    # RQ's own worker releases it, too, and to the front.
    assert plain.job_ids == [child.job_id]
    assert status(connection, other) == JobStatus.FINISHED


def test_many_wait_for_one_and_a_time_cannot_be_waited_for_as_well(
    publisher: Publisher, connection: Redis, plain: Queue, start_worker: Start
) -> None:
    parent = note(publisher, "parent")
    notes = [jobs.Note(text=str(number)) for number in range(3)]
    ids = [uuid4().hex for _ in notes]
    publisher.publish_many(jobs.note, notes, job_ids=ids, after=[parent], at_front=True)
    assert set(plain.deferred_job_registry.get_job_ids()) == set(ids)
    for wrong in ({"delay": 1.0}, {"after": ["a b"]}):
        with pytest.raises(ValueError, match=r"not for both|letters"):
            jobs.note.enqueue(notes[0], publisher=publisher, **{"after": [parent], **wrong})
    start_worker()
    eventually(lambda: plain.finished_job_registry.count == 4)
