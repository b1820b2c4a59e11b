"""The comparison's jobs for taskiq: the Redis stream broker, whose jobs survive a kill."""

from __future__ import annotations

import asyncio
import os

import bench_publish
from bench_body import work_async
from taskiq_redis import RedisStreamBroker

broker = RedisStreamBroker(url=os.environ["REDIS_URL"])


@broker.task(task_name="bench.job")
async def job(mode: str, value: float) -> None:
    """Do one job."""
    await work_async(mode, value)


async def _publish() -> None:
    await broker.startup()
    await bench_publish.run_async(job.kiq)
    await broker.shutdown()


if __name__ == "__main__":
    asyncio.run(_publish())
