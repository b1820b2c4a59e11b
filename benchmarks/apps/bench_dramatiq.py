"""The comparison's jobs for Dramatiq: its Redis broker with the middleware it ships."""

from __future__ import annotations

import os

import bench_publish
import dramatiq
from bench_body import work
from dramatiq.brokers.redis import RedisBroker

dramatiq.set_broker(RedisBroker(url=os.environ["REDIS_URL"]))


@dramatiq.actor
def job(mode: str, value: float) -> None:
    """Do one job."""
    work(mode, value)


def _later(mode: str, value: float, delay: float, count: int) -> None:
    for _ in range(count):
        job.send_with_options(args=(mode, value), delay=round(delay * 1000))


if __name__ == "__main__":
    bench_publish.run(job.send, later=_later)
