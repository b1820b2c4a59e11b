"""What order by key costs: no-op jobs per second of one worker, with and without an order.

Usage: python benchmarks/order.py [--jobs N] [--keys N] [--rounds N] [--concurrency N]

All jobs wait when the worker starts. The rounds of all cases are interleaved and the median counts;
`share` is that of what jobs without an order reach in the same run; the exit code is 1 when it is
less than 0.8 for jobs whose keys take turns. Processor time, of the worker and of Redis, tells the
cost on a machine that does other things, too.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from workers import Server, render_worker

GOAL = 0.8

JOBS = '''"""Jobs of the benchmark."""

import os

from ..kit import Payload, processor


class Step(Payload):
    order_id: str


@processor(result_ttl=0)
def plain(payload: Step) -> None:
    pass


if os.environ["CASE"] != "no order in the worker":

    @processor(order="{order_id}", result_ttl=0)
    def ordered(payload: Step) -> None:
        pass
'''

RUN = """
import json, logging, random, sys, time, os
from uuid import uuid4
import structlog
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
from worker_blank.worker import worker as composition
from worker_blank.kit.config import load_settings
from worker_blank.kit.config.redis import publisher, worker_connection
from worker_blank.kit.engine import Options, ThreadWorker, find_processor
composition.load_processors()
from worker_blank.processors import bench

case, jobs, keys, concurrency = os.environ["CASE"], *map(int, sys.argv[1:])
settings = load_settings()
numbers = {
    "ordered, random keys": lambda n: random.randrange(keys),
    "ordered, ten of a key in a row": lambda n: n // 10 % keys,
}.get(case, lambda n: n % keys)
job = find_processor("bench.ordered" if case.startswith("ordered") else "bench.plain")

def run(number):
    payloads = [bench.Step(order_id=f"K{numbers(n)}") for n in range(number)]
    publisher(settings).publish_many(job, payloads)
    worker = ThreadWorker([settings.worker_queue], worker_connection(settings), uuid4().hex,
                          Options(concurrency=concurrency))
    redis = worker_connection(settings)
    started = time.perf_counter(), time.process_time(), spent(redis)
    worker.run(burst=True)
    ended = time.perf_counter(), time.process_time(), spent(redis)
    return [after - before for before, after in zip(started, ended)]

def spent(redis):
    cpu = redis.info("cpu")
    return cpu["used_cpu_user"] + cpu["used_cpu_sys"]

run(jobs // 20)
seconds, own, server = run(jobs)
left = worker_connection(settings).keys("rq:order:*")
assert not left, left
print(json.dumps([jobs / seconds, own / jobs * 1e6, server / jobs * 1e6]))
"""

CASES = (
    "no order in the worker",
    "no order, beside a processor with one",
    "ordered, keys take turns",
    "ordered, random keys",
    "ordered, ten of a key in a row",
)


def measure(worker: Path, redis: Server, case: str, *arguments: str) -> list[float]:
    """Run one case in a process of its own; jobs per second, and microseconds of processor time."""
    redis.client.flushall()
    done = subprocess.run(
        [sys.executable, "-c", RUN, *arguments],
        cwd=worker,
        env=os.environ | {"CASE": case, "REDIS_URL": redis.url, "PYTHONPATH": str(worker / "src")},
        check=True,
        stdout=subprocess.PIPE,
    )
    found: list[float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure every case in turns, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--keys", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--concurrency", type=int, default=50)
    options = parser.parse_args()
    arguments = (str(options.jobs), str(options.keys), str(options.concurrency))
    rounds: dict[str, list[list[float]]] = {case: [] for case in CASES}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        worker = render_worker(folder)
        (worker / "src/worker_blank/processors/bench.py").write_text(JOBS, encoding="utf-8")
        redis = Server(folder)
        try:
            for _ in range(options.rounds):
                for case, found in rounds.items():
                    found.append(measure(worker, redis, case, *arguments))
        finally:
            redis.stop()
    medians = {
        case: [statistics.median(column) for column in zip(*found, strict=True)]
        for case, found in rounds.items()
    }
    unordered = medians[CASES[0]][0]
    print(f"{options.jobs} jobs, {options.keys} keys, concurrency {options.concurrency}")
    print(f"{'':<40} {'jobs/s':>8} {'share':>6}  us of CPU a job: {'worker':>6} {'Redis':>6}")
    for case, (rate, own, server) in medians.items():
        share = rate / unordered
        print(f"{case:<40} {rate:8.0f} {share:6.2f} {'':>17} {own:7.0f} {server:6.0f}")
    sys.exit(medians["ordered, keys take turns"][0] < GOAL * unordered)


if __name__ == "__main__":
    main()
