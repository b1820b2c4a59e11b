"""Running failed jobs again: each at most once, and never one that has succeeded since."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from redis import Redis
from rq.exceptions import NoSuchJobError
from rq.job import Job, JobStatus
from rq.registry import FailedJobRegistry
from rq.serializers import JSONSerializer
from sqlalchemy import Connection, Row, select
from sqlalchemy.orm import Session

from ...engine import JobError, Processor, Publisher, find_processor
from ...engine.job.payload import load_payload
from ...inspection.failed import FailedJobs
from . import failures
from .instances import Instances
from .records import forget_states
from .schema import used_instances
from .session import instance_name
from .settings import MAIN
from .tables import DISCARDED, DONE, RETRIED, SUCCEEDED, job_records
from .text import key_text


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a failed job.

    Args:
        job_id: The job.
        job_type: Its name.
        action: published, waiting (it is queued already), succeeded, discarded, gone (somebody
            else has dealt with it), refused, or with a dry run what would be done.
        detail: Why, where that is not plain.
    """

    job_id: str
    job_type: str
    action: str
    detail: str = ""


class Replay:
    """Acts on failed jobs in the name of somebody.

    Args:
        shared: The databases.
        connection: Client of the queue's Redis.
        who: Recorded with every change.
    """

    def __init__(self, shared: Instances, connection: Redis, who: str) -> None:
        self._shared = shared
        self._connection = connection
        self._who = who

    def retry(
        self, wanted: failures.Filter, *, dry_run: bool = False, rate: float | None = None
    ) -> Iterator[Result]:
        """Publish failed jobs again, with what their publisher sent; Redis may be empty.

        Args:
            wanted: Which.
            dry_run: Only say what would be done.
            rate: Jobs per second at most.

        Raises:
            redis.exceptions.RedisError: Redis is away; the job at hand stays failed.
        """
        for number, row in enumerate(failures.find(self._shared.main, wanted)):
            if number and rate and not dry_run:
                time.sleep(1 / rate)
            yield self._retry(row, dry_run=dry_run)

    def discard(self, wanted: failures.Filter, *, dry_run: bool = False) -> Iterator[Result]:
        """Put failed jobs aside for good, in Redis too. Their rows stay until the retention ends.

        Raises:
            redis.exceptions.RedisError: Redis is away; the job at hand stays failed.
        """
        for row in failures.find(self._shared.main, wanted):
            if dry_run:
                yield Result(row.job_id, row.job_type, "would discard")
                continue
            with self._shared.main.begin() as connection:
                found = failures.lock(connection, row.id)
                if found is not None:
                    failures.change(connection, row.id, DISCARDED, self._who, retried=False)
                    self._forget_states(connection, row)
                    self._forget(row.job_id, row.queue)
                    # Before the change is kept: no tool of Redis may bring it back afterwards.
                    FailedJobs(self._connection, row.queue).discard(row.job_id)
            yield Result(row.job_id, row.job_type, "discarded" if found else "gone")

    def _forget_states(self, main: Connection, row: Row[Any]) -> None:
        """Let the job begin anew, should it be published again."""
        forget_states(main, row.queue, row.job_id)
        for name in used_instances():
            if name != MAIN:
                with self._shared.engine(name).begin() as connection:
                    forget_states(connection, row.queue, row.job_id)

    def _forget(self, job_id: str, queue: str) -> None:
        """Delete a failed job from Redis, so that no tool of RQ brings it back."""
        try:
            job = Job.fetch(job_id, self._connection, serializer=JSONSerializer)
        except NoSuchJobError:
            registry = FailedJobRegistry(queue, connection=self._connection)
            registry.remove(job_id)
            return
        if job.get_status(refresh=False) == JobStatus.FAILED:  # and not published anew
            job.delete()

    def _retry(self, row: Row[Any], *, dry_run: bool) -> Result:
        try:
            processor = find_processor(row.path)
            payload = load_payload(processor.payload_type, failures.payload_of(row), processor.name)
        except JobError as error:
            return Result(row.job_id, row.job_type, "refused", str(error))
        succeeded = self._has_succeeded(row, processor, processor.target_for(payload))
        if dry_run:
            return Result(row.job_id, row.job_type, succeeded or "would publish")
        # The row stays locked while Redis is told. Whoever comes second finds it changed; if
        # this process dies in between, the next retry finds the job queued in Redis.
        with self._shared.main.begin() as connection:
            if failures.lock(connection, row.id) is None:
                return Result(row.job_id, row.job_type, "gone", "somebody else has dealt with it")
            if succeeded:
                failures.change(connection, row.id, SUCCEEDED, self._who, retried=False)
                return Result(row.job_id, row.job_type, succeeded)
            publisher = Publisher(self._connection, row.queue)
            receipt = publisher.publish(processor, payload, job_id=row.job_id)
            failures.change(connection, row.id, RETRIED, self._who, retried=receipt.queued)
        return Result(row.job_id, row.job_type, "published" if receipt.queued else "waiting")

    def _has_succeeded(
        self, row: Row[Any], processor: Processor[Any, Any], target: str | None
    ) -> str | None:
        """Whether the work has been done since: by its record, else by what Redis still has."""
        names = [instance_name(each.extras) for each in processor.resources if each.kind is Session]
        for name in names:
            with self._shared.engine(name).connect() as connection:
                state = connection.scalar(
                    select(job_records.c.state).where(
                        job_records.c.job_type == key_text(processor.name),
                        job_records.c.target_id
                        == key_text(row.job_id if target is None else target),
                    )
                )
            if state == DONE:
                return "succeeded"
        try:
            job = Job.fetch(row.job_id, self._connection, serializer=JSONSerializer)
        except NoSuchJobError:
            return None
        finished = job.get_status(refresh=False) == JobStatus.FINISHED
        return "succeeded" if finished else None
