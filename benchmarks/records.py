"""What the job records cost: jobs per second with and without them, on PostgreSQL and SQLite.

Usage: python benchmarks/records.py [--jobs N] [--rounds N] [--concurrency N]

Every job writes one row. Without records it does so in a transaction of its own; with them, in
the transaction that also holds the job's record. The rounds of both are interleaved and the
median counts. The line of a database ends with the statements that the records add per job; the
exit code is 1 when there is more than one.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from workers import ROOT, Server, render_worker

GOAL = 1.0  # statements that the records may add per job

JOBS = '''"""Jobs of the benchmark."""

from sqlalchemy import Column, Integer, MetaData, String, Table, insert

from ..kit import Payload, processor
from ..kit.integrations.database import Session, transaction

key = Column("id", Integer, primary_key=True)
rows = Table("bench", MetaData(), key, Column("name", String(64)))


class Row(Payload):
    name: str


@processor(result_ttl=0)
def without(payload: Row) -> None:
    with transaction() as session:
        session.execute(insert(rows).values(name=payload.name))


@processor(result_ttl=0, target=lambda payload: payload.name)
def with_records(payload: Row, session: Session) -> None:
    session.execute(insert(rows).values(name=payload.name))
'''

RUN = """
import json, sys, time
from uuid import uuid4
import structlog, logging
from sqlalchemy import event
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
from worker_payment.worker import worker as composition
from worker_payment.kit.config import load_settings
from worker_payment.kit.config.redis import publisher, worker_connection
from worker_payment.kit.engine import Options, ThreadWorker, find_processor
from worker_payment.kit.integrations.database import schema
from worker_payment.kit.integrations.database.instances import close_instances, instances
from worker_payment.processors import bench

name, jobs, concurrency = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
composition.load_processors()
settings = load_settings()
schema.upgrade(instances(), "MAIN")
engine = instances().main
bench.rows.metadata.create_all(engine)
job = find_processor(f"bench.{name}")
sent = 0

def count(connection, cursor, statement, *rest):
    global sent
    sent += not statement.startswith("BEGIN")

def run(number):
    publisher(settings).publish_many(job, [bench.Row(name=uuid4().hex) for _ in range(number)])
    worker = ThreadWorker([settings.worker_queue], worker_connection(settings), uuid4().hex,
                          Options(concurrency=concurrency))
    started = time.perf_counter()
    worker.run(burst=True)
    return time.perf_counter() - started

run(jobs // 10)  # connections are made, statements compiled
event.listen(engine, "before_cursor_execute", count)
seconds = run(jobs)
with engine.connect() as connection:
    stored = connection.exec_driver_sql("SELECT count(*) FROM bench").scalar()
    assert stored % (jobs + jobs // 10) == 0
close_instances()
print(json.dumps({"rate": jobs / seconds, "statements": sent / jobs}))
"""


def measure(
    worker: Path, redis: Server, config: dict[str, Any], *arguments: str
) -> dict[str, float]:
    """Run one case in a process of its own."""
    variables = {
        "DATABASE_CONFIG": json.dumps({"instances": {"MAIN": config}}),
        "REDIS_URL": redis.url,
        "PYTHONPATH": str(worker / "src"),
    }
    redis.client.flushall()
    done = subprocess.run(
        [sys.executable, "-c", RUN, *arguments],
        cwd=worker,
        env=variables,
        check=True,
        stdout=subprocess.PIPE,
    )
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def compare(
    worker: Path, redis: Server, config: dict[str, Any], options: argparse.Namespace
) -> float:
    """Print the line of a database. Returns the statements that the records add per job."""
    rates: dict[str, list[float]] = {"without": [], "with_records": []}
    statements: dict[str, float] = {}
    for _ in range(options.rounds):
        for case, found in rates.items():
            arguments = (case, str(options.jobs), str(options.concurrency))
            answer = measure(worker, redis, config, *arguments)
            found.append(answer["rate"])
            statements[case] = answer["statements"]
    without, with_records = (statistics.median(rates[case]) for case in ("without", "with_records"))
    added = statements["with_records"] - statements["without"]
    print(
        f"{config['dbms']:<12} {without:>8.0f} {with_records:>8.0f} {with_records / without:>7.2f}"
        f" {added:>8.1f}"
    )
    return added


def main() -> int:
    """Measure both databases."""
    parser = argparse.ArgumentParser(description="Measure what job records cost.")
    parser.add_argument("--jobs", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--concurrency", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        worker = render_worker(Path(folder), "payment")
        (worker / "src/worker_payment/processors/bench.py").write_text(JOBS)
        # The tests of the kit know how to start databases.
        os.environ["KIT_WORKER"] = str(worker)
        tests = ROOT / "tests"
        sys.path += map(str, (worker / "src", tests, tests / "kit"))
        sys.path.append(str(tests / "kit/integrations/database"))
        start_server = importlib.import_module("database_servers").start_server

        redis = Server(Path(folder))
        print(f"{'jobs/s':<12} {'without':>8} {'records':>8} {'ratio':>7} {'added statements':>8}")
        added = []
        try:
            for dbms in ("postgresql", "sqlite"):
                server = start_server(dbms)
                try:
                    added.append(compare(worker, redis, server.config(), options))
                finally:
                    server.remove()
        finally:
            redis.stop()
    return 1 if max(added) > GOAL else 0


if __name__ == "__main__":
    sys.exit(main())
