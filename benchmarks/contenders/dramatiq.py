"""Dramatiq: threads in one process. As shipped it logs no line per job."""

from __future__ import annotations

from contenders.base import Contender, Home, installer


def _command(
    home: Home, concurrency: int, processes: int, app: str = "bench_dramatiq"
) -> list[str]:
    sizes = ["--processes", str(processes), "--threads", str(concurrency)]
    return [str(home.programs / "dramatiq"), app, *sizes]


CONTENDERS = [
    Contender(
        key="dramatiq",
        title="Dramatiq",
        install=installer("dramatiq", "bench_dramatiq.py", "dramatiq[redis]>=2,<3"),
        command=_command,
        rate=1500,
        scales=True,
        delays=True,
        quick=True,
    )
]

WITH_ROWS = [
    Contender(
        key="dramatiq",
        title="Dramatiq, unique key",
        install=installer(
            "dramatiq",
            "bench_rows_dramatiq.py",
            "dramatiq[redis]>=2,<3",
            "psycopg[binary,pool]>=3.3,<4",
        ),
        command=lambda home, concurrency, processes: _command(
            home, concurrency, processes, "bench_rows_dramatiq"
        ),
        rate=800,
    )
]
