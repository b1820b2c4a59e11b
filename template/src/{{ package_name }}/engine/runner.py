"""Running one delivery: resolve, call within the deadline, hand the outcome on."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from contextlib import closing
from contextvars import Context
from datetime import UTC, datetime

import structlog
from rq.job import _current_job
from rq.timeouts import JobTimeoutException

from . import journal, observers
from .claimed import Claim
from .deadlines import Deadline, Watched
from .errors import Duplicate, JobStopped
from .exchange import Outcome
from .outcomes import Outcomes
from .pool import Pool
from .tasks import Resolver, Task, unresolved_task


class Runner:
    """Runs claims in threads, and coroutine processors on one event loop beside them.

    Args:
        slots: How many jobs run in threads at once; others wait for their turn.
        resolve: Finds what a claim calls.
        outcomes: Ends deliveries that need RQ's own code.
        returned: Takes the outcome of a job that simply returned.
        ended: Told when a delivery has ended any other way.
        yielded: Told when a delivery gives itself back because the worker is draining.
        draining: Set while the worker takes no more jobs.
    """

    def __init__(
        self,
        *,
        slots: int,
        resolve: Resolver,
        outcomes: Outcomes,
        returned: Callable[[Outcome], None],
        ended: Callable[[Claim], None],
        yielded: Callable[[Claim], None],
        draining: threading.Event,
    ) -> None:
        self._resolve = resolve
        self._outcomes = outcomes
        self._returned = returned
        self._ended = ended
        self._yielded = yielded
        self._draining = draining
        self._slots = Pool("slot", slots)
        self._endings = Pool("ending")
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = os.getpid()
        self.coroutines = False  # whether there was one

    def start(self, claim: Claim, *, room: bool) -> bool:
        """Run a claim beside the others. Called by the worker's main thread only.

        Args:
            claim: Whose turn it is.
            room: Whether a slot is free. Threads are as many as there are slots, so that a claim
                without a slot waits for one; coroutines would all start at once.

        Returns:
            False for a coroutine without a slot: it was not started.
        """
        try:
            task = self._resolve(claim)
        except Exception as error:
            refused = error
            self._submit(claim, lambda: self._fail(claim, unresolved_task(claim), refused, 0.0))
            return True
        if task.is_async:
            self.coroutines = True
            if not room:
                return False
        if task.policy is not None and task.policy.limited:
            self._submit(claim, lambda: self._run_if_admitted(claim, task))
        elif not task.is_async:
            self._submit(claim, lambda: self._run(claim, task))
        elif claim.begin():
            self._start_coroutine(claim, task)
        return True

    def finish_by_rq(self, outcome: Outcome) -> None:
        """End a job that returned, but has dependents."""
        self._endings.submit(lambda: self._finish(outcome.claim, outcome.result))

    def stop(self, claim: Claim) -> bool:
        """Raise inside a running job because somebody stopped it."""
        claim.stopped = True
        if claim.begin():  # it still waits for a slot
            error = JobStopped("stopped before it began")
            arguments = (claim, unresolved_task(claim), error, 0.0)
            threading.Thread(target=self._fail, args=arguments, daemon=True).start()
            return True
        if claim.task is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(claim.task.cancel)
            return True
        return claim.deadline is not None and claim.deadline.fire(JobStopped)

    # --- threads ---------------------------------------------------------------------------

    def _submit(self, claim: Claim, work: Callable[[], None]) -> None:
        self._slots.submit(lambda: work() if claim.begin() else None)

    def _run_if_admitted(self, claim: Claim, task: Task) -> None:
        try:
            admitted = self._outcomes.admit(claim, task)
        except Exception as error:
            self._fail(claim, task, error, 0.0)
            return
        if not admitted:
            self._ended(claim)
        elif task.is_async:
            self._start_coroutine(claim, task)
        else:
            self._run(claim, task)

    def _run(self, claim: Claim, task: Task) -> None:
        self._begin(claim, task)
        while True:
            with observers.attempt(claim, task.name):
                delay = self._attempt(claim, task)
            if delay is None:
                return
            if self._draining.wait(delay):
                self._yielded(claim)
                return

    def _attempt(self, claim: Claim, task: Task) -> float | None:
        """Run it once. Returns seconds to wait in the slot, None when the delivery is over."""
        journal.start(claim, task.name)
        started = time.perf_counter()
        try:
            claim.deadline = Deadline(task.timeout)
            with claim.deadline:
                if claim.stopped:  # before it began
                    raise JobStopped
                result = task.call()
        except Duplicate as error:
            journal.duplicate(claim, task.name, time.perf_counter() - started, str(error))
            result = None
        except BaseException as error:
            if os.getpid() != self._pid:
                os._exit(1)
            seconds = time.perf_counter() - started
            delay = self._delay_in_slot(claim, task, error)
            if delay is None:
                self._fail(claim, task, error, seconds)
                return None
            journal.retry(claim, task.name, claim.attempt, seconds, delay, error)
            spent = self._outcomes.pause_for_newer_worker(claim, error) is None
            self._outcomes.stay(claim, delay + (task.timeout or 0), spent=spent)
            return delay
        else:
            if os.getpid() != self._pid:
                os._exit(0)  # the job forked, and this is its child coming back
            journal.done(claim, task.name, time.perf_counter() - started)
        self._succeed(claim, task, result)
        return None

    def _begin(self, claim: Claim, task: Task) -> None:
        structlog.contextvars.bind_contextvars(jobId=claim.job_id, jobType=task.name)
        _current_job.set(claim.job)

    def _succeed(self, claim: Claim, task: Task, result: object) -> None:
        if not claim.settle():
            return
        if claim.needs_rq(result):
            self._finish(claim, result, task)
            return
        ttl = claim.number(b"result_ttl")
        if ttl is None:
            ttl = task.policy.result_ttl if task.policy else 500
        self._returned(Outcome(claim, result, ttl, datetime.now(UTC)))

    def _finish(self, claim: Claim, result: object, task: Task | None = None) -> None:
        try:
            self._outcomes.success(claim, result)
        except Exception as error:  # a success callback that raises fails the job
            task = task or unresolved_task(claim)
            self._outcomes.failure(claim, task, error, 0.0)
        finally:
            self._ended(claim)

    def _fail(self, claim: Claim, task: Task, error: BaseException, seconds: float) -> None:
        if not claim.settle():
            return
        try:
            self._outcomes.failure(claim, task, error, seconds)
        except Exception:
            journal.log.exception("job.outcome", jobId=claim.job_id)
        finally:
            self._ended(claim)

    def _delay_in_slot(self, claim: Claim, task: Task, error: BaseException) -> float | None:
        """Seconds to wait here for the next attempt, for a processor that keeps the order."""
        keeps_order = task.policy is not None and task.policy.keep_order
        if not keeps_order or claim.stopped or claim.number(b"retries_left") is not None:
            return None
        pause = self._outcomes.pause_for_newer_worker(claim, error)
        return self._outcomes.retry_delay(claim, task, error) if pause is None else pause

    # --- coroutines ------------------------------------------------------------------------

    def _start_coroutine(self, claim: Claim, task: Task) -> None:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                run = self._loop.run_forever
                threading.Thread(target=run, name="coroutines", daemon=True).start()
            loop = self._loop
        watched = Watched(task.timeout)

        def create() -> None:
            running = self._run_async(claim, task, watched)
            claim.task = loop.create_task(running, context=Context())

        loop.call_soon_threadsafe(create)

    async def _run_async(self, claim: Claim, task: Task, watched: Watched) -> None:
        self._begin(claim, task)
        with closing(watched), observers.attempt(claim, task.name):
            await self._attempt_async(claim, task)

    async def _attempt_async(self, claim: Claim, task: Task) -> None:
        journal.start(claim, task.name)
        started = time.perf_counter()
        try:
            async with asyncio.timeout(task.timeout) as limit:
                if claim.stopped:  # before it began
                    raise JobStopped
                result = await task.call()
        except Duplicate as error:
            journal.duplicate(claim, task.name, time.perf_counter() - started, str(error))
            result = None
        except BaseException as raised:
            late = JobTimeoutException(f"timeout of {task.timeout} seconds")
            cause = late if limit.expired() else raised
            seconds = time.perf_counter() - started
            await asyncio.to_thread(self._fail, claim, task, cause, seconds)
            return
        else:
            journal.done(claim, task.name, time.perf_counter() - started)
        if claim.needs_rq(result):
            await asyncio.to_thread(self._succeed, claim, task, result)
        else:
            self._succeed(claim, task, result)
