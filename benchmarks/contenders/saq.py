"""SAQ: coroutines in one process. As shipped it logs two lines per job."""

from __future__ import annotations

from contenders.base import Contender, Home, installer

_install = installer("saq", "bench_saq.py", "saq[hiredis]>=0.26,<1", "typing-extensions")


def _variables(concurrency: int, _processes: int) -> dict[str, str]:
    return {"BENCH_CONCURRENCY": str(concurrency)}


def _command(home: Home, *options: str) -> list[str]:
    return [str(home.programs / "saq"), "bench_saq.settings", *options]


CONTENDERS = [
    Contender(
        key="saq",
        title="SAQ, no log lines",
        install=_install,
        command=lambda home, *_: _command(home, "--quiet"),
        rate=1000,
        variables=lambda concurrency, _: _variables(concurrency, 1) | {"BENCH_LEVEL": "ERROR"},
        bulk=True,
    ),
    Contender(
        key="saq-logging",
        title="SAQ, as shipped",
        install=_install,
        command=lambda home, *_: _command(home, "-v"),
        rate=800,
        variables=_variables,
        side=True,
    ),
]
