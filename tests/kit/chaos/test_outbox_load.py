"""100,000 rows through workers that are killed: every committed job takes effect once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import database_jobs as jobs
import pytest
from database_servers import Server, start_server
from database_support import Database, prepare
from outbox_support import Outbox
from sqlalchemy import func, insert, select

from support import eventually
from support import prepare as prepare_folder
from worker_payment.kit.engine import Publisher
from worker_payment.kit.integrations.database.instances import close_instances
from worker_payment.kit.integrations.outbox.table import outbox as table

ROWS = int(os.environ.get("CHAOS_ROWS", "100000"))
WORKER = Path(__file__).parents[1] / "integrations" / "database" / "database_worker.py"
pytestmark = pytest.mark.timeout(580)


@pytest.fixture(params=["mariadb", "postgresql"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server of the test's own."""
    started = start_server(request.param)
    yield started
    started.remove()


@pytest.fixture
def database(
    server: Server,
    publisher: Publisher,
    redis_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Database]:
    """The worker's database, which is the API server's, too."""
    prepare_folder(tmp_path)
    monkeypatch.chdir(tmp_path)
    yield prepare(server.config(), publisher.queue, redis_url, monkeypatch)
    close_instances()


@pytest.fixture
def run_worker(database: Database, tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Start workers, which end with the test."""
    running: list[subprocess.Popen[str]] = []

    def run() -> subprocess.Popen[str]:
        variables = {
            "WORKER_HEALTH_FILE": str(tmp_path / f"{len(running)}.health"),
            "WORKER_CONCURRENCY": "10",
            "WORKER_LEASE": "4",
            "LOGGER_CONFIG": '{"level":"warning"}',
        }
        running.append(
            subprocess.Popen([sys.executable, str(WORKER), "run"], env=os.environ | variables)
        )
        return running[-1]

    yield run
    for process in running:
        process.kill()
        process.wait()


def test_workers_are_killed_under_load(database, publisher, run_worker):
    """Two share the rows; every 10,000 rows one is killed and another one comes."""
    outbox = Outbox(publisher, database.config)
    workers = [run_worker(), run_worker()]
    part = ROWS // 10
    for start in range(0, ROWS, part):
        rows = [
            outbox.values(
                job_type="database_jobs.write",
                payload=f'{{"target": "{database.queue}-{number}"}}',
                order_key=f"key-{number % 50}",
            )
            for number in range(start, start + part)
        ]
        with outbox.engine.connect() as connection:
            never = {"payload": f'{{"target": "{database.queue}-never"}}'}
            connection.execute(insert(table).values(rows[0] | never))
            connection.rollback()
        outbox.write(*rows)
        time.sleep(1)
        workers.pop(0).kill()
        workers.append(run_worker())

    def done() -> int:
        mine = jobs.effects.c.target.startswith(database.queue)
        with database.engine.connect() as connection:
            return connection.scalar(select(func.count()).where(mine)) or 0

    eventually(lambda: not outbox.rows() and done() >= ROWS, timeout=500)
    with database.engine.connect() as connection:
        found = list(connection.scalars(select(jobs.effects.c.target)))
    assert sorted(found) == sorted(f"{database.queue}-{number}" for number in range(ROWS))
