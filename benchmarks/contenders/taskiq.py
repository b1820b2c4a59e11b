"""taskiq: coroutines in one worker process. As shipped it logs a line per job."""

from __future__ import annotations

from contenders.base import Contender, Home, installer

_install = installer("taskiq", "bench_taskiq.py", "taskiq>=0.12,<1", "taskiq-redis>=1.2,<2")


def _command(home: Home, concurrency: int, processes: int, level: str) -> list[str]:
    sizes = ["--workers", str(processes), "--max-async-tasks", str(concurrency)]
    return [
        *(str(home.programs / "taskiq"), "worker", "bench_taskiq:broker"),
        *(*sizes, "--log-level", level),
    ]


CONTENDERS = [
    Contender(
        key="taskiq",
        title="taskiq, no log lines",
        install=_install,
        command=lambda home, concurrency, processes: _command(
            home, concurrency, processes, "ERROR"
        ),
        rate=1300,
        bulk=True,
    ),
    Contender(
        key="taskiq-logging",
        title="taskiq, as shipped",
        install=_install,
        command=lambda home, concurrency, processes: _command(home, concurrency, processes, "INFO"),
        rate=1000,
        side=True,
    ),
]
