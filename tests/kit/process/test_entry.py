"""The first moments of the process: a quick health check, and a stop that is not lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from support import PYTHONPATH, prepare
from worker_payment.kit.config import Settings
from worker_payment.kit.process.health import Heartbeat, health_file
from worker_payment.kit.process.probe import probe


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", PYTHONPATH)
    for name in ("WORKER_NAME", "WORKER_HEALTH_FILE", "WORKER_PROCESSES"):
        monkeypatch.delenv(name, raising=False)


def by_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("WORKER_NAME", f"mine {os.getpid()}")


def by_dotenv(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text(f"WORKER_NAME='file: {os.getpid()}'\nWORKER_HEALTH_FILE=\n")


def by_path(monkeypatch, tmp_path):
    monkeypatch.setenv("worker_health_file", str(tmp_path / "beat"))


@pytest.mark.parametrize("given", [by_environment, by_dotenv, by_path])
def test_the_quick_check_looks_where_the_worker_writes(given, monkeypatch, tmp_path, capsys):
    given(monkeypatch, tmp_path)
    heartbeat = Heartbeat(health_file(Settings()))
    assert probe(ready=False) == 1
    heartbeat.beat(redis=True)
    assert (probe(ready=False), probe(ready=True)) == (0, 0)
    heartbeat.beat(redis=False)
    assert (probe(ready=False), probe(ready=True)) == (0, 2)
    heartbeat.remove()
    assert "alive" in capsys.readouterr().out


def test_all_processes_of_a_replica_must_be_well(monkeypatch, tmp_path):
    by_path(monkeypatch, tmp_path)
    monkeypatch.setenv("WORKER_PROCESSES", "2")
    Heartbeat(health_file(Settings(), 0)).beat(redis=True)
    assert probe(ready=False) == 1
    Heartbeat(health_file(Settings(), 1)).beat(redis=True)
    assert probe(ready=True) == 0


@pytest.mark.parametrize("wait", [0.15, 0.4])
def test_a_stop_in_the_first_moments_is_obeyed(wait, tmp_path):
    """As process 1 would be, it is started without the kernel's own handling of SIGTERM."""
    code = (
        "import signal, sys\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "from worker_payment.__main__ import main\n"
        "print('up', flush=True)\nsys.argv = ['worker', 'run']\nmain()"
    )
    prepare(tmp_path)  # with its settings it waits for Redis, however late the signal comes
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {"REDIS_URL": "redis://127.0.0.1:1/0"},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    time.sleep(wait)
    process.send_signal(signal.SIGTERM)
    process.stdout.close()
    assert process.wait(10) in (0, 128 + signal.SIGTERM)


def test_garbage_is_looked_for_in_what_jobs_make_alone(tmp_path, redis_url, queue):
    """What was imported and made at the start is left out for good: a look holds up all jobs."""
    prepare(tmp_path)
    code = (
        "import atexit, gc, sys; sys.argv[1:] = ['run', '--burst']; "
        "atexit.register(lambda: print(gc.isenabled(), len(gc.get_objects()) < 10_000)); "
        "import worker_payment.__main__ as m; m.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"REDIS_URL": redis_url, "WORKER_QUEUE": queue},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "True True"
