"""Jobs with a row for Oban for Python: coroutines, psycopg's pool, embedded as its README shows."""

from __future__ import annotations

import asyncio
import signal
import sys

import uvloop
from bench_rows import DATABASE, SLOTS, insert_row_async, names
from oban import Oban, job
from oban.schema import install
from psycopg_pool import AsyncConnectionPool

pool = AsyncConnectionPool(
    DATABASE, min_size=1, max_size=SLOTS + 2, open=False, kwargs={"autocommit": True}
)


@job(queue="bench")
async def row(name: str) -> None:
    """Do one job."""
    await insert_row_async(name)


async def _work() -> None:
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with pool, Oban(pool=pool, queues={"bench": SLOTS}):
        await stopped.wait()


async def _publish() -> None:
    async with pool:
        await install(pool)
        oban = Oban(pool=pool)
        await oban.enqueue_many(*(row.new(name) for name in names()))


if __name__ == "__main__":
    uvloop.run(_publish() if len(sys.argv) > 1 else _work())
