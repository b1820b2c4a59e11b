"""Jobs as scripts/publish.lua takes them. Nothing here needs RQ: any language can do the same.

The script is called as `EVALSHA sha 0 HEAD id data id data ...`, for at most 1000 jobs. It writes
status and times, by the clock of Redis. docs/reference/contract.md says the same for publishers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import to_json

from . import keys


def head(
    queue: str,
    *,
    job_type: str,
    timeout: int | None,
    result_ttl: int,
    meta: Mapping[str, Any] | None = None,
    delay: float = 0.0,
    at_front: bool = False,
    after: Sequence[str] = (),
    once: Sequence[str] = (),
) -> bytes:
    """Return what jobs that are published together have in common.

    Args:
        queue: Name of the queue.
        job_type: The processor's name. It stands for RQ's description, which would repeat the payload.
        timeout: Seconds that an attempt may take; None for no limit.
        result_ttl: Seconds that a finished job is kept; -1 for ever.
        meta: The jobs' `meta`, for instance the trace; JSON types only.
        delay: Seconds until they may run.
        at_front: Whether they go before all that wait.
        after: Ids of jobs that must have succeeded first.
        once: A text per job, under which it is published once in a week, whatever becomes of it.
    """
    fields = {
        "origin": queue,
        "description": job_type,
        "timeout": "-1" if timeout is None else str(timeout),
        "result_ttl": str(result_ttl),
    }
    if meta:
        fields["meta"] = to_json(meta).decode()
    found: dict[str, Any] = {"prefix": f"{keys.PREFIX}:", "queue": queue, "fields": fields}
    if delay > 0:
        found["delay"] = delay
    if at_front:
        found["atFront"] = True
    if after:
        found["after"] = after
    if once:
        found["once"] = once
    return to_json(found)


def data(function: str, payload: bytes) -> bytes:
    """Return what a job calls, as RQ's JSON serializer reads it: compact UTF-8, not compressed.

    Args:
        function: Its dotted path.
        payload: The payload as JSON.
    """
    return b'["%b",null,[%b],{}]' % (function.encode(), payload)
