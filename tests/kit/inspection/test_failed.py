"""`failed`, `suspend` and `resume` on Redis alone: what is kept is listed, run again, discarded."""

from __future__ import annotations

import json

import pytest
from rq import Queue
from rq.registry import FailedJobRegistry
from typer.testing import CliRunner

from program_jobs import Nap, stumble
from support import eventually, prepare
from worker_payment.kit.cli import command_line
from worker_payment.kit.composition import composed
from worker_payment.kit.failed import Wanted
from worker_payment.kit.inspection.failed import RedisFailedJobs
from worker_payment.kit.inspection.failed_commands import failed


@pytest.fixture
def command(tmp_path, monkeypatch, redis_url, queue):
    """Run `failed ...` in a folder of the test's own, for a worker without a database."""
    prepare(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("WORKER_QUEUE", queue)
    command_line()  # composes the worker
    modules = [each for each in composed().modules if each.name != "database"]
    monkeypatch.setattr(composed(), "modules", modules)
    return lambda *words: CliRunner().invoke(failed, words)


@pytest.fixture
def failures(publisher, start_worker, connection, queue):
    """Two jobs that have failed for good."""
    worker = start_worker()
    found = [
        stumble.enqueue(
            Nap(secret=f"hidden-{n}"), publisher=publisher, job_id=f"{queue}-{n}"
        ).job_id
        for n in range(2)
    ]
    eventually(lambda: connection.zcard(f"rq:failed:{queue}") == 2, 20)
    worker.drain()
    eventually(lambda: not connection.sismember(f"rq:workers:{queue}", f"rq:worker:{worker.name}"))
    return found


def test_the_list_names_each_job_and_its_error(command, failures):
    shown = command("list")
    assert shown.exit_code == 0, shown.output
    for job_id in failures:
        assert job_id in shown.output
    assert "program_jobs.stumble" in shown.output
    assert "ConnectionError: the other side is down" in shown.output
    assert "hidden" not in shown.output


def test_one_job_is_shown_with_its_traceback_and_a_masked_payload(command, failures):
    shown = command("show", failures[0])
    assert "Traceback" in shown.output
    assert '"secret": "h***"' in shown.output
    found = json.loads(command("show", failures[0], "--json", "--reveal").output)
    assert found["payload"]["secret"] == "hidden-0"
    assert command("show", "no-such-job").exit_code == 1


def test_filters(command, failures):
    for words, count in (
        (("--job", "stumble"), 2),
        (("--job", "other"), 0),
        (("--error", "other side"), 2),
        (("--error", "elsewhere"), 0),
        (("--since", "1h"), 2),
        (("--since", "2099-01-01"), 0),
        (("--limit", "1"), 1),
    ):
        assert len(command("list", "--json", *words).stdout.splitlines()) == count, words
    assert command("list", "--since", "yesterday").exit_code == 2


def test_a_requeued_job_runs_again(command, failures, connection, queue):
    assert "would requeue" in command("requeue", failures[0], "--dry-run").output
    assert "queued program_jobs.stumble" in command("requeue", failures[0]).output
    assert Queue(queue, connection=connection).job_ids == [failures[0]]
    again = command("requeue", failures[0])
    assert (again.exit_code, again.output.strip()) == (1, f"no failed job {failures[0]}")


def test_nothing_brings_a_discarded_job_back(command, failures, connection, queue):
    assert command("discard").exit_code == 2  # neither a job nor a filter nor --all
    assert command("discard", "--all").output.count("discarded") == 2
    assert command("list").output == "none\n"
    registry = FailedJobRegistry(queue, connection)
    assert registry.get_job_ids() == []
    assert not any(connection.exists(f"rq:job:{job_id}") for job_id in failures)


def test_odd_entries_hide_no_other(connection, queue, failures):
    connection.zadd(f"rq:failed:{queue}", {"half": 1, "pickled": 2, "gone": 3})
    connection.hset("rq:job:half", mapping={"ended_at": "2026-01-01T00:00:00.0Z"})
    connection.hset("rq:job:pickled", mapping={"data": b"\x80\x04}", "description": "f('4111')"})
    jobs = RedisFailedJobs(connection, [queue])
    found = {entry.job_id: entry for entry in jobs.find(Wanted())}
    assert set(found) == {"half", "pickled", "gone", *failures}
    assert (found["half"].job_type, found["pickled"].job_type) == ("unknown", "unknown")
    assert found["pickled"].payload == {"unreadable": "80047d"}
    assert [jobs.requeue(found[name]).action for name in ("half", "gone")] == ["gone"] * 2
    assert [jobs.discard(found[name]).action for name in ("half", "pickled", "gone", "gone")] == [
        *["discarded"] * 3,
        "gone",
    ]


def test_the_worker_is_suspended_and_resumed(command, redis_server, monkeypatch):
    monkeypatch.setenv("REDIS_URL", redis_server.url)
    runner = CliRunner()
    assert (
        "no worker on this Redis takes a job" in runner.invoke(command_line(), ["suspend"]).output
    )
    assert json.loads(runner.invoke(command_line(), ["stats", "--json"]).output)["suspended"]
    assert runner.invoke(command_line(), ["resume"]).output == "resumed\n"
