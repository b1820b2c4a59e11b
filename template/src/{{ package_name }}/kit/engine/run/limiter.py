"""Keeping the limits that all replicas share.

A job that must wait holds no slot: it goes back to Redis, either to the time reserved for it
or into RQ's own rate limit registry.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from redis.exceptions import WatchError
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.queue import Queue
from rq.rate_limit import RateLimit
from rq.serializers import JSONSerializer
from rq.worker import BaseWorker

from ..job.policy import Rate
from ..store import keys
from ..store.claim import Claim
from ..store.scripts import load
from . import journal
from .task import Task


class Limiter:
    """Decides in a job's thread whether it may run now, and parks it otherwise."""

    def __init__(self, worker: BaseWorker) -> None:
        self._worker = worker
        self._reserve = worker.connection.register_script(load("rate"))

    def admit(self, claim: Claim, task: Task, win: Callable[[], bool]) -> bool:
        """Whether the job may run now.

        Args:
            claim: The delivery.
            task: What it runs.
            win: Wins the right to end the delivery, before it is parked.

        Returns:
            False when it was parked, or is no longer ours to park: the claim is over.

        Raises:
            redis.exceptions.RedisError: Redis is away.
        """
        policy = task.policy
        if policy is None:
            return True
        if policy.at_once is not None and not claim.raw.get(b"rate_limit_key"):
            key = task.limit_key()
            if key is not None:
                if not win():
                    return False
                self._hold_back(claim, RateLimit(f"{task.name}:{key}", policy.at_once.count))
                return False
        return policy.rate is None or self._in_time(claim, task, policy.rate, win)

    def _in_time(self, claim: Claim, task: Task, rate: Rate, win: Callable[[], bool]) -> bool:
        wait = float(
            self._reserve(
                keys=[f"{keys.PREFIX}:rate:{task.name}", keys.JOB + claim.job_id],
                args=[rate.interval],
            )
        )
        if wait <= 0:
            return True
        if win():
            self.park(claim, wait)
        return False

    def park(self, claim: Claim, wait: float, *, snooze: bool = False) -> None:
        """Send a job to a later time; it comes back without having spent an attempt.

        Args:
            claim: The delivery, whose end has been won.
            wait: Seconds until it may run.
            snooze: Whether the job asked for it, which is counted.
        """
        worker, job = self._worker, claim.job
        when = claim.now() + timedelta(seconds=wait)
        with worker.connection.pipeline() as pipeline:
            claim.queue.schedule_job(job, when, pipeline=pipeline)
            # RQ cuts the time down to whole seconds.
            pipeline.zadd(keys.SCHEDULED + claim.queue.name, {claim.job_id: when.timestamp()})
            if snooze:
                snoozing = keys.SNOOZING + claim.queue.name
                pipeline.hincrby(keys.JOB + claim.job_id, keys.SNOOZES)
                pipeline.zremrangebyscore(snoozing, "-inf", claim.now().timestamp())
                pipeline.zadd(snoozing, {claim.job_id: when.timestamp()})
            worker.cleanup_execution(job, pipeline, claim.execution())
            pipeline.execute()
        worker._release_slot_safely(job)  # of `at_once`, so that others may run meanwhile
        journal.log.debug("job.wait", jobId=claim.job_id, delayMs=round(wait * 1000))

    def _hold_back(self, claim: Claim, limit: RateLimit) -> None:
        """Hand a job over to RQ's rate limit registry, which queues it when its turn comes."""
        worker, job = self._worker, claim.job
        job.rate_limit_key = limit.key
        job.rate_limit_concurrency = limit.concurrency
        with worker.connection.pipeline() as pipeline:
            worker.cleanup_execution(job, pipeline, claim.execution())
            claim.queue._enqueue_rate_limited_job(job, pipeline=pipeline)
            pipeline.execute()

    def promote(self, queue: Queue, job_id: str) -> None:
        """Move a delayed job that is under RQ's RateLimit, by RQ's own code, in one step."""
        delayed = keys.SCHEDULED + queue.name
        connection = self._worker.connection
        try:
            with connection.pipeline() as pipeline:
                pipeline.watch(keys.JOB + job_id)  # type: ignore[no-untyped-call]
                if pipeline.zscore(delayed, job_id) is None:
                    return  # another replica was first
                try:
                    job = Job.fetch(job_id, connection=connection, serializer=JSONSerializer)
                except NoSuchJobError:
                    pipeline.zrem(delayed, job_id)
                    return
                front = job.should_enqueue_at_front()
                pipeline.multi()
                pipeline.zrem(delayed, job_id)
                queue._enqueue_rate_limited_job(job, pipeline=pipeline, at_front=front)
                pipeline.execute()
        except WatchError:
            pass  # the next look finds it, unless somebody else has moved it
        except Exception:
            journal.log.exception("job.promote", jobId=job_id)
