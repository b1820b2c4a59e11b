"""Several processes under one supervisor: restart, signals, one deadline, no orphans."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from preloaded import PreloadedProgram
from redis import Redis
from rq import Queue, Worker
from rq.job import Job
from rq.serializers import JSONSerializer

from program_jobs import Nap, Wait, nap, wait
from support import PACKAGE, PYTHONPATH, RedisServer, eventually, prepare
from worker_payment.kit.engine import Publisher
from worker_payment.kit.process.exit_codes import ExitCode
from worker_payment.kit.process.shutdown import SAME


@contextmanager
def supervisor(
    redis_url: str, queue: str, folder: Path, processes: int = 2, **variables: str
) -> Iterator[tuple[PreloadedProgram, dict[str, str]]]:
    """The real command line with `WORKER_PROCESSES`. Its children know the jobs of these tests.

    Where a database is configured they have every module, else none, which starts sooner.
    """
    prepare(folder)
    modules = "program_jobs" if "DATABASE_CONFIG" in variables else "bare_worker, program_jobs"
    (folder / "sitecustomize.py").write_text(f"import {modules}\n")
    environment = os.environ | {
        "PYTHONPATH": f"{folder}{os.pathsep}{PYTHONPATH}",
        "REDIS_URL": redis_url,
        "WORKER_QUEUE": queue,
        "WORKER_PROCESSES": str(processes),
        "WORKER_HEALTH_FILE": str(folder / "health"),
        "WORKER_LEASE": "4",
    }
    environment |= variables
    with (folder / "log").open("w") as output:
        process = PreloadedProgram(
            ["-m", PACKAGE, "run"], cwd=folder, env=environment, stdout=output
        )
    try:
        yield process, environment
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture
def plain(connection: Redis, queue: str) -> Queue:
    return Queue(queue, connection=connection, serializer="json")


def pids(plain: Queue) -> set[int]:
    """Processes of the workers that are alive."""
    return {each.pid for each in Worker.all(queue=plain) if each.pid and each.death_date is None}


def ends(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_children_work_one_that_died_is_started_again_and_ctrl_c_drains_all(
    redis_url: str, plain: Queue, tmp_path: Path
) -> None:
    with supervisor(redis_url, plain.name, tmp_path) as (process, environment):
        first = eventually(lambda: pids(plain) if len(pids(plain)) == 2 else None, 30)
        command = [sys.executable, "-m", PACKAGE, "health"]
        beats = [tmp_path / f"health.{index}" for index in range(2)]
        eventually(lambda: all(each.exists() for each in beats))
        assert subprocess.run(command, env=environment, cwd=tmp_path, check=False).returncode == 0
        victim = min(first)
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: len(pids(plain) - first) == 1, 30)
        process.send_signal(signal.SIGINT)
        assert process.wait(40) == 0
    assert pids(plain) <= {victim}  # whose lease has to run out


def test_children_leave_when_the_supervisor_is_killed(
    redis_url: str, plain: Queue, tmp_path: Path
) -> None:
    with supervisor(redis_url, plain.name, tmp_path) as (process, _):
        children = eventually(lambda: pids(plain) if len(pids(plain)) == 2 else None, 30)
        process.kill()
        for pid in children:
            eventually(lambda pid=pid: ends(pid), 30)


@pytest.mark.parametrize("relay", [False, True], ids=["children alone first", "all at once"])
def test_a_signal_to_all_processes_counts_once(
    redis_url: str, plain: Queue, tmp_path: Path, relay: bool
) -> None:
    """As systemd and a terminal send it: the running job ends instead of being given back."""
    with supervisor(redis_url, plain.name, tmp_path) as (process, _):
        children = eventually(lambda: pids(plain) if len(pids(plain)) == 2 else None, 30)
        end = tmp_path / "end"
        publisher = Publisher(plain.connection, plain.name)
        job = wait.enqueue(Wait(until=str(end)), publisher=publisher)
        eventually(lambda: "job.start" in (tmp_path / "log").read_text(), 10)
        if relay:
            process.send_signal(signal.SIGTERM)
        for pid in children:
            os.kill(pid, signal.SIGTERM)
        if not relay:
            time.sleep(SAME + 0.5)  # the relay comes late: on a busy machine it does
            process.send_signal(signal.SIGTERM)
        eventually(lambda: len(lines(tmp_path, "worker.drain")) == 2)
        time.sleep(0.5)  # the later one of the two arrives while the job runs
        end.touch()
        assert process.wait(40) == 0
    assert [line["atOnce"] for line in lines(tmp_path, "worker.drain")] == [False, False]
    assert [line["jobId"] for line in lines(tmp_path, "job.done")] == [job.job_id]


def test_a_second_signal_to_the_supervisor_gives_jobs_back_at_once(
    redis_url: str, plain: Queue, tmp_path: Path
) -> None:
    with supervisor(redis_url, plain.name, tmp_path) as (process, _):
        eventually(lambda: len(pids(plain)) == 2, 30)
        job = nap.enqueue(Nap(nap_seconds=60), publisher=Publisher(plain.connection, plain.name))
        eventually(lambda: "job.start" in (tmp_path / "log").read_text(), 10)
        process.send_signal(signal.SIGHUP)
        time.sleep(SAME + 0.2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert plain.job_ids == [job.job_id]


def test_what_no_fresh_process_cures_ends_them_all_with_its_code(
    redis_server: RedisServer, redis_url: str, plain: Queue, tmp_path: Path
) -> None:
    """At the start, and when it turns out as a child is started again: the others drain."""
    with Redis(port=redis_server.port) as client:
        client.config_set("requirepass", "right")
    with supervisor(redis_server.url, plain.name, tmp_path) as (process, _):
        assert process.wait(60) == ExitCode.REDIS
    assert "process.died" not in (tmp_path / "log").read_text()

    place = tmp_path / "database"
    place.mkdir()
    main = {"dbms": "sqlite", "database": str(place / "worker.sqlite3")}
    config = json.dumps({"instances": {"MAIN": main}})
    with supervisor(redis_url, plain.name, tmp_path, DATABASE_CONFIG=config) as (process, _):
        children = eventually(lambda: pids(plain) if len(pids(plain)) == 2 else None, 60)
        end = tmp_path / "end"
        publisher = Publisher(plain.connection, plain.name)
        job = wait.enqueue(Wait(until=str(end)), publisher=publisher)
        started = eventually(lambda: lines(tmp_path, "job.start"), 10)
        shutil.rmtree(place)
        busy = Job.fetch(job.job_id, plain.connection, serializer=JSONSerializer).worker_name
        (other,) = (pid for pid in children if f"-{pid}-" not in str(busy))
        os.kill(other, signal.SIGKILL)
        eventually(lambda: lines(tmp_path, "process.refused"), 30)
        end.touch()
        assert process.wait(60) == ExitCode.DATABASE
    assert [line["jobId"] for line in lines(tmp_path, "job.done")] == [started[0]["jobId"]]
    assert [line["exitCode"] for line in lines(tmp_path, "process.died")] == [-signal.SIGKILL]
    assert [line["exitCode"] for line in lines(tmp_path, "process.refused")] == [ExitCode.DATABASE]


def lines(folder: Path, message: str) -> list[dict[str, Any]]:
    """The lines of the log with this message."""
    found = [json.loads(line) for line in (folder / "log").read_text().splitlines()]
    return [line for line in found if line["message"] == message]
