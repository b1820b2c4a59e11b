"""Keys that failed jobs hold are seen in `stats` and `failed`, and released there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine_process_jobs import Step, careful_step, step
from support import eventually, prepare
from worker_payment.kit.cli import command_line
from worker_payment.kit.composition import composed
from worker_payment.kit.engine import Publisher


@pytest.fixture
def command(tmp_path, monkeypatch, redis_url, queue):
    """Run commands of a worker that serves two queues, in a folder of the test's own."""
    prepare(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("WORKER_QUEUE", queue)
    monkeypatch.setenv("WORKER_QUEUES", f"{queue}-urgent,{queue}")
    whole = command_line()
    modules = [each for each in composed().modules if each.name != "database"]
    monkeypatch.setattr(composed(), "modules", modules)
    return lambda *words: CliRunner().invoke(whole, words)


@pytest.fixture
def work(connection, queue, start_worker):
    """Run a worker until something is so. Its log does not get between what commands print."""

    def until(condition):
        worker = start_worker(queues=[f"{queue}-urgent", queue])
        eventually(condition)
        worker.drain()
        eventually(lambda: not connection.exists(f"rq:workers:{queue}"))

    return until


@pytest.fixture
def held(connection, queue, publisher, tmp_path, work):
    """A failed job that holds its key, for which two others wait."""
    notes = tmp_path / "steps"
    first, *waiting = (
        publisher.publish(
            careful_step, Step(notes=str(notes), order_id="A", number=n, failures=int(n == 0))
        ).job_id
        for n in range(3)
    )
    other = publisher.publish(step, Step(notes=str(notes), order_id="B", number=9)).job_id
    work(
        lambda: (
            connection.zscore(f"rq:failed:{queue}", first) is not None
            and connection.zscore(f"rq:finished:{queue}", other) is not None
            and connection.zcard(f"rq:deferred:{queue}") == 2
        )
    )
    return first, notes, waiting


def ran(notes: Path) -> list[str]:
    """What happened to the key `A`."""
    lines = [line.split() for line in notes.read_text().splitlines()]
    return [f"{number} {word}" for key, number, word, _ in lines if key == "A"]


def test_a_held_key_is_seen_and_goes_on_when_its_job_is_run_again(
    connection, queue, command, held, work
):
    first, notes, _ = held
    stats = json.loads(command("stats", "--json", "--interval", "0.1").output)
    assert stats["order"] == {"keys": 0, "waiting": 2, "held": 1}
    assert stats["deferred"] == 2
    shown = command("stats", "--interval", "0.1").output
    assert "2 jobs wait for a key" in shown
    assert "1 keys are held by failed jobs" in shown
    (entry,) = map(json.loads, command("failed", "list", "--json").output.splitlines())
    assert (entry["jobId"], entry["holds"], entry["queue"]) == (first, 2, queue)
    assert "(2 jobs wait for its key)" in command("failed", "list").output
    Path(f"{notes}.repaired").touch()
    assert command("failed", "requeue", first).exit_code == 0
    work(lambda: connection.zcard(f"rq:finished:{queue}") == 4)
    assert ran(notes)[1:] == [f"{n} {word}" for n in range(3) for word in ("begin", "end")]
    assert not list(connection.scan_iter(f"rq:order:{queue}*"))


def test_a_held_key_goes_on_at_once_when_its_job_is_discarded(
    connection, queue, command, held, work
):
    first, notes, waiting = held
    assert command("failed", "discard", first).exit_code == 0
    assert connection.lrange(f"rq:queue:{queue}", 0, -1) == [waiting[0].encode()]
    work(lambda: connection.zcard(f"rq:finished:{queue}") == 3)
    assert ran(notes)[1:] == ["1 begin", "1 end", "2 begin", "2 end"]


def test_a_held_key_goes_on_when_its_job_is_published_again(
    connection, queue, publisher, held, work
):
    """As `failed requeue` does with a database: the same id, a new job."""
    first, notes, _ = held
    payload = Step(notes=str(notes), order_id="A", number=0)
    assert publisher.publish(careful_step, payload, job_id=first).queued
    work(lambda: connection.zcard(f"rq:finished:{queue}") == 4)
    assert ran(notes)[1:] == [f"{n} {word}" for n in range(3) for word in ("begin", "end")]
    assert not list(connection.scan_iter(f"rq:order:{queue}*"))


def test_the_commands_know_every_queue(connection, queue, command, work, tmp_path):
    urgent = f"{queue}-urgent"
    for number, name in enumerate((urgent, queue, queue)):
        publisher = Publisher(connection, name)
        payload = Step(notes=str(tmp_path / "steps"), order_id="A", number=0, failures=9)
        publisher.publish(careful_step if number < 2 else step, payload, delay=600 * (number > 1))
    names = (urgent, queue)
    work(lambda: all(connection.zcard(f"rq:failed:{each}") == 1 for each in names))
    stats = json.loads(command("stats", "--json", "--interval", "0.1").output)
    assert (stats["failed"], stats["delayed"], stats["workers"]) == (2, 1, [])
    assert [each["name"] for each in stats["queues"]] == [urgent, queue]
    assert [each["failed"] for each in stats["queues"]] == [1, 1]
    shown = command("stats", "--interval", "0.1").output
    assert urgent in shown
    assert "queues" in shown
    listed = [json.loads(line) for line in command("failed", "list", "--json").output.splitlines()]
    assert sorted(each["queue"] for each in listed) == sorted([queue, urgent])
    assert command("failed", "discard", "--all").output.count("discarded") == 2
    checked = command("check", "--only", "queue").output
    assert f"{urgent}: 0 jobs wait" in checked
    assert f"{queue}: 0 jobs wait" in checked
