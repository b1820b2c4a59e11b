"""What the outbox costs: rows a second through the relay, and the time from commit to start.

Usage: python benchmarks/outbox.py [--rows N] [--jobs N] [--rounds N] [--databases NAME,NAME]

Beside it stands publishing without the outbox: all jobs in one call, and one after the other. The
relay works off rows that all wait when it starts. For the times a worker process is idle, and a
job comes every 30 ms, written by one connection; they end where the job's first line runs.
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

from workers import ROOT, Server

JOBS = '''"""Jobs of the benchmark."""

import os
import time
from pathlib import Path

from ..kit import Payload, processor


class Note(Payload):
    number: int
    text: str = "x" * 100


@processor(result_ttl=0)
def note(payload: Note) -> None:
    with Path(os.environ["STARTS"]).open("a") as file:
        file.write(f"{payload.number} {time.time()}\\n")
'''

BEGIN = """
import json, os, sys, time
from pathlib import Path
import structlog, logging
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
from worker_payment.worker import worker as composition
from worker_payment.kit.config import load_settings
from worker_payment.kit.config.redis import publisher, worker_connection
from worker_payment.kit.integrations.database import schema
from worker_payment.kit.integrations.database.instances import instances
from worker_payment.kit.integrations.outbox import insert
from worker_payment.processors.bench import Note, note
composition.load_processors()
settings, count = load_settings(), int(sys.argv[1])
schema.upgrade(instances(), "MAIN")
engine, publisher = instances().main, publisher(settings)
"""

RATES = (
    BEGIN
    + """
from worker_payment.kit.integrations.outbox.relay import Relay
queue = publisher.connection
rates = {}

def timed(name, call):
    queue.flushall()
    started = time.perf_counter()
    call()
    rates[name] = count / (time.perf_counter() - started)

def one_by_one():
    for number in range(count // 10):
        note.enqueue(Note(number=number))

def write():
    with engine.begin() as connection:
        for start in range(0, count, 1000):
            notes = [Note(number=number) for number in range(start, start + 1000)]
            rows = [insert(note, each).compile().params for each in notes]
            connection.execute(insert(note, notes[0]), rows)

def relay():
    made = Relay(instances(), "MAIN", worker_connection(settings), settings.queues, 0.01)
    made.start()
    while queue.llen(f"rq:queue:{settings.worker_queue}") < count:
        time.sleep(0.005)
    made.close()

timed("single", one_by_one)
rates["single"] /= 10
timed("many", lambda: note.enqueue_many([Note(number=n) for n in range(count)]))
write()
timed("relay", relay)
print(json.dumps(rates))
"""
)

DELAYS = (
    BEGIN
    + """
starts, sent = Path(os.environ["STARTS"]), {}

def ran():
    lines = starts.read_text().splitlines()
    return {int(line.split()[0]): float(line.split()[1]) for line in lines}

def direct(number):
    sent[number] = time.time()
    note.enqueue(Note(number=number))

def outbox(number):
    with engine.begin() as connection:
        connection.execute(insert(note, Note(number=number)))
        before = time.time()
    sent[number] = before

answer = {}
for name, publish in (("direct", direct), ("outbox", outbox)):
    starts.write_text("")
    sent.clear()
    for number in range(-20, count):
        publish(number)
        time.sleep(0.03)
    while len(ran()) < count + 20:
        time.sleep(0.1)
    found = ran()
    answer[name] = sorted(1000 * (found[n] - sent[n]) for n in range(count))
print(json.dumps(answer))
"""
)


def run(worker: Path, variables: dict[str, str], program: str, count: int) -> Any:
    """Run a program in the worker's folder, and return what it prints as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", program, str(count)],
        cwd=worker,
        env=os.environ | variables,
        check=True,
        stdout=subprocess.PIPE,
    )
    return json.loads(done.stdout.splitlines()[-1])


def delays(worker: Path, variables: dict[str, str], count: int) -> dict[str, list[float]]:
    """Milliseconds from commit to start, with a worker that is idle."""
    (worker / "starts").write_text("")
    process = subprocess.Popen(
        [sys.executable, "-m", "worker_payment", "run"],
        cwd=worker,
        env=os.environ | variables | {"LOGGER_CONFIG": '{"level":"error"}'},
    )
    try:
        answer: dict[str, list[float]] = run(worker, variables, DELAYS, count)
        return answer
    finally:
        process.terminate()
        process.wait()


def measure(
    worker: Path, redis: Server, config: dict[str, Any], options: argparse.Namespace
) -> None:
    """Print the lines of a database: medians over the rounds."""
    variables = {
        "DATABASE_CONFIG": json.dumps({"instances": {"MAIN": config}}),
        "REDIS_URL": redis.url,
        "PYTHONPATH": str(worker / "src"),
        "STARTS": str(worker / "starts"),
    }
    rates = [run(worker, variables, RATES, options.rows) for _ in range(options.rounds)]
    rate = {name: statistics.median(each[name] for each in rates) for name in rates[0]}
    redis.client.flushall()
    found = [delays(worker, variables, options.jobs) for _ in range(options.rounds)]
    for how, label in (("direct", "publishing"), ("outbox", "outbox")):
        p50 = statistics.median(each[how][len(each[how]) // 2] for each in found)
        p99 = statistics.median(each[how][len(each[how]) * 99 // 100] for each in found)
        many, single = (rate["many"], rate["single"]) if how == "direct" else (rate["relay"], None)
        shown = f"{single:>9.0f}" if single else f"{'-':>9}"
        print(f"{config['dbms']:<12} {label:<11} {many:>9.0f} {shown} {p50:>8.1f} {p99:>8.1f}")


def main() -> None:
    """Measure every database."""
    parser = argparse.ArgumentParser(description="Measure what the outbox costs.")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--databases", default="postgresql,mariadb")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "gen_worker", "payment", "--with", "outbox", "--yes"]
        subprocess.run([*command, "--no-git", "--quiet", "--dir", folder], check=True, cwd=ROOT)
        worker = Path(folder, "worker-payment")
        (worker / "src/worker_payment/processors/bench.py").write_text(JOBS)
        # The tests of the kit know how to start databases.
        os.environ["KIT_WORKER"] = str(worker)
        tests = ROOT / "tests"
        sys.path += map(str, (worker / "src", tests, tests / "kit"))
        sys.path.append(str(tests / "kit/integrations/database"))
        start_server = importlib.import_module("database_servers").start_server

        redis = Server(Path(folder))
        print(f"{'':<24} {'jobs/s':>9} {'single/s':>9} {'p50 ms':>8} {'p99 ms':>8}")
        try:
            for dbms in options.databases.split(","):
                server = start_server(dbms)
                try:
                    measure(worker, redis, server.config(), options)
                finally:
                    server.remove()
        finally:
            redis.stop()


if __name__ == "__main__":
    main()
