"""procrastinate: a queue in PostgreSQL, coroutines in one process. Jobs run at least once."""

from __future__ import annotations

from contenders.base import Contender, Home, installer

_REQUIREMENTS = ("procrastinate>=3.10,<4", "psycopg[binary,pool]>=3.3,<4")


def _command(home: Home, app: str, concurrency: int) -> list[str]:
    program = [str(home.programs / "procrastinate"), "--app", f"{app}.app"]
    return [*program, "worker", "--concurrency", str(concurrency)]


CONTENDERS = [
    Contender(
        key="procrastinate",
        title="procrastinate (PostgreSQL)",
        install=installer("procrastinate", "bench_procrastinate.py", *_REQUIREMENTS),
        command=lambda home, concurrency, _: _command(home, "bench_procrastinate", concurrency),
        rate=400,
        variables=lambda concurrency, _: {"BENCH_CONCURRENCY": str(concurrency)},
        database=True,
        bulk=True,
    )
]

WITH_ROWS = [
    Contender(
        key="procrastinate",
        title="procrastinate, unique key",
        install=installer("procrastinate", "bench_rows_procrastinate.py", *_REQUIREMENTS),
        command=lambda home, concurrency, _: _command(
            home, "bench_rows_procrastinate", concurrency
        ),
        rate=400,
    )
]
