"""The job of the comparison with a database, for systems without transactions of their own.

It inserts one row by one statement, which is its own transaction; the unique key makes a second run
harmless. Then it leaves its trace like every other job. Imported inside each system's environment.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

from bench_body import COUNT, work

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool, ConnectionPool

INSERT = "INSERT INTO bench_rows (name) VALUES ({}) ON CONFLICT (name) DO NOTHING"
_INSERT = INSERT.format("%s")
DATABASE = os.environ["BENCH_DATABASE"]  # postgresql://...
SLOTS = int(os.environ.get("BENCH_CONCURRENCY", "1"))
_ONE_POOL = Lock()  # threads begin together


@cache
def _pool_of_process() -> ConnectionPool:
    from psycopg_pool import ConnectionPool  # noqa: PLC0415 - others bring another driver

    return ConnectionPool(
        DATABASE, kwargs={"autocommit": True}, min_size=SLOTS, max_size=SLOTS, open=True
    )


def _pool() -> ConnectionPool:
    with _ONE_POOL:
        return _pool_of_process()


def insert_row(name: str) -> None:
    """Do one job in a thread."""
    with _pool().connection() as connection:
        connection.execute(_INSERT, (name,))
    work(COUNT, 0.0)


@cache
def _async_pool() -> AsyncConnectionPool:
    from psycopg_pool import AsyncConnectionPool  # noqa: PLC0415 - as above

    return AsyncConnectionPool(
        DATABASE, kwargs={"autocommit": True}, min_size=SLOTS, max_size=SLOTS, open=False
    )


async def insert_row_async(name: str) -> None:
    """Do one job in an event loop, with psycopg."""
    pool = _async_pool()
    if pool.closed:
        await pool.open()
    async with pool.connection() as connection:
        await connection.execute(_INSERT, (name,))
    work(COUNT, 0.0)


def names() -> list[str]:
    """The jobs that the command line asks for: their number is its only argument."""
    return [f"row-{number}" for number in range(int(sys.argv[1]))]
