"""Can this worker do the jobs that wait for it?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from redis import Redis
from rq.exceptions import DeserializationError

from ..engine import UnknownJobError, find_processor
from ..engine.store import keys
from ..engine.store.dependents import count_blocked
from ..engine.store.job_data import call_of, function_of
from .findings import Finding, ok, warn
from .jobs import text

_SAMPLE = 1000  # jobs that are looked at, from the front
_SHOWN = 3  # names that a sentence lists

UNREADABLE = "not JSON, and will fail at once: {names}; their publisher must use serializer='json'"
UNKNOWN = "this worker has no processor for {names}: they will fail at once"
NEWER = "this worker has no processor for {names}: they wait a day for a newer one, then fail"

BLOCKED = (
    "{queue}: {count} jobs wait for jobs that failed or were canceled: run those again "
    "(`failed requeue`), or discard them, and what waits for them with them"
)


def examine_waiting(connection: Redis, queue: str) -> Iterator[Finding]:
    """Look at the jobs at the front of a queue.

    Args:
        connection: The client.
        queue: The queue's name.
    """
    waiting = connection.llen(keys.QUEUE + queue)
    ids = [text(each) for each in connection.lrange(keys.QUEUE + queue, 0, _SAMPLE - 1)]
    with connection.pipeline(transaction=False) as pipeline:
        for job_id in ids:
            pipeline.hget(keys.JOB + job_id, "data")
        found = pipeline.execute()
    kinds: dict[str, Counter[str]] = {UNREADABLE: Counter(), UNKNOWN: Counter(), NEWER: Counter()}
    for data in found:
        if data is not None:  # deleted while it waited: the worker passes it over
            kind, path = _judge(data)
            if kind:
                kinds[kind][path] += 1
    if len(ids) < waiting:
        yield ok(
            "{queue}: {count} jobs wait, the first {looked} looked at",
            queue=queue,
            count=waiting,
            looked=len(ids),
        )
    else:
        yield ok("{queue}: {count} jobs wait", queue=queue, count=waiting)
    deferred = connection.zcard(keys.DEFERRED + queue)
    if deferred:
        yield ok("{queue}: {count} jobs wait for other jobs", queue=queue, count=deferred)
    blocked = count_blocked(connection, queue) if deferred else 0
    if blocked:
        yield warn(BLOCKED, queue=queue, count=blocked)
    for kind, paths in kinds.items():
        if paths:
            names = ", ".join(f"{name} ({count})" for name, count in paths.most_common(_SHOWN))
            more = ", ..." if len(paths) > _SHOWN else ""
            yield warn(kind, names=f"{names}{more}")


def _judge(data: bytes) -> tuple[str, str]:
    """Return what is wrong with a waiting job, '' for nothing, and the function that it calls."""
    try:
        path, _, _ = call_of(data)
    except DeserializationError:
        return UNREADABLE, function_of(data) or "unknown"
    try:
        find_processor(path)
    except UnknownJobError as error:
        return (UNKNOWN if error.retry_after is None else NEWER), function_of(data) or "unknown"
    return "", path
