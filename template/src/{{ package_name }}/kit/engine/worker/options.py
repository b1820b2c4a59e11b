"""How a worker works: its numbers, and what it asks of the code around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..gate import Gate
from ..run.task import Resolver, processor_task


def _ignore(redis_answers: bool) -> None:
    """No health check was asked for."""


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of the engine.

    Args:
        concurrency: How many jobs the worker runs at the same time.
        shutdown_timeout: Seconds that running jobs are given to end when it is told to stop.
        lease: Seconds after which a worker that does not renew its key counts as dead.
            Shorter finds a dead worker's jobs sooner; longer forgives longer pauses.
        delivery_limit: Deliveries that may end with their worker's death before a job fails. If
            other jobs ran beside it, it first runs once more, alone.
        overrun: Seconds that a job may go on after its timeout, because it catches the exception or
            blocks in C. Then the job is failed, and the worker drains and leaves: its thread
            cannot be ended.
        promote_interval: Seconds between looks for delayed jobs that are due.
        maintenance_interval: Seconds between runs of RQ's own maintenance.
        resolve: Finds what a job calls; by default only processors may run.
        gate: Says which jobs must wait for something that is away.
        beat: Called by the main loop with whether Redis answers, for a health check.
    """

    concurrency: int = 5
    shutdown_timeout: float = 25.0
    lease: int = 16
    delivery_limit: int = 2
    overrun: float = 30.0
    promote_interval: float = 0.5
    maintenance_interval: int = 600
    resolve: Resolver = processor_task
    gate: Gate = field(default_factory=Gate)
    beat: Callable[[bool], None] = _ignore
