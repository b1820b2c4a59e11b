"""`stats`: the numbers are right, and looking changes nothing."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from rich.console import Console
from rq import Queue
from rq.suspension import resume, suspend
from rq.utils import utcformat

import engine_jobs as jobs
from program import program
from program_jobs import Nap, nap, stumble
from support import ROOT, eventually
from worker_payment.kit.engine import Options
from worker_payment.kit.inspection.stats import (
    Rates,
    RunningJob,
    ScheduleState,
    WorkerState,
    look,
)
from worker_payment.kit.inspection.table import duration, render


def shown(stats, rates=None, width=120):
    """What a terminal shows."""
    console = Console(width=width, record=True, file=open(os.devnull, "w"))  # noqa: SIM115, PTH123
    console.print(render(stats, rates))
    console.file.close()
    return console.export_text()


def test_an_empty_queue(connection, queue):
    stats = look(connection, queue)
    assert (stats.waiting, stats.running, stats.workers, stats.oldest) == (0, (), (), None)
    assert "no worker is running" in shown(stats)


def test_everything_is_counted(connection, queue, publisher, start_worker):
    jobs.gate.clear()
    blocked = publisher.publish(jobs.wait_for_gate, jobs.Note(text=queue))
    worker = start_worker(Options(concurrency=1))
    assert jobs.running.acquire(timeout=10)
    publisher.publish_many(jobs.note, [jobs.Note(text=f"{queue}-{n}") for n in range(3)])
    publisher.publish(jobs.note, jobs.Note(text=f"{queue}-late"), delay=60)
    time.sleep(0.3)
    stats = look(connection, queue, {"database": {"done": 7}, "records": "OperationalError"})
    try:
        assert (stats.waiting, stats.delayed, stats.due, stats.failed) == (3, 1, 0, 0)
        assert stats.oldest >= 0.3
        assert 50 < stats.next_due <= 60
        (running,) = stats.running
        assert (running.job_id, running.worker) == (blocked.job_id, worker.name)
        assert running.job_type == "engine_jobs.wait_for_gate"
        assert running.seconds >= 0.3
        (member,) = stats.workers
        assert (member.name, member.alive, member.running) == (worker.name, True, 1)
        text = shown(stats)
        for each in ("waiting 3", "delayed 1", "database done 7", "OperationalError"):
            assert each in text
    finally:
        jobs.gate.set()
    eventually(lambda: look(connection, queue).finished == 4)
    after = look(connection, queue)
    rates = Rates.between(stats, replace(after, at=stats.at + 2))
    assert (rates.done, rates.failures) == (2.0, 0.0)


def test_a_worker_whose_lease_ran_out_is_shown_as_gone(connection, queue):
    connection.sadd(f"rq:workers:{queue}", "rq:worker:lost")
    (member,) = look(connection, queue).workers
    assert (member.name, member.alive, member.state) == ("lost", False, "gone")
    assert member.uptime is None
    assert "gone" in shown(look(connection, queue))
    assert "0.0 s" not in shown(look(connection, queue))


def test_a_killed_worker_is_silent_before_its_lease_has_run_out(connection, queue):
    key, now = f"rq:worker:{queue}", datetime.now(UTC)
    connection.sadd(f"rq:workers:{queue}", key)
    for silence, ttl, state in ((3, 13, "busy"), (9, 7, "silent")):
        beat = utcformat(now - timedelta(seconds=silence))
        connection.hset(key, mapping={"state": "busy", "birth": beat, "last_heartbeat": beat})
        connection.expire(key, ttl)
        (member,) = look(connection, queue).workers
        assert (member.state, member.alive) == (state, True)


def test_everything_fits_a_terminal_of_80_by_24_and_what_was_cut_is_said(connection, queue):
    worker = WorkerState(
        name=f"worker-payment-host-{'x' * 40}-1-abcdef",
        host="host",
        state="busy",
        alive=True,
        away="database MAIN is away: connection refused; " + "its jobs wait " * 9,
        running=1,
        done=10**6,
        failures=3,
        uptime=5e6,
    )
    job = RunningJob("j" * 200, "payment.approve_something_long", worker.name, 1, 3_000.0)
    full = replace(
        look(connection, queue),
        waiting=1_000_000,
        oldest=90_000.0,
        delayed=50_000,
        due=12,
        next_due=61.0,
        deferred=7,
        suspended=True,
        running=(job,) * 50,
        workers=(worker,) * 10
        + (replace(worker, state="silent"), replace(worker, state="gone", alive=False)),
        schedules=(ScheduleState("nightly", "0 3 * * *", "Asia/Seoul", 5_000.0),) * 9,
        counts={"database": {"done": 7, "failed": 3}, "s3": "EndpointConnectionError"},
    )
    lines = shown(full, Rates(123.4, 0.5, 1.0), width=80).rstrip("\n").split("\n")
    assert len(lines) <= 24, "\n".join(lines)
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    for each in (
        "waiting 1000000",
        "deferred 7",
        "suspended",
        "silent",
        "gone",
        "nightly",
        "s3 cannot be",
    ):
        assert each in text, text
    assert sum("... and " in line for line in lines) == 3


def test_what_waits_for_another_job_is_deferred(connection, queue):
    plain = Queue(queue, connection=connection, serializer="json")
    first = plain.enqueue("time.sleep", 0)
    plain.enqueue("time.sleep", 0, depends_on=first)
    assert (look(connection, queue).waiting, look(connection, queue).deferred) == (1, 1)


def test_a_suspended_queue_says_so(redis_server, queue):
    from redis import Redis

    with Redis(port=redis_server.port) as client:
        suspend(client)
        assert "suspended" in shown(look(client, queue))
        resume(client)
        assert not look(client, queue).suspended


def test_as_json(tmp_path, redis_url, queue, publisher):
    nap.enqueue(Nap(secret="never-shown"), publisher=publisher)
    stumble.enqueue(Nap(), delay=60, publisher=publisher)
    command = ("stats", "--json", "--interval", "0.2")
    with program(tmp_path, redis_url, queue, *command) as run:
        assert run.exit_code() == 0
    found = json.loads(run.output)
    assert (found["queue"], found["waiting"], found["delayed"]) == (queue, 1, 1)
    assert found["rates"]["donePerSecond"] == 0.0
    assert [each["name"] for each in found["schedules"]] == ["leap-day"]
    assert "never-shown" not in run.output


def test_watching_lasts_until_ctrl_c_and_through_an_outage(tmp_path, redis_server, queue):
    screen = Screen(tmp_path, redis_server.url, queue)
    try:
        screen.wait_for("no worker is running")
        redis_server.stop()
        screen.wait_for("Redis does not answer")
        redis_server.start()
        screen.wait_for("waiting")
        screen.process.send_signal(signal.SIGINT)
        eventually(screen.has_ended, 20)
        assert screen.process.returncode == 0
    finally:
        screen.close()


class Screen:
    """`stats --watch` on a terminal of its own.

    Args:
        folder: Its working directory.
        url: Its Redis.
        queue: Its queue.
    """

    def __init__(self, folder, url, queue):
        self._end, terminal = pty.openpty()
        os.set_blocking(self._end, False)
        shutil.copy(ROOT / ".env.example", folder / ".env")
        variables = {"REDIS_URL": url, "WORKER_QUEUE": queue, "PYTHONPATH": str(ROOT / "src")}
        package = "worker_payment"
        command = ["-m", package, "stats", "--watch", "--interval", "0.2"]
        self.process = subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            env=os.environ | variables | {"TERM": "xterm", "COLUMNS": "120", "LINES": "40"},
            stdout=terminal,
            # A shell that runs the tests in the background has them ignore Ctrl-C.
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        )
        os.close(terminal)
        self._seen = ""

    def _read(self):
        try:
            self._seen += os.read(self._end, 1 << 16).decode(errors="replace")
        except OSError:
            pass  # nothing new, or the end

    def wait_for(self, text):
        """Wait until the screen shows something new."""
        self._seen = ""
        eventually(lambda: self._read() or text in self._seen, 30)

    def has_ended(self):
        """Whether the program has left; what it writes meanwhile is read."""
        self._read()
        return self.process.poll() is not None

    def close(self):
        """End it at the latest now."""
        self.process.kill()
        self.process.wait()
        os.close(self._end)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (3.21, "3.2 s"),
        (250, "4 m 10 s"),
        (7500, "2 h 5 m"),
        (200_000, "2 d 7 h"),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text
