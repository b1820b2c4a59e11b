"""How a delivery ends when a plain return is not all there is to it.

Failure, retry, callbacks, repeats, rate limits, groups and webhooks are RQ's own code, run
in the job's thread. Each way out first makes sure that the delivery is still ours, and goes
on until Redis has taken the outcome, however long Redis is away.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from redis.exceptions import RedisError
from rq.callbacks import execute_failure_callback, execute_stopped_callback
from rq.defaults import DEFAULT_FAILURE_TTL as FAILED_TTL
from rq.job_lifecycle import call_exception_handlers
from rq.results import Result
from rq.utils import utcformat
from rq.worker import BaseWorker

from ..background import Pause, may_heal
from ..errors import JobStopped
from ..gate import Gate
from ..job import observers
from ..job.observers import FailedJob
from ..store import keys
from ..store.claim import Claim, LazyJob
from ..store.exchange import Exchange
from . import journal
from .deadlines import Deadline
from .draining import Draining
from .limiter import Limiter
from .progress import ProgressWriter
from .task import Task
from .texts import describe, trace
from .verdict import Again, Failed, Parked, Retry, Snoozed, Stopped, Verdict

_TRIES = 3  # times that an outcome is handed to RQ before it is stored reduced


class Endings:
    """Writes the outcomes that need RQ; holds what a `Link` speaks to.

    Args:
        worker: The worker, for RQ's own handling.
        exchange: For the question whether a delivery is still ours.
        leaving: Set when the process is about to end: stop trying.
        gate: Says which jobs must wait for something that is away.
        draining: Says when attempts should come to an end.
    """

    def __init__(
        self,
        worker: BaseWorker,
        exchange: Exchange,
        *,
        leaving: threading.Event,
        gate: Gate,
        draining: Draining,
    ) -> None:
        self._worker = worker
        self.exchange = exchange
        self.leaving = leaving
        self.gate = gate
        self.draining = draining
        self.limiter = Limiter(worker)
        self.progress = ProgressWriter(exchange)

    def admit(self, claim: Claim, task: Task) -> bool:
        """Whether a job under a limit may run now; waits while Redis is away.

        Returns:
            False when the delivery is over: parked, lost, or the process is leaving.
        """
        pause = Pause()
        won = False

        def win() -> bool:
            nonlocal won
            won = won or claim.settle()
            return won

        while True:
            try:
                if not self.exchange.owns(claim):
                    return False
                return self.limiter.admit(claim, task, win)
            except RedisError:
                if self.leaving.wait(pause.grow()):
                    return False

    def success(self, claim: Claim, result: object) -> None:
        """Finish a job that returned, by RQ's own code.

        Raises:
            BaseException: What a success callback has raised.
        """

        def finish() -> None:
            self.exchange.publish(claim)  # first: what a crash repeats has its id
            self._worker._finalize_success(claim.job, claim.queue, claim.execution(), result)
            if claim.leaves_traces:
                self._forget(claim, keys.CHECKPOINT, keys.SNOOZES)

        self._until_stored(claim, finish)

    def failure(
        self, claim: Claim, task: Task, verdict: Verdict, error: BaseException, seconds: float
    ) -> None:
        """Store what was decided on a job that raised, and tell of it."""
        attempt = claim.attempt
        match verdict:
            case Stopped():
                store, error = (lambda: self._stop(claim, task)), JobStopped("stopped on request")
            case Parked(wait):
                store = lambda: self.limiter.park(claim, wait)  # noqa: E731
            case Snoozed(wait):
                store = lambda: self.limiter.park(claim, wait, snooze=True)  # noqa: E731
            case Retry(wait):
                store = lambda: self._retry(claim, task, error, wait)  # noqa: E731
            case Failed():
                store = lambda: self._fail(claim, task, error)  # noqa: E731
        try:
            if not self._until_stored(claim, store):
                return
        except Exception as fault:
            journal.fault("job.outcome", claim, task.name, fault)
            if not self._until_stored(claim, lambda: self._fail_reduced(claim, error)):
                return
            verdict = Failed()
        self._tell(claim, task, verdict, error, seconds, attempt)

    def _tell(
        self,
        claim: Claim,
        task: Task,
        verdict: Verdict,
        error: BaseException,
        seconds: float,
        attempt: int,
    ) -> None:
        match verdict:
            case Parked(wait):
                journal.parked(claim, task.name, wait, error)
            case Snoozed(wait):
                journal.snoozed(claim, task.name, seconds, wait)
            case Retry(wait):
                journal.retry(claim, task.name, attempt, seconds, wait, error)
            case _:
                journal.failed(claim, task.name, attempt, seconds, error)
        if isinstance(verdict, Failed):
            self._report(claim, task, error, attempt)

    def still_ours(self, claim: Claim) -> bool:
        """Whether a job that waited in its slot may run again; while Redis is away it may."""
        try:
            owned = self.exchange.owns(claim)
        except RedisError:
            return True
        if not owned:
            journal.dropped(claim)
        return owned

    def stay(
        self, claim: Claim, task: Task, verdict: Again, error: BaseException, seconds: float
    ) -> None:
        """Record that a job stays in its slot for the next attempt."""
        self._tell(claim, task, verdict, error, seconds, claim.attempt)
        count: dict[Any, int] = {
            "number_of_retries": claim.attempt - 1 + isinstance(verdict, Retry),
            keys.SNOOZES: claim.snoozes + isinstance(verdict, Snoozed),
        }
        claim.raw |= {name.encode(): str(number).encode() for name, number in count.items()}
        try:
            self.progress.flush(claim)
            self._worker.connection.hset(keys.JOB + claim.job_id, mapping=count)
        except RedisError:
            # Lost only if this process dies as well: the next worker then grants one more.
            journal.log.warning("redis.lost", jobId=claim.job_id)

    def _until_stored(self, claim: Claim, store: Callable[[], None]) -> bool:
        """Store an outcome once, trying until Redis has it.

        Returns:
            False when the delivery was no longer ours, or the process is leaving.

        Raises:
            Exception: It cannot be stored; trying again would not help.
        """
        tried = 0
        pause = Pause()
        while True:
            try:
                if not self.exchange.owns(claim):
                    if not tried:
                        journal.dropped(claim)
                    return tried > 0
                if tried:  # what the last try changed in memory did not reach Redis
                    claim.job = LazyJob(claim.job_id, claim.queue.connection, claim.raw)
                if tried >= _TRIES:
                    raise RuntimeError("Redis answers, but does not keep the outcome")
                tried += 1
                self.progress.flush(claim)
                store()
                self.leaving.wait((tried - 1) / 10)
            except RedisError as error:
                if not may_heal(error):
                    raise
                tried = min(tried, 1)
                journal.redis_lost(error)
                if self.leaving.wait(pause.grow()):
                    return False

    def _stop(self, claim: Claim, task: Task) -> None:
        worker, job = self._worker, claim.job
        job.ended_at = claim.now()
        try:
            execute_stopped_callback(job, Deadline)
        except Exception as fault:
            journal.fault("job.callback", claim, task.name, fault)
        worker._stopped_job_id = claim.job_id
        worker.handle_job_failure(
            job, claim.queue, exc_string="Job stopped by user.", execution=claim.execution()
        )

    def _retry(self, claim: Claim, task: Task, error: BaseException, delay: float) -> None:
        job, queue, worker = claim.job, claim.queue, self._worker
        self._call_back(claim, task, error)
        text = trace(error)
        job.ended_at = claim.now()
        due = claim.now() + timedelta(seconds=delay)
        job.number_of_retries = claim.attempt
        if claim.number(b"retries_left") is not None:
            worker.handle_job_failure(job, queue, exc_string=text, execution=claim.execution())
            if delay > 0:  # RQ goes by this machine's clock
                registry = keys.SCHEDULED + queue.name
                worker.connection.zadd(registry, {job.id: due.timestamp()}, xx=True)
            return
        with worker.connection.pipeline() as pipeline:
            worker.increment_failed_job_count(pipeline)
            worker.increment_total_working_time(job.ended_at - claim.started, pipeline)
            if delay > 0:
                queue.schedule_job(job, due, pipeline=pipeline)
                # RQ cuts the time down to whole seconds.
                pipeline.zadd(keys.SCHEDULED + queue.name, {job.id: due.timestamp()})
            else:
                queue._enqueue_job(job, pipeline=pipeline)
            Result.create(
                job,
                Result.Type.RETRIED,
                job.failure_ttl,
                exc_string=text,
                worker_name=worker.name,
                pipeline=pipeline,
                execution_id=claim.execution_id,
                execution_started_at=claim.started,
                execution_ended_at=job.ended_at,
            )
            worker.cleanup_execution(job, pipeline, claim.execution())
            pipeline.execute()
        worker._release_slot_safely(job)

    def _fail(self, claim: Claim, task: Task, error: BaseException) -> None:
        job, worker = claim.job, self._worker
        job.retries_left = 0 if claim.number(b"retries_left") is not None else None
        job.ended_at = claim.now()
        self._call_back(claim, task, error)
        # A job that somebody requeues later starts with its full number of attempts.
        job.number_of_retries = 0
        worker.handle_job_failure(
            job, claim.queue, exc_string=trace(error), execution=claim.execution()
        )
        self._forget(claim, keys.INTERRUPTIONS, keys.SNOOZES)

    def _forget(self, claim: Claim, *fields: str) -> None:
        self._worker.connection.hdel(keys.JOB + claim.job_id, *fields)

    def _fail_reduced(self, claim: Claim, error: BaseException) -> None:
        """Fail a job whose hash RQ cannot read or write: all that can be kept is kept."""
        ended = claim.now()
        with self._worker.connection.pipeline(transaction=False) as pipeline:
            pipeline.hset(
                keys.JOB + claim.job_id,
                mapping={
                    "status": "failed",
                    "origin": claim.queue.name,
                    "created_at": claim.text(b"created_at") or utcformat(ended),
                    "ended_at": utcformat(ended),
                    "exc_info": zlib.compress(trace(error).encode()),
                },
            )
            pipeline.hdel(
                keys.JOB + claim.job_id, "number_of_retries", keys.INTERRUPTIONS, keys.SNOOZES
            )
            expires = ended.timestamp() + FAILED_TTL
            pipeline.zadd(keys.FAILED + claim.queue.name, {claim.job_id: expires})
            pipeline.expire(keys.JOB + claim.job_id, FAILED_TTL)
            pipeline.zrem(keys.EXECUTIONS + claim.job_id, claim.execution_id)
            pipeline.delete(keys.EXECUTION + claim.entry)
            pipeline.srem(keys.worker_executions(claim.worker), claim.entry)
            pipeline.zrem(keys.STARTED + claim.queue.name, claim.entry)
            for answer in pipeline.execute(raise_on_error=False):
                if isinstance(answer, RedisError) and may_heal(answer):
                    raise answer

    def _call_back(self, claim: Claim, task: Task, error: BaseException) -> None:
        """Run RQ's failure callback and exception handlers. The job's own error is what counts."""
        exc_info = (type(error), error, error.__traceback__)
        try:
            execute_failure_callback(claim.job, Deadline, *exc_info)
        except BaseException as fault:  # also the exit that a callback asks for
            journal.fault("job.callback", claim, task.name, fault)
        handlers = self._worker._exc_handlers
        if handlers:
            call_exception_handlers(handlers, claim.job, *exc_info)

    def _report(self, claim: Claim, task: Task, error: BaseException, attempt: int) -> None:
        record = FailedJob(
            job_id=claim.job_id,
            job_type=task.name,
            path=task.path,
            payload=task.payload,
            queue=claim.queue.name,
            attempts=attempt,
            error=describe(error),
            traceback=trace(error),
            worker=claim.worker,
        )
        observers.failed(record)
