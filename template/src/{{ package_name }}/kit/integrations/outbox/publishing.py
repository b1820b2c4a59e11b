"""Publishing by the outbox from Python: a statement for the caller's transaction."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Insert
from sqlalchemy import insert as sql_insert

from ...config.settings import PublisherSettings
from ...engine import Payload, Processor
from ...engine.job import observers
from ...engine.job.key import checked_job_id
from ...engine.job.payload import P, dump_payload
from .table import outbox


def insert(
    processor: Processor[P, Any],
    payload: P,
    *,
    job_id: str | None = None,
    delay: float = 0.0,
    at_front: bool = False,
    order_key: str | None = None,
) -> Insert:
    """Make the statement that writes a job into the outbox.

    Args:
        processor: What shall run.
        payload: Its payload.
        job_id: Identity; by default what the processor derives, else one made from the row.
        delay: Seconds before it may run.
        at_front: Before the jobs that wait.
        order_key: Rows with the same one are published in the order they were written in.

    Raises:
        TypeError: The payload is of another type than the processor's.
        ValueError: `job_id` is empty, or has other characters than letters, digits, _ and -.
    """
    processor.check(payload)
    queue = PublisherSettings().worker_queue
    identity = processor.job_id_for(payload) if job_id is None else checked_job_id(job_id)
    with observers.publishing(queue, processor.name, identity, 1) as meta:
        return sql_insert(outbox).values(
            queue=queue,
            job_type=processor.name,
            payload=_json(payload),
            job_id=identity,
            delay_ms=round(delay * 1000),
            at_front=at_front,
            order_key=order_key,
            traceparent=meta.get("traceparent"),
        )


def _json(payload: Payload) -> str:
    return json.dumps(dump_payload(payload), ensure_ascii=False, separators=(",", ":"))
