"""arq: coroutines in one process. As shipped it logs two lines per job."""

from __future__ import annotations

from contenders.base import Contender, Home, installer

_install = installer("arq", "bench_arq.py", "arq>=0.26,<1")


def _variables(concurrency: int, _processes: int) -> dict[str, str]:
    return {"BENCH_CONCURRENCY": str(concurrency)}


def _command(home: Home, *options: str) -> list[str]:
    return [str(home.programs / "arq"), "bench_arq.WorkerSettings", *options]


CONTENDERS = [
    Contender(
        key="arq",
        title="arq, no log lines",
        install=_install,
        command=lambda home, *_: _command(home, "--custom-log-dict", "bench_arq.SILENT"),
        rate=1000,
        variables=_variables,
        bulk=True,
    ),
    Contender(
        key="arq-logging",
        title="arq, as shipped",
        install=_install,
        command=lambda home, *_: _command(home),
        rate=800,
        variables=_variables,
        side=True,
    ),
]
