"""The comparison's jobs for streaq."""

from __future__ import annotations

import asyncio
import os

import bench_publish
from bench_body import work_async
from streaq import Worker

_BATCH = 500

worker = Worker(
    redis_url=os.environ["REDIS_URL"], concurrency=int(os.environ.get("BENCH_CONCURRENCY", "16"))
)


@worker.task
async def job(mode: str, value: float) -> None:
    """Do one job."""
    await work_async(mode, value)


async def _publish() -> None:
    async def one(mode: str, value: float) -> None:
        await job.enqueue(mode, value)

    async def many(mode: str, value: float, count: int) -> None:
        for start in range(0, count, _BATCH):
            size = min(_BATCH, count - start)
            await worker.enqueue_many([job.enqueue(mode, value) for _ in range(size)])

    async with worker:
        await bench_publish.run_async(one, many)


if __name__ == "__main__":
    asyncio.run(_publish())
