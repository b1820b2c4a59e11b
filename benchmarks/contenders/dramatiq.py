"""Dramatiq: threads in one process. As shipped it logs no line per job."""

from __future__ import annotations

from contenders.base import Contender, Home, installer


def _command(home: Home, concurrency: int, processes: int) -> list[str]:
    sizes = ["--processes", str(processes), "--threads", str(concurrency)]
    return [str(home.programs / "dramatiq"), "bench_dramatiq", *sizes]


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
