"""BullMQ's own library for Python: coroutines in one process. It logs nothing by itself."""

from __future__ import annotations

from contenders.base import Contender, installer

CONTENDERS = [
    Contender(
        key="bullmqpython",
        title="BullMQ for Python",
        install=installer("bullmq", "bench_bullmq.py", "bullmq>=3,<4"),
        command=lambda home, concurrency, _: [*home.publisher, "worker", str(concurrency)],
        rate=1000,
        bulk=True,
    )
]
