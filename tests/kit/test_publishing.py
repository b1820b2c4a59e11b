"""Publishing as the documents show it: the code that runs here is taken out of their text."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from rq import Queue, Worker
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from program_jobs import Nap, nap, stumble
from support import ROOT, eventually
from worker_payment.kit.engine import find_processor, publish_to
from worker_payment.kit.jobs import default_publisher
from worker_payment.worker import worker as composition


def block(document, start):
    """Return the Python block of a document that starts with a text, ready to run."""
    text = (ROOT / document).read_text()
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (found,) = [each for each in blocks if each.startswith(start)]
    return compile(found, document, "exec")


@pytest.fixture
def jobs(connection, queue):
    """RQ's own view of the test's queue."""
    return Queue(queue, connection=connection, serializer=JSONSerializer)


@pytest.fixture
def publish(monkeypatch, redis_url, jobs):
    """The function that an API server copies out of the document, on the test's queue."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    names = {}
    exec(block("docs/publish.md", "# publish.py"), names)
    names["queue"] = jobs
    yield names["publish"]
    names["redis"].close()


def status(jobs, job_id):
    """What RQ says of a job."""
    return Job.fetch(job_id, connection=jobs.connection, serializer=JSONSerializer).get_status()


def test_typed_publishing_as_the_readme_shows_it(publisher, jobs):
    composition.load_processors()
    publish_to(lambda: publisher)
    try:
        exec(block("README.md", "# Typed"), {})
    finally:
        publish_to(default_publisher)
    (job,) = jobs.get_jobs()
    assert job.func_name == find_processor("payment.approve").path
    job.delete()


def test_plain_rq_publishes_what_the_worker_runs(publish, jobs, start_worker):
    job_id = uuid4().hex
    assert publish(nap.path, {"napSeconds": 0}, job_id)
    start_worker()
    eventually(lambda: status(jobs, job_id) == JobStatus.FINISHED)


def test_plain_rq_gets_the_worker_s_retries(publish, jobs, start_worker):
    """The publisher sets no policy; the processor's own counts."""
    job_id = uuid4().hex
    publish(stumble.path, {}, job_id)
    start_worker()
    eventually(lambda: status(jobs, job_id) == JobStatus.FAILED)
    job = Job.fetch(job_id, connection=jobs.connection, serializer=JSONSerializer)
    assert [each.type.name for each in job.results()] == ["FAILED", "RETRIED"]


def test_plain_rq_does_not_queue_an_id_twice(publish, jobs):
    job_id = uuid4().hex
    assert publish(nap.path, {}, job_id)
    assert not publish(nap.path, {}, job_id)
    assert jobs.count == 1


def test_plain_rq_refuses_an_id_that_runs(publish, jobs, start_worker):
    job_id = uuid4().hex
    publish(nap.path, {"napSeconds": 0.5}, job_id)
    start_worker()
    eventually(lambda: status(jobs, job_id) == JobStatus.STARTED)
    assert not publish(nap.path, {}, job_id)


@pytest.mark.parametrize("function", [nap.path, stumble.path])
def test_plain_rq_takes_an_id_again_when_its_job_has_ended(publish, jobs, start_worker, function):
    """Done or failed; and no trace of the first job is left that `rq requeue` could start."""
    job_id = uuid4().hex
    publish(function, {}, job_id)
    worker = start_worker()
    eventually(lambda: status(jobs, job_id) in (JobStatus.FINISHED, JobStatus.FAILED))
    worker.drain()
    # What it has asked for may come until it has left.
    eventually(lambda: worker.key not in Worker.all_keys(jobs.connection))
    assert publish(function, {}, job_id)
    assert not publish(function, {}, job_id)
    assert jobs.job_ids == [job_id]
    assert job_id not in jobs.failed_job_registry
    assert job_id not in jobs.finished_job_registry


def test_plain_rq_from_many_threads_queues_an_id_once(publish, jobs):
    job_id = uuid4().hex
    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(lambda _: publish(nap.path, {}, job_id), range(24)))
    assert verdicts.count(True) == 1
    assert jobs.job_ids == [job_id]


def test_both_ways_guard_the_same_id(publish, publisher):
    job_id = uuid4().hex
    assert publish(nap.path, {}, job_id)
    assert not nap.enqueue(Nap(), job_id=job_id, publisher=publisher).queued


def test_the_processor_of_the_readme_works():
    names = {"__name__": "worker_payment.processors.report"}
    names["__package__"] = "worker_payment.processors"
    exec(block("README.md", "# src/"), names)
    assert names["send_report"]({"reportId": "R-7"}) == {"status": "sent"}
