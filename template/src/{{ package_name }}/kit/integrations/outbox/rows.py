"""From a row of the outbox to a job, or to the reason why it cannot be one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...engine import PayloadError, Processor
from ...engine.errors import NewerPayloadError
from ...engine.job.key import safe_job_id
from ...engine.job.payload import load_payload, payload_json
from ...engine.store import publication
from .table import LONGEST

ROLLOUT = 600.0  # seconds that a row may wait for a newer worker


class UnfitError(Exception):
    """A row cannot be published. The text says why, and holds no value of its payload."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row that waits.

    Args:
        id: The row.
        job_type: The processor's name.
        payload: JSON, as it travels; None while it has not been read because it is large.
        size: Bytes of the payload.
        job_id: The job's id, if the API server gave one.
        delay: Seconds that are left until it may run.
        at_front: Whether it goes before the jobs that wait.
        traceparent: The trace of the API server.
        created_at: When it was written.
        age: Seconds since then.
    """

    id: int
    job_type: str
    payload: str | None
    size: int
    job_id: str | None
    delay: float
    at_front: bool
    traceparent: str | None
    created_at: datetime
    age: float

    @property
    def identity(self) -> str:
        """What no other row has, in this database or in a copy of it, now or later."""
        return f"outbox-{self.id}-{round(self.created_at.timestamp() * 1_000_000)}"


@dataclass(frozen=True, slots=True)
class Job:
    """A job that is ready to be published.

    Args:
        row: What asked for it.
        processor: What shall run.
        job_id: Its id.
        data: What it calls.
    """

    row: Row
    processor: Processor[Any, Any]
    job_id: str
    data: bytes


def job_of(row: Row, processor: Processor[Any, Any]) -> Job | None:
    """Make the job that a row asks for.

    Args:
        row: The row.
        processor: Of its job type.

    Returns:
        The job, or None when a newer worker is needed.

    Raises:
        UnfitError: It can never be a job.
    """
    try:
        payload = load_payload(processor.payload_type, _values(row), processor.name)
        processor.check(payload)
        given = safe_job_id(row.job_id) if row.job_id else None
        job_id = given or processor.job_id_for(payload) or row.identity
        return Job(row, processor, job_id, publication.data(processor.path, payload_json(payload)))
    except NewerPayloadError as error:
        if row.age < ROLLOUT:
            return None
        raise UnfitError(str(error)) from None
    except (PayloadError, UnfitError) as error:
        raise UnfitError(str(error)) from None
    except Exception as error:
        # Without its text: what the owner's functions raise may repeat the payload.
        raise UnfitError(f"the job cannot be made ({type(error).__name__})") from None


def _values(row: Row) -> Any:
    if row.size > LONGEST:
        raise UnfitError(f"the payload has {row.size} bytes; {LONGEST} are allowed")
    try:
        return _JSON.decode(row.payload or "")
    except json.JSONDecodeError as error:
        raise UnfitError(f"the payload is no JSON: {error.msg} at character {error.pos}") from None


def _refuse(constant: str) -> None:
    raise UnfitError(f"the payload is no JSON: {constant}")


_JSON = json.JSONDecoder(parse_constant=_refuse)
