"""Workers in processes of their own, for the tests that kill them."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from preloaded import PreloadedProgram
from redis import Redis
from rq import Queue

from support import PYTHONPATH
from worker_payment.kit.engine.worker.recovery import _CERTAIN

WORKER = """
import sys
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
import engine_jobs, engine_process_jobs, long_jobs, odd_jobs, worker_payment.worker
from worker_payment.kit.config import Settings
from worker_payment.kit.config.logging import configure_logging
from worker_payment.kit.process.shutdown import on_signals
from worker_payment.kit.engine import Options, ThreadWorker
from worker_payment.kit.engine.worker import recovery
from worker_payment.kit.process.runner import leave
configure_logging(Settings())
url, queue, name, concurrency, timeout = sys.argv[1:6]
client = Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_timeout=5)
options = Options(concurrency=int(concurrency), shutdown_timeout=float(timeout), lease=2,
                  promote_interval=0.05, delivery_limit=int(sys.argv[6]))
recovery._CERTAIN = int(sys.argv[7])
worker = ThreadWorker(queue.split(","), client, name, options)
with on_signals(lambda now: worker.drain(now=now)):
    leave(worker.run())
"""


@contextmanager
def process(
    url: str,
    queue: str,
    *,
    concurrency: int = 5,
    timeout: float = 10.0,
    limit: int = 2,
    certain: int = _CERTAIN,
) -> Iterator[PreloadedProgram]:
    """A worker in a process of its own, so that it can be killed.

    Args:
        url: The server.
        queue: The queue's name; several with commas between them.
        concurrency: How many jobs it runs at once.
        timeout: Seconds that a drain may take.
        limit: Its delivery limit.
        certain: Looks for dead workers after which a job that killed its workers is given up.
    """
    numbers = map(str, (concurrency, timeout, limit, certain))
    arguments = [url, queue, uuid4().hex, *numbers]
    running = PreloadedProgram(
        ["-c", WORKER, *arguments],
        env=os.environ | {"PYTHONPATH": PYTHONPATH},
        stdout=subprocess.DEVNULL,
    )
    try:
        yield running
    finally:
        if running.poll() is None:
            running.send_signal(signal.SIGCONT)
            running.kill()
        running.wait()


def times_run(notes: Path) -> Counter[str]:
    """How often each job of `engine_process_jobs.count` has run."""
    return Counter(notes.read_text().split()) if notes.exists() else Counter()


def count_jobs(
    connection: Redis, queue: str, notes: Path, number: int, seconds: float
) -> list[str]:
    """Publish jobs that note each run in a file: no outage of Redis can distort the figure."""
    plain = Queue(queue, connection=connection, serializer="json")
    return [
        plain.enqueue(
            "engine_process_jobs.count", {"notes": str(notes), "text": str(n), "seconds": seconds}
        ).id
        for n in range(number)
    ]
