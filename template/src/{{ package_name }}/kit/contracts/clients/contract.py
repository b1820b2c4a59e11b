"""The contract as a client reads it: `payloads.json`, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

FORMAT = 2  # of `payloads.json`


class ClientError(ValueError):
    """No client can be made of this contract; the text says why."""


@dataclass(frozen=True, slots=True)
class Job:
    """One kind of job.

    Args:
        type: Its name, `module.function`.
        path: Dotted path of the function.
        version: Version of its payload.
        timeout: Seconds one attempt may take; None for no limit.
        result_ttl: Seconds a finished job is kept.
        job_id: Template of its id with names of fields as on the wire; None for random ids,
            False when only the worker's own code can compute it.
        schema: JSON Schema of its payload.
    """

    type: str
    path: str
    version: int
    timeout: int | None
    result_ttl: int
    job_id: str | Literal[False] | None
    schema: dict[str, Any]

    @property
    def module(self) -> str:
        """The processor's module."""
        return self.type.partition(".")[0]

    @property
    def function(self) -> str:
        """The processor's function."""
        return self.type.partition(".")[2]


@dataclass(frozen=True, slots=True)
class Contract:
    """What a worker takes.

    Args:
        worker: Its name, for instance `public-data`.
        queue: Its queue.
        queues: Every queue that a publisher can name.
        prefix: What its keys in Redis begin with, for instance `rq:`.
        jobs: Every kind of job.
    """

    worker: str
    queue: str
    queues: tuple[str, ...]
    prefix: str
    jobs: tuple[Job, ...]

    @property
    def module(self) -> str:
        """The module whose jobs stand on the client itself: the one named after the worker."""
        return self.worker.replace("-", "_")


def read(document: object) -> Contract:
    """Read `payloads.json`.

    Args:
        document: What stands in the file.

    Raises:
        ClientError: It is no contract, or one of another form.
    """
    if not isinstance(document, Mapping) or "contract" not in document:
        raise ClientError(
            "it has no `contract` number: an older worker wrote it. Write it again with the "
            "worker's command `schema --write payloads.json`"
        )
    if document["contract"] != FORMAT:
        raise ClientError(
            f"it has form {document['contract']!r}, and this generator reads form {FORMAT}: "
            "use the gen-worker that fits the worker"
        )
    try:
        jobs = tuple(_job(name, each) for name, each in document["jobs"].items())
        queue = document["queue"]
        found = Contract(
            worker=document["worker"],
            queue=queue,
            queues=tuple(document.get("queues", (queue,))),
            prefix=document["keyPrefix"],
            jobs=jobs,
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise ClientError(f"it is not complete ({error})") from None
    if not jobs:
        raise ClientError("it names no job")
    return found


def _job(name: str, found: Mapping[str, Any]) -> Job:
    return Job(
        type=name,
        path=found["function"],
        version=found["version"],
        timeout=found["timeout"],
        result_ttl=found["resultTtl"],
        job_id=found["jobId"],
        schema=found["payload"],
    )
