"""A job that is ready to be published: checked, dumped, with its id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol
from uuid import uuid4

from ..store import publication
from . import observers
from .key import checked_job_id
from .payload import P, P_contra, payload_json
from .policy import Policy

_JOBS_A_TRIP = 500
_BYTES_A_TRIP = 1_000_000


class Published(Protocol[P_contra]):
    """What publishing must know of a processor."""

    @property
    def name(self) -> str:
        """The job's type."""

    @property
    def path(self) -> str:
        """Dotted path of the function."""

    @property
    def policy(self) -> Policy:
        """How its jobs are treated."""

    def check(self, payload: P_contra, /) -> None:
        """Refuse what would only fail in the worker."""

    def job_id_for(self, payload: P_contra, /) -> str | None:
        """The id that this payload asks for, None for a random one."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Answer of a publication.

    Args:
        job_id: The job's id.
        queued: False when a job with this id is waiting or running already.
    """

    job_id: str
    queued: bool


class Prepared(NamedTuple):
    """A job that is ready to be published.

    Args:
        job_id: Its id.
        data: What it calls.
        random: Nobody else can have this id; an answer that it is taken follows a lost reply.
        head: What publish.lua takes first; empty where the caller has it.
    """

    job_id: str
    data: bytes
    random: bool
    head: bytes = b""

    def to_json(self) -> list[str]:
        """The form that exchange.lua reads, and that is kept."""
        return [self.head.decode(), self.job_id, self.data.decode()]

    @classmethod
    def of_json(cls, form: list[str]) -> Prepared:
        """Read what was kept."""
        head, job_id, data = form
        return cls(job_id, data.encode(), random=False, head=head.encode())


def prepare(
    queue: str,
    processor: Published[P],
    payload: P,
    *,
    job_id: str | None = None,
    delay: float = 0.0,
    at_front: bool = False,
    after: Iterable[Receipt | str] = (),
    meta: Mapping[str, Any] | None = None,
) -> Prepared:
    """Make a job that `Publisher.send` publishes; for the arguments see `Processor.enqueue`.

    Args:
        meta: Goes into the job's `meta`, for instance a trace.
    """
    processor.check(payload)
    job = make_job(processor, payload, job_id)
    when = When.of(delay, after, at_front=at_front)
    with head_of(queue, processor, job.job_id, 1, when, meta) as head:
        return job._replace(head=head)


class When(NamedTuple):
    """When jobs may run; see `publication.head`."""

    delay: float = 0.0
    at_front: bool = False
    after: Sequence[str] = ()

    @classmethod
    def of(cls, delay: float, after: Iterable[Receipt | str], *, at_front: bool) -> When:
        """Make it of what a publisher says.

        Raises:
            ValueError: It has no meaning.
        """
        ids = [each if isinstance(each, str) else each.job_id for each in after]
        if ids and delay > 0:
            raise ValueError("a job can wait for others or for a time, not for both")
        return cls(delay, at_front, [checked_job_id(each) for each in dict.fromkeys(ids)])


def make_job(processor: Published[P], payload: P, job_id: str | None) -> Prepared:
    """Make a job of a payload that has been checked."""
    found = processor.job_id_for(payload) if job_id is None else checked_job_id(job_id)
    data = publication.data(processor.path, payload_json(payload))
    return Prepared(uuid4().hex if found is None else found, data, random=found is None)


@contextmanager
def head_of(
    queue: str,
    processor: Published[Any],
    job_id: str | None,
    count: int,
    when: When,
    meta: Mapping[str, Any] | None = None,
) -> Iterator[bytes]:
    """Make what the jobs have in common; observers may add to it."""
    watching: AbstractContextManager[dict[str, Any]] = nullcontext({})
    if observers.watched("publishing"):
        watching = observers.publishing(queue, processor.name, job_id, count)
    with watching as added:
        yield publication.head(
            queue,
            job_type=processor.name,
            timeout=processor.policy.timeout,
            result_ttl=processor.policy.result_ttl,
            meta={**added, **(meta or {})},
            **when._asdict(),
        )


def arguments_of(part: Sequence[Prepared]) -> Iterator[bytes | str]:
    for job in part:
        yield job.job_id
        yield job.data


def receipts_of(part: Sequence[Prepared], codes: Sequence[int]) -> Iterator[Receipt]:
    for job, code in zip(part, codes, strict=True):
        yield Receipt(job.job_id, queued=code == 1 or job.random)


def parts_of(jobs: Iterable[Prepared]) -> Iterator[list[Prepared]]:
    """Divide jobs into what one trip carries."""
    part: list[Prepared] = []
    size = 0
    for job in jobs:
        if part and (len(part) == _JOBS_A_TRIP or size + len(job.data) > _BYTES_A_TRIP):
            yield part
            part, size = [], 0
        part.append(job)
        size += len(job.data)
    yield part
