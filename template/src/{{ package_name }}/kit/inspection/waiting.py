"""Can this worker do the jobs that wait for it?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from redis import Redis

from ..engine import UnknownJobError, find_processor
from ..engine.store import keys
from .findings import Finding, ok, warn
from .jobs import function_of, text

_SAMPLE = 1000  # jobs that are looked at, from the front
_SHOWN = 3  # names that a sentence lists


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
    unknown: Counter[str] = Counter()
    unreadable = 0
    for data in found:
        if data is None:
            continue  # deleted while it waited: the worker passes it over
        path = function_of(data)
        if path is None:
            unreadable += 1
        elif not _is_known(path):
            unknown[path] += 1
    looked = f", the first {len(ids)} looked at" if len(ids) < waiting else ""
    yield ok(f"{queue}: {waiting} jobs wait{looked}")
    if unreadable:
        yield warn(
            f"{unreadable} jobs are not JSON and will fail at once; "
            "their publisher must use serializer='json'"
        )
    if unknown:
        names = ", ".join(f"{name} ({count})" for name, count in unknown.most_common(_SHOWN))
        more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
        yield warn(f"this worker has no processor for {names}{more}: they will fail at once")


def _is_known(path: str) -> bool:
    try:
        find_processor(path)
    except UnknownJobError:
        return False
    return True
