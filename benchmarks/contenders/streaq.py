"""streaq: coroutines in one process. As shipped it logs two lines per job."""

from __future__ import annotations

from contenders.base import Contender, installer

CONTENDERS = [
    Contender(
        key="streaq-logging",
        title="streaq, as shipped",
        install=installer("streaq", "bench_streaq.py", "streaq>=7,<8"),
        command=lambda home, *_: [str(home.programs / "streaq"), "run", "bench_streaq:worker"],
        rate=2000,
        variables=lambda concurrency, _: {"BENCH_CONCURRENCY": str(concurrency)},
        bulk=True,
    )
]
