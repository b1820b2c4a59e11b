"""One look at all queues of a worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce

from redis import Redis

from .stats import Stats, WorkerState, look


def look_at_all(
    connection: Redis,
    queues: Sequence[str],
    counts: Mapping[str, dict[str, int] | str] | None = None,
) -> Stats:
    """Take one look at each queue, and add the numbers up.

    Args:
        connection: The client.
        queues: Names of the queues, the most important first.
        counts: What the modules count, by their names.

    Raises:
        redis.exceptions.RedisError: Redis cannot be reached.
    """
    return reduce(_together, (look(connection, each, counts) for each in queues))


def _together(one: Stats, other: Stats) -> Stats:
    ages = [each.oldest for each in (one, other) if each.oldest is not None]
    times = [each.next_due for each in (one, other) if each.next_due is not None]
    return replace(
        one,
        queue=f"{one.queue}, {other.queue}",
        queues=one.queues + other.queues,
        waiting=one.waiting + other.waiting,
        oldest=max(ages, default=None),
        running=tuple(sorted(one.running + other.running, key=lambda each: -each.seconds)),
        delayed=one.delayed + other.delayed,
        due=one.due + other.due,
        next_due=min(times, default=None),
        failed=one.failed + other.failed,
        finished=one.finished + other.finished,
        deferred=one.deferred + other.deferred,
        blocked=one.blocked + other.blocked,
        snoozing=one.snoozing + other.snoozing,
        order=one.order + other.order,
        workers=_workers(one.workers, other.workers),
    )


def _workers(
    ones: tuple[WorkerState, ...], others: tuple[WorkerState, ...]
) -> tuple[WorkerState, ...]:
    """Put a worker that serves both queues into one line."""
    found = {each.name: each for each in ones}
    for each in others:
        known = found.get(each.name)
        running = each.running + (known.running if known else 0)
        found[each.name] = replace(each, running=running)
    return tuple(found[name] for name in sorted(found))
