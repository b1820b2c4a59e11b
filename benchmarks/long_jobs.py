"""What it costs a job that it could say how far it is, and keep where it stands.

Usage: python benchmarks/long_jobs.py [--jobs N] [--rounds N] [--before FOLDER]

Runs no-op jobs in one worker of five slots, in turns: with the payload alone, with a context that
is not used, with one word of progress each, and with one checkpoint each. `--before` names the
project of a worker rendered from an older template, which runs the first of these too.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from workers import Server, render_worker

PROGRAM = """
import sys, time
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
import worker_blank.worker
from worker_blank.kit.config import Settings
from worker_blank.kit.config.logging import configure_logging
from worker_blank.kit.engine import (
    JobContext, Options, Payload, Publisher, ThreadWorker, processor
)

class Work(Payload):
    number: int

@processor
def payload(payload: Work) -> None: ...

@processor
def unused(payload: Work, context: JobContext) -> None: ...

@processor
def progress(payload: Work, context: JobContext) -> None:
    context.progress(payload.number, 1, "one")

@processor
def checkpoint(payload: Work, context: JobContext) -> None:
    context.checkpoint(payload.number)

configure_logging(Settings())
url, name, jobs = sys.argv[1], sys.argv[2], int(sys.argv[3])
client = Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_timeout=5)
client.flushdb()
works = [Work(number=number) for number in range(jobs)]
Publisher(client, "long").publish_many(globals()[name], works)
worker = ThreadWorker(["long"], client, "long", Options(concurrency=5))
began, used = time.perf_counter(), time.process_time()
worker.run(burst=True)
seconds, processor_time = time.perf_counter() - began, time.process_time() - used
assert client.zcard("rq:finished:long") == jobs
print(jobs / seconds, processor_time / jobs * 1e6)
"""


def main() -> None:
    """Measure in turns and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--before", type=Path, help="project of an older worker")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        project = render_worker(Path(name))
        cases = [(project, case) for case in ("payload", "unused", "progress", "checkpoint")]
        if options.before:
            cases.insert(0, (options.before, "payload"))
        server = Server(Path(name))
        try:
            measure(server, cases, options.jobs, options.rounds)
        finally:
            server.stop()


def measure(server: Server, cases: list[tuple[Path, str]], jobs: int, rounds: int) -> None:
    """Run every case once a round, and print a line for each."""
    found: list[list[tuple[float, float]]] = [[] for _ in cases]
    for _ in range(rounds):
        for (project, case), figures in zip(cases, found, strict=True):
            figures.append(run(server, project, case, jobs))
    newest = cases[-1][0]
    for (project, case), figures in zip(cases, found, strict=True):
        rate = statistics.median(each[0] for each in figures)
        micros = statistics.median(each[1] for each in figures)
        title = case if project == newest else f"{case}, before"
        print(f"{title:<18} {rate:7.0f} jobs/s {micros:6.0f} us of the processor a job")


def run(server: Server, project: Path, case: str, jobs: int) -> tuple[float, float]:
    """Run one case in a process of its own. Return jobs a second and microseconds a job."""
    environment = os.environ | {
        "PYTHONPATH": str(project / "src"),
        "LOGGER_CONFIG": '{"level":"error"}',
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, server.url, case, str(jobs)],
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    rate, micros = done.stdout.split()[-2:]
    return float(rate), float(micros)


if __name__ == "__main__":
    main()
