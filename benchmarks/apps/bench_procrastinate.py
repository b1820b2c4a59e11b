"""The comparison's jobs for procrastinate: coroutines, its asynchronous psycopg connector."""

from __future__ import annotations

import asyncio
import os

import bench_publish
from bench_body import work_async
from procrastinate import App, PsycopgConnector
from psycopg import AsyncConnection

_SLOTS = int(os.environ.get("BENCH_CONCURRENCY", "1"))
_BATCH = 500


async def _without_transactions(connection: AsyncConnection) -> None:
    # Each of its calls is one statement; this spares it BEGIN and COMMIT around each.
    await connection.set_autocommit(True)


app = App(
    connector=PsycopgConnector(
        conninfo=os.environ["BENCH_DATABASE"],
        min_size=1,
        max_size=_SLOTS + 2,
        configure=_without_transactions,
    )
)


@app.task(queue="bench", name="bench.job")
async def job(mode: str, value: float) -> None:
    """Do one job."""
    await work_async(mode, value)


async def _one(mode: str, value: float) -> None:
    await job.defer_async(mode=mode, value=value)


async def _many(mode: str, value: float, count: int) -> None:
    for start in range(0, count, _BATCH):
        jobs = [{"mode": mode, "value": value}] * min(_BATCH, count - start)
        await job.batch_defer_async(*jobs)


async def _publish() -> None:
    async with app.open_async():
        if not await app.check_connection_async():  # the tables are not there yet
            await app.schema_manager.apply_schema_async()
        await bench_publish.run_async(_one, _many)


if __name__ == "__main__":
    asyncio.run(_publish())
