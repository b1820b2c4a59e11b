"""What a job enqueues is published when its transaction has committed, and only then."""

from __future__ import annotations

from uuid import uuid4

import database_jobs as jobs
import pytest
from rq import Queue
from rq.serializers import JSONSerializer

from support import eventually


@pytest.mark.parametrize("server", ["postgresql", "sqlite"], indirect=True)
def test_a_worker_killed_between_commit_and_publishing_loses_nothing(
    database, redis_url, connection, publisher, workers, tmp_path
):
    """The record carries what the job publishes; a later job on the same target publishes nothing."""
    target, killed = uuid4().hex, tmp_path / "killed"
    queue = Queue(publisher.queue, connection=connection, serializer=JSONSerializer)
    work = jobs.Work(target=target, note=str(killed))
    publisher.publish(jobs.lead, work)
    crew = workers(database, redis_url)
    crew.start()
    eventually(lambda: crew.running[0].poll() is not None, timeout=30)
    assert killed.exists()
    assert database.effects(target) == {target: 1}
    assert queue.count == 0  # committed, and nothing is published yet
    crew.running.clear()
    crew.start()
    followers = [f"{target}-0", f"{target}-1"]
    eventually(lambda: len(database.effects(*followers)) == 2, timeout=30)
    publisher.publish(jobs.lead, work)
    eventually(lambda: queue.finished_job_registry.count == 4, timeout=30)
    crew.stop()
    assert database.effects(target, *followers) == dict.fromkeys([target, *followers], 1)
    assert queue.count == 0


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_what_was_rolled_back_publishes_nothing(database, run, connection):
    names = [f"{uuid4().hex}-{end}" for end in ("fail", "skip", "done")]
    run(jobs.lead, *(jobs.Work(target=name) for name in names))
    followers = [f"{name}-{number}" for name in names for number in range(2)]
    eventually(lambda: len(database.effects(*followers[4:])) == 2)
    assert set(database.effects(*names, *followers)) == {names[2], *followers[4:]}
