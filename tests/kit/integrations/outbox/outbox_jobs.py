"""Jobs of the outbox's tests. What they do is seen in a file, once for each run."""

from __future__ import annotations

import os
from pathlib import Path

from worker_payment.kit.engine import Payload, processor


class Note(Payload):
    """Something to write down."""

    key: str
    count: int = 0


class NewNote(Note):
    """A payload that has changed once."""

    payload_version = 2


@processor(attempts=1, result_ttl=0)
def note(payload: Note) -> None:
    """Writes its key down. Nothing of the job is kept, so that only the outbox knows of it."""
    with Path(os.environ["EFFECTS"]).open("a") as file:
        file.write(f"{payload.key}\n")


@processor(attempts=1, job_id="named-{key}")
def named(payload: Note) -> None:
    """Has an id made of its payload."""


@processor(attempts=1)
def new(payload: NewNote) -> None:
    """Takes a payload of version 2."""


@processor(attempts=1, job_id=lambda payload: f"{1 // payload.count}")
def fussy(payload: Note) -> None:
    """Cannot make an id for every payload."""
