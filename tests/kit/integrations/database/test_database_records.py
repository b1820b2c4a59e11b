"""The job records: each target's effect exactly once, whatever happens to its jobs."""

from __future__ import annotations

import json
from uuid import uuid4

import database_jobs as jobs
import pytest
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from support import eventually
from worker_payment.kit.integrations.database.text import key_text


def target() -> str:
    """A target that no other test uses."""
    return f"T-{uuid4().hex}"


def test_the_effect_and_the_done_row_commit_together(database, run):
    name = target()
    (job,) = run(jobs.write, jobs.Work(target=name))
    assert job.return_value() == "written"
    assert database.effects(name) == {name: 1}
    (row,) = database.records()
    assert (row.state, row.target_id, row.attempts) == ("done", name, 1)
    assert row.job_id == job.id
    assert json.loads(row.payload) == {"target": name, "note": None}
    assert row.created_at <= row.started_at <= row.finished_at


def test_a_job_whose_target_is_done_is_skipped_and_succeeds(database, run):
    name = target()
    found = run(jobs.write, *[jobs.Work(target=name)] * 4)
    assert {job.get_status() for job in found} == {JobStatus.FINISHED}
    assert database.effects(name) == {name: 1}


def test_many_jobs_on_one_target_at_the_same_moment(database, run):
    """Twenty targets, eight jobs each, eight at a time: exactly one of each takes effect."""
    names = [target() for _ in range(20)]
    found = run(jobs.write, *[jobs.Work(target=n) for n in names for _ in range(8)], concurrency=8)
    assert {job.get_status() for job in found} == {JobStatus.FINISHED}
    assert database.effects(*names) == dict.fromkeys(names, 1)


def test_a_failing_job_leaves_no_effect_and_no_done_row(database, run):
    name = target()
    run(jobs.fail, jobs.Work(target=name, note="this"))
    assert not database.effects(name)
    (row,) = database.records()
    assert (row.state, row.attempts) == ("failed", 2)
    assert row.error == "ValueError: cannot do this"


def test_a_failed_target_can_run_again(database, run):
    name = target()
    run(jobs.mend, jobs.Work(target=name))
    jobs.gate.set()
    run(jobs.mend, jobs.Work(target=name))
    assert database.effects(name) == {name: 1}
    assert database.records()[0].state == "done"


def test_a_second_worker_waits_for_the_first(database, connection, publisher, start_worker):
    """The row is locked while the first job runs; then its target is done."""
    name = target()
    ids = [publisher.publish(jobs.wait, jobs.Work(target=name)).job_id for _ in range(2)]

    def states():
        found = Job.fetch_many(ids, connection, serializer=JSONSerializer)
        return {str(job.get_status(refresh=False).value) for job in found}

    start_worker()
    eventually(lambda: states() == {"started"})
    jobs.gate.set()
    eventually(lambda: states() == {"finished"})
    assert database.effects(name) == {name: 1}


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_a_processor_cannot_commit_a_part(database, run):
    name = target()
    run(jobs.commits, jobs.Work(target=name))
    assert not database.effects(name)


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_a_processor_that_rolls_back_fails(database, run):
    """Else its row would be lost, and it could take effect twice."""
    name = target()
    (job,) = run(jobs.rolls_back, jobs.Work(target=name))
    assert job.get_status() == JobStatus.FAILED
    assert "begin_nested" in job.latest_result().exc_string
    assert database.records()[0].state == "failed"


HOSTILE = [
    "it's quoted'; DROP TABLE worker_job_records; --",
    "zero\x00byte",
    "four bytes 😀 and 한국어",
    "Case",
    "case",
    "case ",
    "case  ",
    "a\ttab\nand a line",
    "%s {} \\ $1 :name ?",
    "",
    "long" * 200,
    "long" * 201,
    key_text("case "),
]


def test_hostile_targets_are_kept_apart(database, run):
    """Ids that differ only in case, a trailing space or far behind are different targets."""
    mark = uuid4().hex
    names = [f"{mark}{name}" for name in HOSTILE]
    for _ in range(2):
        found = run(jobs.write, *[jobs.Work(target=name) for name in names])
        assert {job.get_status() for job in found} == {JobStatus.FINISHED}
    rows = [row for row in database.records() if row.state == "done"]
    assert len(rows) == len({row.target_id for row in rows}) == len(names)
    keys = [key_text(name) for name in names]
    assert database.effects(*keys) == dict.fromkeys(keys, 1)


NOTES = ["zero\x00byte", "😀 한국어 '\"\\", "x" * 1_000_000]


@pytest.mark.parametrize("note", NOTES, ids=["NUL", "4 bytes", "1 MB"])
def test_hostile_payloads_are_kept_as_they_were(database, run, note):
    """Also where the database itself could not hold the value in a column."""
    name = target()
    run(jobs.fail, jobs.Work(target=name, note=note))
    (row,) = eventually(database.failed)
    assert json.loads(row.payload) == {"target": name, "note": note}
    assert json.loads(database.records()[0].payload)["note"] == note
