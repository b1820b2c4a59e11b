"""procrastinate: a queue in PostgreSQL, coroutines in one process. Jobs run at least once."""

from __future__ import annotations

from contenders.base import Contender, Home, installer


def _command(home: Home, concurrency: int, _processes: int) -> list[str]:
    program = [str(home.programs / "procrastinate"), "--app", "bench_rows_procrastinate.app"]
    return [*program, "worker", "--concurrency", str(concurrency)]


WITH_ROWS = [
    Contender(
        key="procrastinate",
        title="procrastinate, unique key",
        install=installer(
            "procrastinate",
            "bench_rows_procrastinate.py",
            *("procrastinate>=3.10,<4", "psycopg[binary,pool]>=3.3,<4"),
        ),
        command=_command,
        rate=400,
    )
]
