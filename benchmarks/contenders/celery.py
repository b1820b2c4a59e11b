"""Celery: its thread pool and its process pool. As shipped it logs no line per job."""

from __future__ import annotations

from contenders.base import Contender, Home, installer

_install = installer("celery", "bench_celery.py", "celery[redis]>=5.5,<6")


def _command(home: Home, pool: str, slots: int, app: str = "bench_celery") -> list[str]:
    sizes = ["--pool", pool, "--concurrency", str(slots)]
    return [str(home.programs / "celery"), "--app", app, "worker", *sizes]


CONTENDERS = [
    Contender(
        key="celery-threads",
        title="Celery, threads",
        install=_install,
        command=lambda home, concurrency, _: _command(home, "threads", concurrency),
        rate=900,
    ),
    Contender(
        key="celery-prefork",
        title="Celery, prefork",
        install=_install,
        # A slot is a process here: in the scaling case there is one slot per process.
        command=lambda home, concurrency, processes: _command(
            home, "prefork", max(concurrency, processes)
        ),
        rate=900,
        most=5,
        scales=True,
    ),
]

WITH_ROWS = [
    Contender(
        key="celery",
        title="Celery, threads, unique key",
        install=installer(
            "celery",
            "bench_rows_celery.py",
            "celery[redis]>=5.5,<6",
            "psycopg[binary,pool]>=3.3,<4",
        ),
        command=lambda home, concurrency, _: _command(
            home, "threads", concurrency, "bench_rows_celery"
        ),
        rate=400,
    )
]
