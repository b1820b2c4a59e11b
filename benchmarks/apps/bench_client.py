"""Publishing by the generated client for Python; it has no worker of its own."""

from __future__ import annotations

import os

import bench_publish
from blank_client import BlankClient, Job_
from redis import Redis

_jobs = BlankClient(Redis.from_url(os.environ["REDIS_URL"])).bench.job_

if __name__ == "__main__":
    bench_publish.run(
        lambda mode, value: _jobs.enqueue(Job_(mode=mode, value=value)),
        lambda mode, value, count: _jobs.enqueue_many(
            [Job_(mode=mode, value=value) for _ in range(count)]
        ),
    )
