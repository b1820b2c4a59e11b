"""The comparison's jobs for RQ's own workers."""

from __future__ import annotations

import os

import bench_publish
from bench_body import work
from redis import Redis
from rq import Queue

_BATCH = 500


def job(mode: str, value: float) -> None:
    """Do one job."""
    work(mode, value)


def _publish() -> None:
    queue = Queue("bench", connection=Redis.from_url(os.environ["REDIS_URL"]))

    def many(mode: str, value: float, count: int) -> None:
        for start in range(0, count, _BATCH):
            size = min(_BATCH, count - start)
            data = [Queue.prepare_data("bench_rq.job", args=(mode, value)) for _ in range(size)]
            queue.enqueue_many(data)

    bench_publish.run(lambda mode, value: queue.enqueue("bench_rq.job", mode, value), many)


if __name__ == "__main__":
    _publish()
