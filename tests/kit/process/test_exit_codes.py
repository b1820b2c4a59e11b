"""Problems of Redis are sentences, and every command ends with a code of the one table."""

from __future__ import annotations

import os
import signal

import pytest
from preloaded import run_preloaded
from redis import Redis

from program import program
from support import NOBODY, PYTHONPATH, eventually, prepare
from worker_payment.kit.process.exit_codes import ExitCode


def ran(folder, *command, **variables):
    """Run a command to its end."""
    if not (folder / ".env").exists():
        prepare(folder)
    own = {"PYTHONPATH": PYTHONPATH, "WORKER_HEALTH_FILE": str(folder / "health")}
    environment = os.environ | own | variables
    return run_preloaded(["-m", "worker_payment", *command], cwd=folder, env=environment)


@pytest.fixture
def guarded(redis_server):
    """A server with a password, and a user who may do next to nothing."""
    with Redis(port=redis_server.port) as client:
        client.acl_setuser("weak", enabled=True, passwords=["+weak"], commands=["+ping"])
        client.config_set("requirepass", "right")
    return redis_server


@pytest.mark.parametrize("command", [("run",), ("stats",), ("enqueue", "payment.approve", "{}")])
@pytest.mark.parametrize(
    ("account", "sentence"),
    [(":wrong@", "refuses the user or the password"), ("", "refuses the user or the password")],
    ids=["wrong password", "no password"],
)
def test_a_password_that_redis_refuses(tmp_path, guarded, command, account, sentence):
    url = f"redis://{account}127.0.0.1:{guarded.port}/0"
    if command[0] == "enqueue":
        command = ("enqueue", "payment.approve", '{"orderId": "A-1", "amount": 1}')
    done = ran(tmp_path, *command, REDIS_URL=url)
    assert done.returncode == ExitCode.REDIS, done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "wrong" not in done.stderr


@pytest.mark.parametrize(
    ("place", "sentence"),
    [("/99", "a database number that Redis does not have"), ("/0", "lacks a permission")],
    ids=["database number", "permission"],
)
def test_what_waiting_does_not_cure_ends_the_worker(tmp_path, guarded, place, sentence):
    account = "weak:weak" if place == "/0" else ":right"
    url = f"redis://{account}@127.0.0.1:{guarded.port}{place}"
    done = ran(tmp_path, "run", REDIS_URL=url)
    assert done.returncode == ExitCode.REDIS, done.stdout + done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_server_that_is_not_there(tmp_path):
    """`run` waits and says why; another command ends at once."""
    port = NOBODY
    done = ran(tmp_path, "stats", REDIS_URL=f"redis://127.0.0.1:{port}/0")
    assert done.returncode == ExitCode.REDIS
    assert f"Redis cannot be reached: Error 111 connecting to 127.0.0.1:{port}" in done.stderr
    with program(tmp_path, f"redis://127.0.0.1:{port}/0", "q") as worker:
        line = worker.wait_for("redis.wait")
        assert "Redis cannot be reached" in line["error"]
        worker.signal(signal.SIGHUP)
        assert worker.exit_code() == ExitCode.OK


def test_a_server_that_is_full_or_read_only(tmp_path, redis_server):
    url = redis_server.url
    job = ("enqueue", "payment.approve", '{"orderId": "A-1", "amount": 1}')
    with Redis(port=redis_server.port) as client:
        client.config_set("maxmemory", "1")
        done = ran(tmp_path, *job, REDIS_URL=url)
        assert (done.returncode, "is full" in done.stderr) == (ExitCode.REDIS, True), done.stderr
        client.config_set("maxmemory", "0")
        client.replicaof("127.0.0.1", str(NOBODY))
        eventually(lambda: client.info("replication")["role"] == "slave")
        done = ran(tmp_path, *job, REDIS_URL=url)
        assert done.returncode == ExitCode.REDIS
        assert "read-only replica" in done.stderr


def test_wrong_settings_and_options(tmp_path):
    assert ran(tmp_path, "run", WORKER_CONCURRENCY="many").returncode == ExitCode.SETTINGS
    assert ran(tmp_path, "run", "--no-such-option").returncode == ExitCode.SETTINGS
    assert ran(tmp_path, "health").returncode == ExitCode.FAILED
