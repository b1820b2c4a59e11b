"""The commands beside `run`: publish, check, health, schema."""

from __future__ import annotations

import io
import json
import shutil
import sys
from uuid import uuid4

import pytest
from rq import Queue
from rq.serializers import JSONSerializer

import program_jobs
from support import NOBODY, ROOT
from worker_payment.kit.cli import main
from worker_payment.kit.engine import processors as all_processors
from worker_payment.kit.texts import say
from worker_payment.worker import worker as composition

PROGRAM = "worker-payment"
JOB = "program_jobs.nap"


@pytest.fixture(autouse=True)
def _environment(monkeypatch, tmp_path, redis_url, queue):
    """The test's own server and queue, and a `.env` as the example has it."""
    shutil.copy(ROOT / ".env.example", tmp_path / ".env")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("WORKER_QUEUE", queue)
    monkeypatch.setenv("WORKER_HEALTH_FILE", str(tmp_path / "worker.health"))


@pytest.fixture
def command(monkeypatch, capsys):
    """Run a command; returns its exit code, output and error output."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", [PROGRAM, *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return ended.value.code, printed.out, printed.err

    return run


@pytest.fixture
def jobs(connection, queue):
    """RQ's own view of the test's queue."""
    return Queue(queue, connection=connection, serializer=JSONSerializer)


def test_help_names_every_command(command):
    code, out, _ = command("--help")
    assert code == 0
    assert all(name in out for name in ("run", "enqueue", "check", "health", "schema"))


# --- enqueue ---------------------------------------------------------------------------------
def test_enqueue_publishes_a_job(command, jobs):
    code, out, _ = command("enqueue", JOB, '{"napSeconds": 2}')
    assert code == 0
    (job,) = jobs.get_jobs()
    assert out == say("queued {job_id}", job_id=job.id) + "\n"
    assert job.func_name == program_jobs.nap.path
    assert job.args == [{"napSeconds": 2.0, "secret": ""}]


def test_enqueue_takes_an_id_and_refuses_it_while_it_is_taken(command, jobs):
    job_id = uuid4().hex
    assert (
        command("enqueue", JOB, "{}", "--id", job_id)[1]
        == say("queued {job_id}", job_id=job_id) + "\n"
    )
    code, out, _ = command("enqueue", JOB, "{}", "--id", job_id)
    assert (code, out) == (
        0,
        say("duplicate: {job_id} is waiting or running already", job_id=job_id) + "\n",
    )
    assert jobs.count == 1


def test_enqueue_reads_standard_input(command, jobs, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"secret": "not in the list of processes"}'))
    assert command("enqueue", JOB, "-")[0] == 0
    assert jobs.get_jobs()[0].args[0]["secret"] == "not in the list of processes"


def test_enqueue_with_a_delay_waits(command, jobs):
    assert command("enqueue", JOB, "{}", "--delay", "60")[0] == 0
    assert (jobs.count, jobs.scheduled_job_registry.count) == (0, 1)


def test_enqueue_puts_a_job_before_others_or_after_one(command, jobs):
    assert command("enqueue", JOB, "{}", "--id", "second")[0] == 0
    assert command("enqueue", JOB, "{}", "--id", "first", "--at-front")[0] == 0
    after = ["--after", "first", "--after", "second"]
    assert command("enqueue", JOB, "{}", "--id", "third", *after)[0] == 0
    assert jobs.job_ids == ["first", "second"]
    assert jobs.deferred_job_registry.get_job_ids() == ["third"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing.like_this", "{}"], "unknown job 'nothing.like_this'"),
        ([JOB, "{"], "the payload is not valid JSON"),
        ([JOB, "[]"], "expected a JSON object"),
        ([JOB, '{"napSeconds": "s3cret"}'], "napSeconds: "),
        ([JOB, "{}", "--id", "a/b"], "a job id has letters, digits, _ and - only"),
        ([JOB, "{}", "--id", ""], "a job id has letters, digits, _ and - only"),
        ([JOB, "{}", "--after", "a", "--delay", "1"], "not for both"),
    ],
)
def test_enqueue_refuses_with_one_sentence(command, jobs, arguments, said):
    code, out, err = command("enqueue", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert said in err
    assert "s3cret" not in err
    assert jobs.count == 0


def test_enqueue_without_redis_says_which_variable_to_look_at(command, monkeypatch):
    monkeypatch.setenv("REDIS_URL", f"redis://:s3cret@127.0.0.1:{NOBODY}/0")
    code, _, err = command("enqueue", JOB, "{}")
    assert code == 3
    assert "REDIS_URL" in err
    assert "s3cret" not in err


def test_a_wrong_setting_is_named(command, monkeypatch):
    monkeypatch.setenv("WORKER_CONCURRENCY", "0")
    code, _, err = command("check")
    assert code == 2
    assert "WORKER_CONCURRENCY" in err


# --- check, health, schema -------------------------------------------------------------------
def test_check_reaches_every_part(command):
    _, out, _ = command("check")
    for part in ("settings", "processors", "redis"):
        assert f"ok   {part} " in out


def test_check_fails_when_a_part_cannot_be_reached(command, monkeypatch):
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{NOBODY}/0")
    code, out, _ = command("check")
    assert code == 1
    assert "FAIL redis" in out


def test_health_without_a_worker(command):
    code, out, _ = command("health")
    assert code == 1
    assert "no worker" in out


def test_client_writes_and_checks(command, tmp_path):
    """Both languages, from the code as it is; a client that is out of date is a failure."""
    for language, name in (("typescript", "payment-client.ts"), ("python", "payment_client.py")):
        code, out, _ = command("client", language, "--out", str(tmp_path))
        assert (code, out) == (0, f"wrote {tmp_path / name}\n")
        assert command("client", language, "--out", str(tmp_path), "--check")[0] == 0
        (tmp_path / name).write_text("old")
        code, _, err = command("client", language, "--out", str(tmp_path), "--check")
        assert (code, err.count("\n")) == (1, 1)
        assert "out of date" in err
    assert command("client", "java", "--out", str(tmp_path))[0] == 1


def test_schema_describes_every_job(command):
    composition.load_processors()
    code, out, _ = command("schema")
    document = json.loads(out)
    assert code == 0
    named = {key: document[key] for key in ("contract", "worker", "queue", "keyPrefix")}
    assert named == {"contract": 2, "worker": "payment", "queue": "payment", "keyPrefix": "rq:"}
    assert set(document["jobs"]) == {each.name for each in all_processors()}
    nap = document["jobs"][JOB]
    assert (nap["function"], nap["attempts"], nap["timeout"]) == (program_jobs.nap.path, 3, 60)
    assert (nap["resultTtl"], nap["jobId"]) == (500, None)
    assert set(nap["payload"]["properties"]) == {"napSeconds", "secret"}
