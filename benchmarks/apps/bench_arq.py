"""The comparison's jobs for arq."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import bench_publish
from arq import create_pool
from arq.connections import RedisSettings
from bench_body import work_async

SILENT = {"version": 1, "loggers": {"arq": {"level": "ERROR"}}}  # for --custom-log-dict


async def job(_context: dict[str, Any], mode: str, value: float) -> None:
    """Do one job."""
    await work_async(mode, value)


class WorkerSettings:
    """What arq's command line reads."""

    functions = (job,)
    redis_settings = RedisSettings.from_dsn(os.environ["REDIS_URL"])
    max_jobs = int(os.environ.get("BENCH_CONCURRENCY", "10"))


async def _publish() -> None:
    pool = await create_pool(WorkerSettings.redis_settings)
    await bench_publish.run_async(lambda mode, value: pool.enqueue_job("job", mode, value))
    await pool.aclose()


if __name__ == "__main__":
    asyncio.run(_publish())
