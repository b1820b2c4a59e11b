"""The comparison's jobs for Celery, without a result backend: its fastest form."""

from __future__ import annotations

import os

import bench_publish
from bench_body import work
from celery import Celery

app = Celery("bench_celery", broker=os.environ["REDIS_URL"])


@app.task(name="bench.job")
def job(mode: str, value: float) -> None:
    """Do one job."""
    work(mode, value)


def _later(mode: str, value: float, delay: float, count: int) -> None:
    for _ in range(count):
        job.apply_async((mode, value), countdown=delay)


if __name__ == "__main__":
    bench_publish.run(job.delay, later=_later)
