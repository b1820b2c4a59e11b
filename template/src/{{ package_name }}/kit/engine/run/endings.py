"""How a delivery ends when a plain return is not all there is to it.

Failure, retry, callbacks, repeats, rate limits, groups and webhooks are RQ's own code, run
in the job's thread. Each way out first makes sure that the delivery is still ours, and goes
on until Redis has taken the outcome, however long Redis is away.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import ceil
from types import TracebackType

from redis.exceptions import RedisError
from rq.callbacks import execute_failure_callback, execute_stopped_callback
from rq.job_lifecycle import call_exception_handlers, format_exc_info
from rq.results import Result
from rq.worker import BaseWorker

from ..errors import JobStopped
from ..job import observers
from ..job.observers import FailedJob
from ..store import keys
from ..store.claim import Claim, LazyJob
from ..store.exchange import Exchange
from . import journal
from .deadlines import Deadline
from .limiter import Limiter
from .task import Task
from .verdict import pause_for_newer_worker, retry_delay

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


class Endings:
    """Writes the outcomes that need RQ.

    Args:
        worker: The worker, for RQ's own handling.
        exchange: For the question whether a delivery is still ours.
        lease: Seconds by which that question renews the worker's lease.
        leaving: Set when the process is about to end: stop trying.
    """

    def __init__(
        self,
        worker: BaseWorker,
        exchange: Exchange,
        *,
        lease: int,
        leaving: threading.Event,
    ) -> None:
        self._worker = worker
        self._exchange = exchange
        self._lease = lease
        self._leaving = leaving
        self._limiter = Limiter(worker)

    def admit(self, claim: Claim, task: Task) -> bool:
        """Whether a job under a limit may run now; waits while Redis is away.

        Returns:
            False when the delivery is over: parked, lost, or the process is leaving.
        """
        wait = 0.1
        won = False

        def win() -> bool:
            nonlocal won
            won = won or claim.settle()
            return won

        while True:
            try:
                if not self._exchange.owns(claim, self._lease):
                    return False
                return self._limiter.admit(claim, task, win)
            except RedisError:
                if self._leaving.wait(wait):
                    return False
                wait = min(wait * 2, 2.0)

    def success(self, claim: Claim, result: object) -> None:
        """Finish a job that returned, by RQ's own code."""

        def finish() -> None:
            self._worker._finalize_success(claim.job, claim.queue, claim.execution(), result)

        self._until_stored(claim, finish)

    def failure(self, claim: Claim, task: Task, error: BaseException, seconds: float) -> None:
        """Finish a job that raised: stopped, retried, or failed for good."""
        attempt = claim.attempt
        pause = pause_for_newer_worker(claim, error)
        delay = None if claim.stopped else retry_delay(claim, task, error)
        if claim.stopped:
            stored = self._until_stored(claim, lambda: self._stop(claim))
            if stored:
                journal.failed(claim, task.name, attempt, seconds, JobStopped("stopped on request"))
        elif pause is not None:
            due = time.time() + pause
            if self._until_stored(claim, lambda: self._limiter.park(claim, due)):
                journal.interrupted(claim.queue.name, claim.job_id, str(error))
        elif delay is not None:
            wait = delay
            if self._until_stored(claim, lambda: self._retry(claim, error, wait)):
                journal.retry(claim, task.name, attempt, seconds, wait, error)
        elif self._until_stored(claim, lambda: self._fail(claim, error)):
            self._report(claim, task, error, seconds, attempt)

    def abandon(self, claim: Claim, task: Task, error: BaseException) -> None:
        """Fail a job for good that keeps bringing down its workers."""
        if self._until_stored(claim, lambda: self._fail(claim, error)):
            self._report(claim, task, error, 0.0, claim.attempt)

    def still_ours(self, claim: Claim) -> bool:
        """Whether a job that waited in its slot may run again; while Redis is away it may."""
        try:
            owned = self._exchange.owns(claim, self._lease)
        except RedisError:
            return True
        if not owned:
            journal.dropped(claim)
        return owned

    def stay(self, claim: Claim, seconds: float, *, spent: bool) -> None:
        """Record that a job stays in its slot for the next attempt.

        Args:
            claim: The delivery.
            seconds: How long it may go on, for the entry that other tools look at.
            spent: Whether the attempt that failed counts.
        """
        attempts = claim.attempt if spent else claim.attempt - 1
        claim.raw[b"number_of_retries"] = str(attempts).encode()
        try:
            with self._worker.connection.pipeline() as pipeline:
                pipeline.hset(keys.JOB + claim.job_id, "number_of_retries", attempts)
                entry = {claim.entry: time.time() + seconds + self._lease}
                pipeline.zadd(keys.STARTED + claim.queue.name, entry, xx=True, gt=True)
                # RQ's records of it must live as long: they tell whose job it is.
                ttl = ceil(seconds) + self._lease
                pipeline.expire(keys.EXECUTION + claim.entry, ttl, gt=True)
                pipeline.expire(keys.EXECUTIONS + claim.job_id, ttl, gt=True)
                pipeline.execute()
        except RedisError:
            # Lost only if this process dies as well: the next worker then grants one more.
            journal.log.warning("redis.lost", jobId=claim.job_id)

    def _until_stored(self, claim: Claim, store: Callable[[], None]) -> bool:
        """Store an outcome once, trying until Redis has it.

        Returns:
            False when the delivery was no longer ours, or the process is leaving.
        """
        tried = False
        wait = 0.1
        while True:
            try:
                if not self._exchange.owns(claim, self._lease):
                    if not tried:
                        journal.dropped(claim)
                    return tried
                if tried:  # what the last try changed in memory did not reach Redis
                    claim.job = LazyJob(claim.job_id, claim.queue.connection, claim.raw)
                tried = True
                store()
            except RedisError:
                journal.log.warning("redis.lost", jobId=claim.job_id, retryMs=round(wait * 1000))
                if self._leaving.wait(wait):
                    return False
                wait = min(wait * 2, 2.0)

    def _stop(self, claim: Claim) -> None:
        worker, job = self._worker, claim.job
        job.ended_at = datetime.now(UTC)
        try:
            execute_stopped_callback(job, Deadline)
        except Exception:
            journal.log.exception("job.callback", jobId=claim.job_id)
        worker._stopped_job_id = claim.job_id
        worker.handle_job_failure(
            job, claim.queue, exc_string="Job stopped by user.", execution=claim.execution()
        )

    def _retry(self, claim: Claim, error: BaseException, delay: float) -> None:
        job, queue, worker = claim.job, claim.queue, self._worker
        exc_info = self._call_back(claim, error)
        job.ended_at = datetime.now(UTC)
        job.number_of_retries = claim.attempt
        if claim.number(b"retries_left") is not None:
            worker.handle_job_failure(
                job, queue, exc_string=format_exc_info(exc_info), execution=claim.execution()
            )
            return
        with worker.connection.pipeline() as pipeline:
            worker.increment_failed_job_count(pipeline)
            worker.increment_total_working_time(job.ended_at - claim.started, pipeline)
            if delay > 0:
                due = datetime.now(UTC) + timedelta(seconds=delay)
                queue.schedule_job(job, due, pipeline=pipeline)
                # RQ cuts the time down to whole seconds.
                pipeline.zadd(keys.SCHEDULED + queue.name, {job.id: due.timestamp()})
            else:
                queue._enqueue_job(job, pipeline=pipeline)
            Result.create(
                job,
                Result.Type.RETRIED,
                job.failure_ttl,
                exc_string=format_exc_info(exc_info),
                worker_name=worker.name,
                pipeline=pipeline,
                execution_id=claim.execution_id,
                execution_started_at=claim.started,
                execution_ended_at=job.ended_at,
            )
            worker.cleanup_execution(job, pipeline, claim.execution())
            pipeline.execute()
        worker._release_slot_safely(job)

    def _fail(self, claim: Claim, error: BaseException) -> None:
        job, worker = claim.job, self._worker
        job.retries_left = 0 if claim.number(b"retries_left") is not None else None
        job.ended_at = datetime.now(UTC)
        exc_info = self._call_back(claim, error)
        # A job that somebody requeues later starts with its full number of attempts.
        job.number_of_retries = 0
        worker.handle_job_failure(
            job,
            claim.queue,
            exc_string=format_exc_info(exc_info),
            execution=claim.execution(),
        )
        worker.connection.hdel(keys.JOB + claim.job_id, keys.INTERRUPTIONS)

    def _call_back(self, claim: Claim, error: BaseException) -> ExcInfo:
        """Run RQ's failure callback and exception handlers; what a callback raises counts."""
        exc_info: ExcInfo = (type(error), error, error.__traceback__)
        try:
            execute_failure_callback(claim.job, Deadline, *exc_info)
        except BaseException as other:  # also the exit that a callback asks for
            exc_info = (type(other), other, other.__traceback__)
        call_exception_handlers(self._worker._exc_handlers, claim.job, *exc_info)
        return exc_info

    def _report(
        self, claim: Claim, task: Task, error: BaseException, seconds: float, attempt: int
    ) -> None:
        journal.failed(claim, task.name, attempt, seconds, error)
        record = FailedJob(
            job_id=claim.job_id,
            job_type=task.name,
            path=task.path,
            payload=task.payload,
            queue=claim.queue.name,
            attempts=attempt,
            error=journal.describe(error),
            traceback=format_exc_info((type(error), error, error.__traceback__)),
            worker=claim.worker,
        )
        observers.failed(record)
