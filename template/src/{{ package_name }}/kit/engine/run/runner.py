"""Running one delivery: resolve, call within the deadline, hand the outcome on."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from contextlib import closing
from contextvars import Context, copy_context
from datetime import UTC, datetime

import structlog
from rq.job import _current_job
from rq.timeouts import JobTimeoutException

from ..errors import Duplicate, JobStopped
from ..store.claim import Claim
from ..store.exchange import Outcome
from . import journal
from .deadlines import Deadline, Watched
from .endings import Endings
from .task import Resolver, Task, unresolved_task
from .threads import Threads
from .verdict import pause_for_newer_worker, retry_delay

_LOOK = 0.5  # seconds between two looks of a job that waits in its slot, for a request to stop


class Runner:
    """Runs claims in threads, and coroutine processors on one event loop beside them.

    Args:
        slots: How many jobs run in threads at once; others wait for their turn.
        resolve: Finds what a claim calls.
        endings: Ends deliveries that need RQ's own code.
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
        endings: Endings,
        returned: Callable[[Outcome], None],
        ended: Callable[[Claim], None],
        yielded: Callable[[Claim], None],
        draining: threading.Event,
    ) -> None:
        self._resolve = resolve
        self._endings = endings
        self._returned = returned
        self._ended = ended
        self._yielded = yielded
        self._draining = draining
        self._slots = Threads("slot", slots)
        self._ending_threads = Threads("ending")
        self._coroutine_endings = Threads("coroutine ending")  # for the event loop's thread alone
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
        self._ending_threads.submit(lambda: self._finish(outcome.claim, outcome.result))

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
        def run() -> None:
            if not claim.begin():
                return
            try:
                work()
            except BaseException as error:  # a fault of the engine, or a job's odd hash
                journal.log.exception("engine.error", jobId=claim.job_id)
                self._fail(claim, unresolved_task(claim), error, 0.0)
                self._ended(claim)

        self._slots.submit(run)

    def _run_if_admitted(self, claim: Claim, task: Task) -> None:
        try:
            admitted = self._endings.admit(claim, task)
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
            with journal.attempt(claim, task.name):
                delay = self._attempt(claim, task)
            if delay is None:
                return
            if self._wait_in_slot(claim, delay):
                self._yielded(claim)
                return
            if not self._endings.still_ours(claim):
                self._ended(claim)
                return

    def _wait_in_slot(self, claim: Claim, seconds: float) -> bool:
        """Wait for the next attempt, or until somebody stops the job.

        Returns:
            Whether the worker is draining: the job is to be given back.
        """
        end = time.monotonic() + seconds
        while not claim.stopped and (left := end - time.monotonic()) > 0:
            if self._draining.wait(min(left, _LOOK)):
                return True
        return False

    def _attempt(self, claim: Claim, task: Task) -> float | None:
        """Run it once. Returns seconds to wait in the slot, None when the delivery is over."""
        journal.start(claim, task.name)
        started = time.perf_counter()
        claim.deadline = Deadline(task.timeout)
        try:
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
            spent = pause_for_newer_worker(claim, error) is None
            self._endings.stay(claim, delay + (task.timeout or 0), spent=spent)
            return delay
        else:
            if os.getpid() != self._pid:
                os._exit(0)  # the job forked, and this is its child coming back
            journal.done(claim, task.name, time.perf_counter() - started)
        finally:
            claim.deadline.close()
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
            self._endings.success(claim, result)
        except BaseException as error:  # a success callback that raises fails the job
            task = task or unresolved_task(claim)
            self._endings.failure(claim, task, error, 0.0)
        finally:
            self._ended(claim)

    def _fail(self, claim: Claim, task: Task, error: BaseException, seconds: float) -> None:
        if not claim.settle():
            return
        try:
            self._endings.failure(claim, task, error, seconds)
        except BaseException:  # for instance a `retry_after` that is no number
            journal.log.exception("job.outcome", jobId=claim.job_id)
            self._endings.abandon(claim, task, error)
        finally:
            self._ended(claim)

    def _delay_in_slot(self, claim: Claim, task: Task, error: BaseException) -> float | None:
        """Seconds to wait here for the next attempt, for a processor that keeps the order."""
        keeps_order = task.policy is not None and task.policy.keep_order
        if not keeps_order or claim.stopped or claim.number(b"retries_left") is not None:
            return None
        pause = pause_for_newer_worker(claim, error)
        return retry_delay(claim, task, error) if pause is None else pause

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
        try:
            self._begin(claim, task)
            with journal.attempt(claim, task.name):
                await self._attempt_async(claim, task, watched)
        except Exception as error:  # a fault of the engine, or a job's odd hash
            fault = error
            watched.close()
            journal.log.exception("engine.error", jobId=claim.job_id)
            await self._in_thread(lambda: self._fail(claim, task, fault, 0.0))
            self._ended(claim)

    async def _in_thread(self, work: Callable[[], None]) -> None:
        """Run something that waits, in a thread of the engine: the loop's own belong to jobs."""
        loop, context, ended = asyncio.get_running_loop(), copy_context(), asyncio.Event()

        def run() -> None:
            try:
                context.run(work)
            finally:
                loop.call_soon_threadsafe(ended.set)

        self._coroutine_endings.submit(run)
        await ended.wait()

    async def _attempt_async(self, claim: Claim, task: Task, watched: Watched) -> None:
        journal.start(claim, task.name)
        started = time.perf_counter()
        limit = asyncio.timeout(task.timeout)
        try:
            with closing(watched):
                async with limit:
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
            await self._in_thread(lambda: self._fail(claim, task, cause, seconds))
            return
        else:
            journal.done(claim, task.name, time.perf_counter() - started)
        if claim.needs_rq(result):
            await self._in_thread(lambda: self._succeed(claim, task, result))
        else:
            self._succeed(claim, task, result)
