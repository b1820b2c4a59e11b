"""One delivery from its first attempt to its end, the same for threads and coroutines."""

from __future__ import annotations

import json
import threading
import time
from typing import Any, Protocol

import structlog
from redis.exceptions import RedisError
from rq.job import Retry as RetryResult
from rq.job import _current_job

from ..errors import AttemptReturned, Duplicate, JobStopped, OutageError
from ..store.claim import Claim
from ..store.exchange import UNSERIALIZABLE, Outcome
from . import journal
from .deadlines import Deadline
from .draining import STOPS
from .endings import Endings
from .link import Link
from .task import Task
from .verdict import Again, Failed, Verdict, decide

_LOOK = 0.5  # seconds between two looks of a job that waits in its slot, for a request to stop


class Desk(Protocol):
    """Where deliveries are handed in; safe in every thread."""

    def returned(self, outcome: Outcome) -> None:
        """A job returned: the next trip to Redis stores it."""

    def ended(self, claim: Claim) -> None:
        """A delivery is over in any other way."""

    def yielded(self, claim: Claim, reason: str) -> None:
        """A delivery gives itself back: to the front of its queue, no attempt spent."""


class Delivery:
    """What follows an attempt. Whatever raises on the way, the slot comes free."""

    __slots__ = ("_desk", "_endings", "claim", "task")

    def __init__(self, claim: Claim, task: Task, endings: Endings, desk: Desk) -> None:
        self.claim = claim
        self.task = task
        self._endings = endings
        self._desk = desk

    def bind(self) -> None:
        """Let log lines and `get_current_job` of this context know the job."""
        structlog.contextvars.bind_contextvars(jobId=self.claim.job_id, jobType=self.task.name)
        _current_job.set(self.claim.job)

    def deadline(self) -> Deadline:
        """The limit of one attempt in a thread."""
        self.claim.deadline = made = Deadline(self.task.timeout, on_late=self.late)
        return made

    def call(self) -> Any:
        """Run the attempt; for a coroutine function, make the coroutine."""
        return self.task.call(lambda: Link(self.claim, self.task.timeout, self._endings))

    def late(self, seconds: float, raised: int) -> None:
        """The job goes on after its time."""
        journal.late(self.claim, self.task.name, seconds, raised)

    def succeed(self, result: object, seconds: float) -> None:
        """The processor returned."""
        journal.done(self.claim, self.task.name, seconds)
        self._hand_in(result)

    def raised(self, error: BaseException, seconds: float) -> float | None:
        """The attempt raised.

        Returns:
            Seconds to wait in the slot for the next attempt; None when the delivery is over.
        """
        if isinstance(error, AttemptReturned):
            self._give_back(error)
        elif isinstance(error, Duplicate):  # the work was done before: that is a success
            journal.duplicate(self.claim, self.task.name, seconds, error)
            self._hand_in(None)
        else:
            return self._fail(error, seconds)
        return None

    def wait_in_slot(self, seconds: float, draining: threading.Event) -> bool:
        """Wait for the next attempt, or until somebody stops the job, which the attempt notes.

        Returns:
            Whether there is a next attempt here. The delivery is over when the worker drains,
            or the job is no longer ours.
        """
        end = time.monotonic() + seconds
        while not self.claim.stopped and (left := end - time.monotonic()) > 0:
            if draining.wait(min(left, _LOOK)):
                self._desk.yielded(self.claim, STOPS)
                return False
        if self._endings.still_ours(self.claim):
            return True
        self._desk.ended(self.claim)
        return False

    def _give_back(self, reason: AttemptReturned) -> None:
        if self.claim.stopped:
            self.refuse(JobStopped())
            return
        try:
            self._endings.progress.flush(self.claim)
        except RedisError:
            pass  # less is known of the job until it says more
        self._desk.yielded(self.claim, str(reason))

    def _fail(self, error: BaseException, seconds: float) -> float | None:
        verdict = self._decide(error)
        if self._stays(verdict):
            assert isinstance(verdict, Again)
            self._endings.stay(self.claim, self.task, verdict, error, seconds)
            return verdict.wait
        if self.claim.settle():
            self.end(verdict, error, seconds)
        return None

    def refuse(self, error: BaseException) -> None:
        """The job cannot be run, or the engine failed around it."""
        if self.claim.settle():
            self.end(self._decide(error), error, 0.0)

    def end(self, verdict: Verdict, error: BaseException, seconds: float) -> None:
        """Store what was decided. The right to do so must have been won."""
        try:
            self._endings.failure(self.claim, self.task, verdict, error, seconds)
        except BaseException as fault:
            journal.fault("engine.error", self.claim, self.task.name, fault)
        finally:
            self._desk.ended(self.claim)

    def _finish_by_rq(self, result: object) -> None:
        """End a job that returned by RQ's own code. The right to do so must have been won."""
        try:
            self._endings.success(self.claim, result)
        except BaseException as error:  # a success callback that raises fails the job
            self.end(self._decide(error), error, 0.0)
        else:
            self._desk.ended(self.claim)

    def _hand_in(self, result: object) -> None:
        claim, task = self.claim, self.task
        if not claim.settle():
            return
        encoded = None if result is None else self._encoded(result)
        if claim.needs_rq(result):
            keep = encoded != UNSERIALIZABLE or isinstance(result, RetryResult)
            self._finish_by_rq(result if keep else json.loads(UNSERIALIZABLE))
            return
        ttl = claim.number(b"result_ttl")
        if ttl is None:
            ttl = task.policy.result_ttl if task.policy else 500
        self._desk.returned(Outcome(claim, encoded, ttl))

    def _encoded(self, result: object) -> str:
        if isinstance(result, RetryResult):
            return UNSERIALIZABLE
        try:
            return json.dumps(result)
        except Exception:
            journal.result_dropped(self.claim, self.task.name, result)
            return UNSERIALIZABLE

    def _stays(self, verdict: Verdict) -> bool:
        """Whether the job waits in its slot, so that no later job overtakes it."""
        keeps_order = self.task.policy is not None and self.task.policy.keep_order
        by_publisher = self.claim.number(b"retries_left") is not None
        return keeps_order and not by_publisher and isinstance(verdict, Again)

    def _decide(self, error: BaseException) -> Verdict:
        if isinstance(error, OutageError):
            self._endings.gate.met(self.task.path, error)
        try:
            return decide(self.claim, self.task, error)
        except Exception as fault:  # for instance a `retry_after` that is no number
            journal.fault("job.verdict", self.claim, self.task.name, fault)
            return Failed()
