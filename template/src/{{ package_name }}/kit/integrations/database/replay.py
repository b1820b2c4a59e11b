"""The list of failed jobs in the database: run again at most once, never after a success."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from redis import Redis
from rq.exceptions import NoSuchJobError
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from ...engine import JobError, Processor, Publisher, find_processor
from ...engine.job.payload import load_payload
from ...engine.store import keys
from ...failed import FailedEntry, Outcome, Wanted
from ...inspection.failed import RedisFailedJobs
from . import MAIN, failures
from .instances import Instances
from .records import forget_states, has_state
from .schema import used_instances
from .session import instance_name
from .sweep import Sweep
from .tables import DISCARDED, DONE, RETRIED, SUCCEEDED, job_records
from .text import key_text

_GONE = Outcome("gone", "somebody else has dealt with it")


class RecordedFailedJobs:
    """Lists failed jobs and acts on them in the name of somebody.

    Args:
        shared: The databases.
        connection: Client of the queues' Redis.
        queues: The worker's queues.
        who: Recorded with every change.
    """

    def __init__(
        self, shared: Instances, connection: Redis, queues: Sequence[str], who: str
    ) -> None:
        self._shared = shared
        self._connection = connection
        self._queues = tuple(queues)
        self._who = who

    def find(self, wanted: Wanted) -> Iterator[FailedEntry]:
        """Yield the jobs that are meant, the oldest first; what only Redis knows is recorded.

        Raises:
            OutageError: The database does not answer.
            DatabaseError: It refuses, or has no tables yet.
            redis.exceptions.RedisError: Redis is away.
        """
        with self._shared.explained(MAIN):
            for sweep in self._sweeps():
                sweep.run(self._shared.main, limit=100_000)
            for entry in failures.find(self._shared.main, self._queues, wanted):
                # Of a list of many nobody asks.
                yield replace(entry, resumes=self._resumes(entry)) if wanted.job_ids else entry

    def count(self) -> int:
        """Return how many jobs are failed. Nothing is recorded."""
        with self._shared.explained(MAIN):
            counted = failures.count(self._shared.main, self._queues)
            return counted + sum(each.difference(self._shared.main) for each in self._sweeps())

    def requeue(self, entry: FailedEntry, *, dry_run: bool = False) -> Outcome:
        """Publish a failed job again, with what its publisher sent; Redis may be empty.

        Raises:
            redis.exceptions.RedisError: Redis is away; the job stays failed.
        """
        try:
            processor = find_processor(entry.path)
            payload = load_payload(processor.payload_type, entry.payload, processor.name)
        except JobError as error:
            return Outcome("refused", str(error))
        with self._shared.explained(MAIN):
            done = self._has_succeeded(entry, processor, processor.target_for(payload))
            if dry_run:
                return Outcome("succeeded" if done else "would requeue")
            # The row stays locked while Redis is told. A second command finds it changed; if
            # this process dies in between, the next one finds the job queued in Redis.
            with self._shared.main.begin() as connection:
                row_id = failures.lock(connection, entry)
                if row_id is None:
                    return _GONE
                if done:
                    failures.change(connection, row_id, SUCCEEDED, self._who, retried=False)
                    return Outcome("succeeded")
                publisher = Publisher(self._connection, entry.queue)
                receipt = publisher.publish(processor, payload, job_id=entry.job_id)
                failures.change(connection, row_id, RETRIED, self._who, retried=receipt.queued)
            return Outcome("queued" if receipt.queued else "waiting")

    def discard(self, entry: FailedEntry, *, dry_run: bool = False) -> Outcome:
        """Put a failed job aside for good, in Redis too. Its row stays until its retention ends.

        Raises:
            redis.exceptions.RedisError: Redis is away; the job stays failed.
        """
        if dry_run:
            return Outcome("would discard")
        with self._shared.explained(MAIN), self._shared.main.begin() as connection:
            row_id = failures.lock(connection, entry)
            if row_id is None:
                return _GONE
            failures.change(connection, row_id, DISCARDED, self._who, retried=False)
            self._forget_states(connection, entry)
            # Before the change is kept: no tool of RQ may bring it back afterwards.
            self._delete(entry)
        return Outcome("discarded")

    def _delete(self, entry: FailedEntry) -> None:
        jobs = RedisFailedJobs(self._connection, [entry.queue])
        if jobs.discard(entry).action == "gone" and key_text(entry.job_id) != entry.job_id:
            # The row has the short form of a long id.
            for each in jobs.find(Wanted()):
                if key_text(each.job_id) == entry.job_id:
                    jobs.discard(each)

    def _resumes(self, entry: FailedEntry) -> bool:
        for name in used_instances():
            with self._shared.engine(name).connect() as connection:
                if has_state(connection, entry.queue, entry.job_id):
                    return True
        return bool(self._connection.hexists(keys.JOB + entry.job_id, keys.CHECKPOINT))

    def _forget_states(self, main: Connection, entry: FailedEntry) -> None:
        """Let the job begin anew, should it be published again."""
        forget_states(main, entry.queue, entry.job_id)
        for name in used_instances():
            if name != MAIN:
                with self._shared.engine(name).begin() as connection:
                    forget_states(connection, entry.queue, entry.job_id)

    def _sweeps(self) -> Iterator[Sweep]:
        days = self._shared.settings.failed_retention_days
        for queue in self._queues:
            yield Sweep(self._connection, queue, keep_days=days)

    def _has_succeeded(
        self, entry: FailedEntry, processor: Processor[Any, Any], target: str | None
    ) -> bool:
        """Whether the work has been done since: by its record, else by what Redis still has."""
        names = [instance_name(each.extras) for each in processor.resources if each.kind is Session]
        for name in names:
            with self._shared.engine(name).connect() as connection:
                state = connection.scalar(
                    select(job_records.c.state).where(
                        job_records.c.job_type == key_text(processor.name),
                        job_records.c.target_id
                        == key_text(entry.job_id if target is None else target),
                    )
                )
            if state == DONE:
                return True
        try:
            job = Job.fetch(entry.job_id, self._connection, serializer=JSONSerializer)
        except NoSuchJobError:
            return False
        return job.get_status(refresh=False) == JobStatus.FINISHED
