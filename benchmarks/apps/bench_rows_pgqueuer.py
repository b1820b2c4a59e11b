"""Jobs with a row for pgqueuer: coroutines and asyncpg with a pool, embedded."""

from __future__ import annotations

import asyncio
import signal
import sys

import asyncpg
import uvloop
from bench_body import COUNT, work
from bench_rows import DATABASE, INSERT, SLOTS, names
from pgqueuer import AsyncpgPoolDriver, Job, PgQueuer, Queries

_INSERT = INSERT.format("$1")


async def _work() -> None:
    async with asyncpg.create_pool(DATABASE, min_size=SLOTS, max_size=SLOTS + 2) as pool:
        worker = PgQueuer(AsyncpgPoolDriver(pool))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.shutdown.set)

        @worker.entrypoint("row")
        async def job(given: Job) -> None:
            await pool.execute(_INSERT, (given.payload or b"").decode())
            work(COUNT, 0.0)

        # It demands room for two batches, at least.
        await worker.run(batch_size=SLOTS // 2, max_concurrent_tasks=SLOTS)


async def _publish() -> None:
    async with asyncpg.create_pool(DATABASE, min_size=1, max_size=2) as pool:
        queries = Queries(AsyncpgPoolDriver(pool))
        await queries.install()
        jobs = [name.encode() for name in names()]
        await queries.enqueue(["row"] * len(jobs), jobs, [0] * len(jobs))


if __name__ == "__main__":
    uvloop.run(_publish() if len(sys.argv) > 1 else _work())
