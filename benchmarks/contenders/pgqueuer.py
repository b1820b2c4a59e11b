"""pgqueuer: a queue in PostgreSQL, coroutines in one process. Jobs run at least once."""

from __future__ import annotations

from contenders.base import APPS, Contender, Home, installer


def _command(home: Home, _concurrency: int, _processes: int) -> list[str]:
    return [str(home.programs / "python"), str(APPS / "bench_rows_pgqueuer.py")]


WITH_ROWS = [
    Contender(
        key="pgqueuer",
        title="pgqueuer, unique key",
        install=installer(
            "pgqueuer", "bench_rows_pgqueuer.py", "pgqueuer>=1.6,<2", "asyncpg>=0.30", "uvloop"
        ),
        command=_command,
        rate=600,
    )
]
