"""Jobs that wait until others have succeeded, in RQ's own layout: they are `deferred`."""

from __future__ import annotations

import json
from typing import Any

from redis import Redis

from . import keys

_ENDED_BADLY = (b"failed", b"stopped", b"canceled")
_SAMPLE = 1000  # jobs that are looked at, the oldest first


def count_blocked(connection: Redis, queue: str) -> int:
    """Count the jobs, among the first 1000, that wait for one that failed, was stopped or canceled.

    They run when that one is run again and succeeds, and are discarded with it.
    """
    waiting: Any = connection.zrange(keys.DEFERRED + queue, 0, _SAMPLE - 1)
    with connection.pipeline(transaction=False) as pipeline:
        for job_id in waiting:
            pipeline.hget(keys.JOB + job_id.decode(), "dependency_ids")
        families = [json.loads(found or b"[]") for found in pipeline.execute()]
        parents = list({parent for family in families for parent in family})
        for parent in parents:
            pipeline.hget(keys.JOB + parent, "status")
        statuses = dict(zip(parents, pipeline.execute(), strict=True))
    return sum(any(statuses[parent] in _ENDED_BADLY for parent in family) for family in families)


def discard_dependents(connection: Redis, job_id: str) -> None:
    """Delete the jobs that wait for a job, and what waits for them."""
    key = f"{keys.JOB}{job_id}:dependents"
    children: Any = connection.smembers(key)
    for child in (each.decode() for each in children):
        found: Any = connection.hmget(keys.JOB + child, "status", "origin")
        status, origin = found
        if status != b"deferred":
            continue
        discard_dependents(connection, child)
        connection.zrem(keys.DEFERRED + (origin or b"").decode(), child)
        connection.delete(keys.JOB + child, f"{keys.PREFIX}:job::{child}:dependencies")
    connection.delete(key)
