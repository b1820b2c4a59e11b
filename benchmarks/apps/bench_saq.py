"""The comparison's jobs for SAQ."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Any

import bench_publish
from bench_body import work_async
from saq import Queue

queue = Queue.from_url(os.environ["REDIS_URL"])
logging.getLogger("saq").setLevel(os.environ.get("BENCH_LEVEL", "INFO"))


async def job(_context: dict[str, Any], *, mode: str, value: float) -> None:
    """Do one job."""
    await work_async(mode, value)


settings = {
    "queue": queue,
    "functions": [job],
    "concurrency": int(os.environ.get("BENCH_CONCURRENCY", "10")),
}


async def _publish() -> None:
    await queue.connect()
    await bench_publish.run_async(lambda mode, value: queue.enqueue("job", mode=mode, value=value))
    await queue.disconnect()


if __name__ == "__main__":
    asyncio.run(_publish())
