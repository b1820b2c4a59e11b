"""API servers and workers are killed, Redis goes away: each committed job once, no other ever."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from outbox_support import Outbox
from preloaded import PreloadedProgram
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from support import RedisServer, eventually
from worker_payment.kit.engine import Publisher
from worker_payment.kit.integrations.database.instances import instances
from worker_payment.kit.integrations.outbox.relay import Relay

OUTAGE = float(os.environ.get("CHAOS_OUTAGE", "2"))  # seconds
KILLED_ON = ["mariadb", "postgresql"] if "CHAOS_JOBS" in os.environ else ["postgresql"]
on_servers = pytest.mark.parametrize("server", ["mariadb", "postgresql"], indirect=True)
on_postgresql = pytest.mark.parametrize("server", ["postgresql"], indirect=True)

# What an API server does: writes a job, says so, and commits when it is told to.
API = """
import json, sys
from sqlalchemy import create_engine, text
url, values = sys.argv[1], json.loads(sys.argv[2])
with create_engine(url).begin() as connection:
    connection.execute(text("INSERT INTO worker_outbox (queue, job_type, payload)"
                            " VALUES (:queue, :job_type, :payload)"), values)
    print("written", flush=True)
    sys.stdin.readline()
print("committed", flush=True)
sys.stdin.readline()
"""
# Holds a relay up where it has published and not yet deleted, while somebody has locked `gate`.
GATE = {
    "postgresql": """
        CREATE FUNCTION pass_gate() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN UPDATE gate SET id = id; RETURN OLD; END $$;
        CREATE TRIGGER pass_gate BEFORE DELETE ON worker_outbox
        FOR EACH ROW EXECUTE FUNCTION pass_gate()
    """,
    "mariadb": """
        CREATE TRIGGER pass_gate BEFORE DELETE ON worker_outbox
        FOR EACH ROW UPDATE gate SET id = id
    """,
}


@contextmanager
def closed_gate(outbox: Outbox) -> Iterator[None]:
    """While inside, no relay can delete a row."""
    with outbox.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE gate (id INT PRIMARY KEY)")
        connection.exec_driver_sql("INSERT INTO gate VALUES (1)")
        connection.exec_driver_sql(GATE[connection.dialect.name])
    with outbox.engine.begin() as connection:
        connection.exec_driver_sql("SELECT id FROM gate FOR UPDATE")
        yield
    with outbox.engine.begin() as connection:
        postgresql = connection.dialect.name == "postgresql"
        connection.exec_driver_sql(
            "DROP FUNCTION pass_gate CASCADE" if postgresql else "DROP TRIGGER pass_gate"
        )
        connection.exec_driver_sql("DROP TABLE gate")


@contextmanager
def api_server(outbox: Outbox, key: str) -> Iterator[tuple[PreloadedProgram, int]]:
    """An API server that has written a job and not yet committed, and where to tell it to."""
    url = outbox.engine.url.render_as_string(hide_password=False)
    reading, telling = os.pipe()
    process = PreloadedProgram(
        ["-c", API, url, json.dumps(outbox.values(key))], stdin=reading, stdout=subprocess.PIPE
    )
    os.close(reading)
    assert process.stdout is not None
    with process.stdout as said:
        assert said.readline() == "written\n"
        yield process, telling
        process.kill()
        process.wait()
    os.close(telling)


@on_servers
def test_an_api_server_is_killed_before_and_after_its_commit(outbox, start_relay):
    """What was not committed is never seen; what was committed is published."""
    start_relay()
    with api_server(outbox, "never") as (doomed, _), api_server(outbox, "surely") as (done, tell):
        doomed.kill()
        doomed.wait()
        os.write(tell, b"\n")
        assert done.stdout.readline() == "committed\n"
        done.kill()
    outbox.write(outbox.values("later"))
    eventually(lambda: len(outbox.queued_keys()) == 2)
    assert outbox.queued_keys() == ["surely", "later"]
    eventually(lambda: not outbox.rows())  # rows are deleted after their jobs are there


@pytest.fixture
def run_worker(
    outbox: Outbox, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[object]:
    """Run workers; their jobs write into a file."""
    effects = tmp_path / "effects"
    effects.touch()
    monkeypatch.setenv("EFFECTS", str(effects))
    script = Path(__file__).with_name("outbox_worker.py")
    running: list[PreloadedProgram] = []

    def run() -> PreloadedProgram:
        health = {"WORKER_HEALTH_FILE": str(tmp_path / f"{len(running)}.health")}
        log = (tmp_path / f"{len(running)}.log").open("wb")
        with log:
            process = PreloadedProgram(
                [str(script), "run"],
                cwd=tmp_path,
                env=os.environ | health | {"REDIS_URL": redis_url},
                stdout=log,
                stderr=log,
            )
        running.append(process)
        return process

    run.effects = lambda: Counter(effects.read_text().split())
    run.log = lambda number: (tmp_path / f"{number}.log").read_text()
    yield run
    for process in running:
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.mark.parametrize("server", KILLED_ON, indirect=True)
def test_a_worker_is_killed_between_publishing_and_deleting(outbox, run_worker):
    """Its jobs have run when another worker finds the rows: it deletes them and runs nothing."""
    keys = [f"k{number}" for number in range(20)]
    once = dict.fromkeys(keys, 1)
    with closed_gate(outbox):
        outbox.write(*(outbox.values(key) for key in keys))
        first = run_worker()
        eventually(lambda: run_worker.effects() == once, timeout=30)
        assert len(outbox.rows()) == len(keys)
        first.send_signal(signal.SIGKILL)
        first.wait()
    second = run_worker()
    outbox.write(outbox.values("after"))
    eventually(lambda: not outbox.rows() and "after" in run_worker.effects(), timeout=30)
    second.send_signal(signal.SIGTERM)
    assert second.wait(timeout=30) == 0
    assert run_worker.effects() == once | {"after": 1}


@on_postgresql
def test_redis_is_away_and_rows_stay(outbox, redis_server: RedisServer, caplog):
    """Nothing is lost, everything is published once it is back, and the log has one line."""
    client = Redis.from_url(redis_server.url, retry=Retry(NoBackoff(), 0), socket_timeout=5)
    away = Outbox(Publisher(client, outbox.queue), outbox.config)
    relay = Relay(instances(), "MAIN", client, [outbox.queue], 0.05)
    relay.start()
    try:
        away.write(away.values("before"))
        eventually(lambda: away.queued_keys() == ["before"])
        redis_server.stop(kill=True)
        keys = [f"k{number}" for number in range(50)]
        for key in keys:
            away.write(away.values(key))
        time.sleep(OUTAGE)
        assert len(away.rows()) == len(keys)
        redis_server.start()
        eventually(lambda: not away.rows(), timeout=60)
        assert away.queued_keys() == ["before", *keys]
    finally:
        relay.close()
