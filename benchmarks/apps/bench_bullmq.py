"""The comparison's jobs for BullMQ's Python library: `worker CONCURRENCY`, or see bench_publish."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

import bench_publish
from bench_body import work_async
from bullmq import Job, Queue, Worker

_URL = os.environ["REDIS_URL"]
_BATCH = 500


async def _job(job: Job, _token: str) -> None:
    await work_async(job.data["mode"], job.data["value"])


async def _serve(concurrency: int) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    worker = Worker("bench", _job, {"connection": _URL, "concurrency": concurrency})
    await stop.wait()
    await worker.close(force=True)


async def _publish() -> None:
    queue = Queue("bench", {"connection": _URL})

    async def one(mode: str, value: float) -> None:
        await queue.add("job", {"mode": mode, "value": value})

    async def many(mode: str, value: float, count: int) -> None:
        job: dict[str, Any] = {"name": "job", "data": {"mode": mode, "value": value}}
        for start in range(0, count, _BATCH):
            await queue.addBulk([job] * min(_BATCH, count - start))

    await bench_publish.run_async(one, many)
    await queue.close()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[2])) if sys.argv[1] == "worker" else _publish())
