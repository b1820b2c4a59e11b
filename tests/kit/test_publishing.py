"""Publishing as the documents show it: the code that runs here is taken out of their text."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from rq import Queue
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from program_jobs import Nap, nap, stumble
from support import ROOT, eventually
from worker_payment.kit.contracts.clients.files import refresh
from worker_payment.kit.contracts.snapshot import describe
from worker_payment.kit.engine import find_processor, processors, publish_to
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


def test_a_client_publishes_as_the_document_shows_it(monkeypatch, tmp_path, redis_url, connection):
    """The file that `client python` writes is all that an API server needs."""
    composition.load_processors()
    refresh(describe(processors()), "python", tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("REDIS_URL", redis_url)
    names = {}
    exec(block("docs/publish.md", "# publish.py"), names)
    names["client"]._redis.close()
    job = Job.fetch(names["receipt"].job_id, connection=connection, serializer=JSONSerializer)
    assert job.func_name == find_processor("payment.approve").path
    job.delete()


def test_plain_rq_publishes_what_the_worker_runs(jobs, start_worker):
    job_id = uuid4().hex
    jobs.enqueue(nap.path, {"napSeconds": 0}, job_id=job_id)
    start_worker()
    eventually(lambda: status(jobs, job_id) == JobStatus.FINISHED)


def test_plain_rq_gets_the_worker_s_retries(jobs, start_worker):
    """The publisher sets no policy; the processor's own counts."""
    job_id = uuid4().hex
    jobs.enqueue(stumble.path, {}, job_id=job_id)
    start_worker()
    eventually(lambda: status(jobs, job_id) == JobStatus.FAILED)
    job = Job.fetch(job_id, connection=jobs.connection, serializer=JSONSerializer)
    assert [each.type.name for each in job.results()] == ["FAILED", "RETRIED"]


def test_an_id_that_plain_rq_has_queued_is_taken(jobs, publisher):
    job_id = uuid4().hex
    jobs.enqueue(nap.path, {}, job_id=job_id)
    assert not nap.enqueue(Nap(), job_id=job_id, publisher=publisher).queued


def test_the_processor_of_the_readme_works():
    names = {"__name__": "worker_payment.processors.report"}
    names["__package__"] = "worker_payment.processors"
    exec(block("README.md", "# src/"), names)
    assert names["send_report"]({"reportId": "R-7"}) == {"status": "sent"}
