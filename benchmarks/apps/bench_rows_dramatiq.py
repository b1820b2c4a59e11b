"""Jobs with a row for Dramatiq: its Redis broker with the middleware it ships."""

from __future__ import annotations

import os

import dramatiq
from bench_rows import insert_row, names
from dramatiq.brokers.redis import RedisBroker

dramatiq.set_broker(RedisBroker(url=os.environ["REDIS_URL"]))


@dramatiq.actor
def job(name: str) -> None:
    """Do one job."""
    insert_row(name)


if __name__ == "__main__":
    for each in names():
        job.send(each)
