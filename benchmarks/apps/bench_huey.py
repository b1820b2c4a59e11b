"""The comparison's jobs for huey: its Redis storage as shipped, without results."""

from __future__ import annotations

import os

import bench_publish
from bench_body import work
from huey import RedisHuey

huey = RedisHuey("bench", url=os.environ["REDIS_URL"], results=False)


@huey.task()
def job(mode: str, value: float) -> None:
    """Do one job."""
    work(mode, value)


if __name__ == "__main__":
    from bench_huey import job as published  # a task's name holds its module's

    bench_publish.run(published)
