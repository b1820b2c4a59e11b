"""What a processor can know about the attempt it is running."""

from __future__ import annotations

from dataclasses import dataclass

from .payload import Payload


@dataclass(frozen=True, slots=True)
class JobContext:
    """What a processor can know about the attempt it is running.

    A processor that wants it names a second parameter of this type.
    """

    job_id: str
    job_type: str
    attempt: int
    attempts: int
    queue: str
    payload: Payload
    target: str | None = None
