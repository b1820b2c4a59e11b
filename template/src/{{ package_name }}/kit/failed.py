"""The list of failed jobs: what it holds, and what can be done with it, wherever it is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class FailedEntry:
    """A job that failed for good.

    Args:
        failed_at: None when nothing says when.
        resumes: Whether there is a checkpoint that it would go on from.
        holds: How many jobs wait for the key that it holds; None when it holds none, or when nobody
            asked.
        more: What else the keeper of the list knows, for people.
    """

    job_id: str
    job_type: str
    path: str
    queue: str
    failed_at: datetime | None
    error: str
    payload: Any
    traceback: str
    attempts: int
    worker: str
    resumes: bool = False
    holds: int | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which jobs are meant, in the order in which they failed.

    Args:
        job_ids: These jobs; all when empty.
        job_type: A part of the job's name.
        since: Failed at or after this moment.
        error: A part of the error's text.
        state: `failed`; where a database keeps the list also what has become of a job since, or
            None for all.
    """

    job_ids: tuple[str, ...] = ()
    job_type: str | None = None
    since: datetime | None = None
    error: str | None = None
    state: str | None = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a failed job: one word for it, and why where that is not plain."""

    action: str
    detail: str = ""


class FailedJobs(Protocol):
    """The failed jobs of the worker's queues."""

    def find(self, wanted: Wanted) -> Iterator[FailedEntry]:
        """Yield the jobs that are meant, the oldest first."""

    def count(self) -> int:
        """Return how many jobs are failed."""

    def requeue(self, entry: FailedEntry, *, dry_run: bool = False) -> Outcome:
        """Run a job again, with its full number of attempts."""

    def discard(self, entry: FailedEntry, *, dry_run: bool = False) -> Outcome:
        """Take a job off the list, so that nothing brings it back."""
