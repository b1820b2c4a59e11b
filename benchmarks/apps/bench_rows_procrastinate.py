"""Jobs with a row for procrastinate: coroutines, its asynchronous psycopg connector."""

from __future__ import annotations

import asyncio

from bench_rows import DATABASE, SLOTS, insert_row_async, names
from procrastinate import App, PsycopgConnector
from psycopg import AsyncConnection


async def _without_transactions(connection: AsyncConnection) -> None:
    # Each of its calls is one statement; this spares it BEGIN and COMMIT around each.
    await connection.set_autocommit(True)


app = App(
    connector=PsycopgConnector(
        conninfo=DATABASE, min_size=1, max_size=SLOTS + 2, configure=_without_transactions
    )
)


@app.task(queue="bench", name="bench.row")
async def job(name: str) -> None:
    """Do one job."""
    await insert_row_async(name)


async def _publish() -> None:
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        await job.batch_defer_async(*({"name": name} for name in names()))


if __name__ == "__main__":
    asyncio.run(_publish())
