"""Keeping the limits that all replicas share.

A job that must wait holds no slot: it goes back to Redis, either to the time reserved for it
or into RQ's own rate limit registry.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from rq.rate_limit import RateLimit
from rq.worker import BaseWorker

from ..job.policy import Rate
from ..store import keys
from ..store.claim import Claim
from ..store.scripts import load
from . import journal
from .task import Task


class Limiter:
    """Decides in a job's thread whether it may run now, and parks it otherwise.

    Args:
        worker: The worker, whose connection is used.
    """

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
        now = time.time()
        due = float(
            self._reserve(
                keys=[f"{keys.PREFIX}:rate:{task.name}", keys.JOB + claim.job_id],
                args=[now, rate.interval],
            )
        )
        if due <= now:
            return True
        if win():
            self.park(claim, due)
        return False

    def park(self, claim: Claim, due: float) -> None:
        """Send a job to a later time; it comes back without having spent an attempt."""
        worker, job = self._worker, claim.job
        with worker.connection.pipeline() as pipeline:
            when = datetime.fromtimestamp(due, UTC)
            claim.queue.schedule_job(job, when, pipeline=pipeline)
            # RQ cuts the time down to whole seconds.
            pipeline.zadd(keys.SCHEDULED + claim.queue.name, {claim.job_id: due})
            worker.cleanup_execution(job, pipeline, claim.execution())
            pipeline.execute()
        worker._release_slot_safely(job)  # of `at_once`, so that others may run meanwhile
        journal.log.debug("job.wait", jobId=claim.job_id, delayMs=round((due - time.time()) * 1000))

    def _hold_back(self, claim: Claim, limit: RateLimit) -> None:
        """Hand a job over to RQ's rate limit registry, which queues it when its turn comes."""
        worker, job = self._worker, claim.job
        job.rate_limit_key = limit.key
        job.rate_limit_concurrency = limit.concurrency
        with worker.connection.pipeline() as pipeline:
            worker.cleanup_execution(job, pipeline, claim.execution())
            claim.queue._enqueue_rate_limited_job(job, pipeline=pipeline)
            pipeline.execute()
