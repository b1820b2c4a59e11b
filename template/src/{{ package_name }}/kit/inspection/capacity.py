"""Do the numbers fit each other? Concurrency against the advice for this kind of work."""

from __future__ import annotations

from collections.abc import Iterator

from ..answers import ADVICE, MOST_AT_ONCE
from ..config import Settings
from .findings import Finding, ok, warn


def examine_capacity(settings: Settings) -> Iterator[Finding]:
    """Compare `WORKER_CONCURRENCY` with the advice.

    Args:
        settings: The checked settings.
    """
    concurrency = settings.worker_concurrency
    processes = settings.worker_processes
    if processes > 1:
        yield ok(
            "{count} jobs at once in each of {processes} processes",
            count=concurrency,
            processes=processes,
        )
    else:
        yield ok("{count} jobs at once", count=concurrency)
    if MOST_AT_ONCE is not None and concurrency * processes > MOST_AT_ONCE:
        yield warn(
            "{count} jobs at once are many for this worker: {advice}",
            count=concurrency * processes,
            advice=ADVICE,
        )
