"""The failed jobs that Redis keeps: list, run again, discard."""

from __future__ import annotations

import zlib
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from redis import Redis
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.registry import FailedJobRegistry
from rq.serializers import JSONSerializer

from ..engine.store import keys
from .jobs import call_of, short_name, text

_BATCH = 500  # jobs in one trip to Redis


@dataclass(frozen=True, slots=True)
class FailedEntry:
    """A job that failed for good.

    Args:
        job_id: The job.
        job_type: Its processor's name.
        failed_at: None when its hash says nothing of it.
        payload: As it was published.
        traceback: Of the last attempt.
        resumes: Whether there is a checkpoint that it would go on from.
    """

    job_id: str
    job_type: str
    failed_at: datetime | None
    payload: Any
    traceback: str
    resumes: bool = False

    @property
    def error(self) -> str:
        """The line of the traceback that names the error."""
        lines = [line for line in self.traceback.splitlines() if line and line[0] not in " |+"]
        named = [line for line in lines if not line.startswith(("Traceback", "(Background on"))]
        return named[-1] if named else ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which failed jobs are meant.

    Args:
        job_ids: These jobs; all when empty.
        job_type: A part of the job's name.
        since: Failed at or after this moment.
        error: A part of the error's text.
        limit: At most so many, the oldest first.
    """

    job_ids: tuple[str, ...] = ()
    job_type: str | None = None
    since: datetime | None = None
    error: str | None = None
    limit: int = 100

    def fits(self, entry: FailedEntry) -> bool:
        """Return whether a job is meant."""
        return (
            (self.job_type is None or self.job_type in entry.job_type)
            and (self.error is None or self.error in entry.error)
            and (self.since is None or bool(entry.failed_at and entry.failed_at >= self.since))
        )


class FailedJobs:
    """The failed jobs of one queue.

    Args:
        connection: The client.
        queue: The queue's name.
    """

    def __init__(self, connection: Redis, queue: str) -> None:
        self._connection = connection
        self._key = keys.FAILED + queue
        self._registry = FailedJobRegistry(queue, connection, serializer=JSONSerializer)

    def find(self, wanted: Wanted) -> list[FailedEntry]:
        """Return the jobs that are meant, the oldest first.

        Raises:
            redis.exceptions.RedisError: Redis cannot be reached.
        """
        entries = self._entries(wanted.job_ids or self._ids())
        found = [entry for entry in entries if wanted.fits(entry)]
        oldest = datetime.min.replace(tzinfo=UTC)
        found.sort(key=lambda entry: entry.failed_at or oldest)
        return found[: max(wanted.limit, len(wanted.job_ids))]

    def requeue(self, job_id: str) -> bool:
        """Put a failed job back on its queue, with its full number of attempts.

        Returns:
            False when it is no failed job any more.
        """
        try:
            self._registry.requeue(job_id)
        except (NoSuchJobError, InvalidJobOperation):
            return False
        return True

    def discard(self, job_id: str) -> bool:
        """Delete a failed job, so that nothing brings it back.

        Returns:
            False when it is no failed job any more.
        """
        if not self._connection.zrem(self._key, job_id):
            return False
        self._connection.delete(keys.JOB + job_id, keys.RESULTS + job_id)
        return True

    def _ids(self) -> tuple[str, ...]:
        found: list[Any] = list(self._connection.zrange(self._key, 0, -1))
        return tuple(text(each) for each in found)

    def _entries(self, job_ids: tuple[str, ...]) -> Iterator[FailedEntry]:
        for start in range(0, len(job_ids), _BATCH):
            part = job_ids[start : start + _BATCH]
            with self._connection.pipeline(transaction=False) as pipeline:
                for job_id in part:
                    pipeline.zscore(self._key, job_id)
                    pipeline.hmget(keys.JOB + job_id, "data", "ended_at", keys.CHECKPOINT)
                    pipeline.xrevrange(keys.RESULTS + job_id, count=1)
                answers = iter(pipeline.execute())
            for job_id, score, job, results in zip(part, answers, answers, answers, strict=True):
                if score is not None:
                    yield _entry(job_id, job, results)


def masked(value: Any) -> Any:
    """Return the shape of a payload without its values: `A-1001` becomes `A***`."""
    if isinstance(value, dict):
        return {key: masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item) for item in value]
    if isinstance(value, str):
        return f"{value[:1]}***"
    return value if value is None or isinstance(value, bool) else "***"


def _entry(job_id: str, job: list[bytes | None], results: list[Any]) -> FailedEntry:
    data, ended, checkpoint = job
    path, arguments = call_of(data) if data else (None, [])
    fields = results[0][1] if results else {}
    moment = datetime.fromisoformat(text(ended)) if ended else None
    return FailedEntry(
        job_id,
        short_name(path) if path else "?",
        moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC),
        arguments[0] if len(arguments) == 1 else arguments,
        _traceback(fields.get(b"exc_string")),
        resumes=checkpoint is not None,
    )


def _traceback(stored: bytes | None) -> str:
    try:
        return zlib.decompress(b64decode(stored or b"")).decode(errors="replace")
    except (ValueError, zlib.error):
        return ""
