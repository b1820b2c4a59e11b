"""What order by key holds back: the numbers for `stats` and for failed jobs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from redis import Redis

from ..engine.store import keys
from ..engine.store.scripts import load
from ..failed import FailedEntry
from .jobs import text

_BATCH = 1000  # keys in one trip to Redis


@dataclass(frozen=True, slots=True)
class OrderState:
    """Order by key in one queue.

    Args:
        keys: How many keys have a job that runs, waits or is delayed.
        waiting: How many jobs wait for those keys; they count among the deferred ones.
        held: How many keys a failed job keeps, until it is run again or discarded.
    """

    keys: int = 0
    waiting: int = 0
    held: int = 0

    def __add__(self, other: OrderState) -> OrderState:
        """Add the numbers of another queue."""
        return OrderState(
            self.keys + other.keys, self.waiting + other.waiting, self.held + other.held
        )


def look_at_order(connection: Redis, queue: str) -> OrderState:
    """Count keys and those who wait for them. It reads as much as there are keys in use.

    Raises:
        redis.exceptions.RedisError: Redis cannot be reached.
    """
    found = OrderState()
    holders = connection.hscan_iter(keys.ORDER + queue, count=_BATCH)
    while batch := list(islice(holders, _BATCH)):
        with connection.pipeline(transaction=False) as pipeline:
            for key, job in batch:
                pipeline.llen(line_of(queue, text(key)))
                pipeline.hmget(keys.JOB + text(job), "status", keys.ORDER_HOLD)
            answers = pipeline.execute()
        states: Iterator[list[bytes | None]] = iter(answers[1::2])
        held = sum(text(status) == "failed" and text(hold) == "1" for status, hold in states)
        found += OrderState(len(batch) - held, sum(answers[::2]), held)
    return found


def line_of(queue: str, key: str) -> str:
    """Return the key of the list of those who wait for a key."""
    return f"{keys.ORDER}{queue}:{key}"


def with_holds(connection: Redis, entries: Sequence[FailedEntry]) -> list[FailedEntry]:
    """Return failed jobs with how many others wait for the keys that they hold.

    Raises:
        redis.exceptions.RedisError: Redis cannot be reached.
    """
    with connection.pipeline(transaction=False) as pipeline:
        for each in entries:
            fields = (keys.ORDER_KEY, keys.ORDER_HOLD, "status")
            pipeline.hmget(keys.JOB + each.job_id, *fields)
        found = [[text(each) for each in answer] for answer in pipeline.execute()]
        for each, (key, *_) in zip(entries, found, strict=True):
            pipeline.llen(line_of(each.queue, key))
        lines = pipeline.execute()
    return [
        replace(each, holds=line) if rest == ["1", "failed"] else each
        for each, (_, *rest), line in zip(entries, found, lines, strict=True)
    ]


def hand_on(connection: Redis, queue: str, key: str, job_id: str) -> None:
    """Let the next one in line run, unless this job is still to run or somebody else has the key.

    Raises:
        redis.exceptions.RedisError: Redis cannot be reached.
    """
    request = {"prefix": keys.PREFIX, "queue": queue, "ended": [[key, job_id]]}
    connection.register_script(load("pass_on"))(args=[json.dumps(request)])
