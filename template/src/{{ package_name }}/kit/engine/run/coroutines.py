"""Coroutine processors: one event loop beside the threads."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import closing
from contextvars import Context, copy_context
from typing import TypeVar

from rq.timeouts import JobTimeoutException

from ..errors import AttemptReturned, Duplicate, JobStopped
from ..store.claim import Claim
from . import journal
from .deadlines import Watched, timeout_text
from .delivery import Delivery, Desk
from .endings import Endings
from .threads import Threads

T = TypeVar("T")

_OUTLASTING = (AttemptReturned, Duplicate, JobTimeoutException)  # hold also after the time limit


class Coroutines:
    """Runs deliveries as coroutines. What speaks to Redis runs in threads of the engine."""

    def __init__(self, endings: Endings, desk: Desk, draining: threading.Event) -> None:
        self._endings = endings
        self._desk = desk
        self._draining = draining
        self._threads = Threads("coroutine ending")  # for the event loop's thread alone
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.used = False  # whether there was one

    def start(self, delivery: Delivery) -> None:
        """Run a delivery. Safe in every thread."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                run = self._loop.run_forever
                threading.Thread(target=run, name="coroutines", daemon=True).start()
            loop = self._loop
        watched = self._watched(delivery)

        def create() -> None:
            running = self._run(delivery, watched)
            delivery.claim.task = loop.create_task(running, context=Context())

        loop.call_soon_threadsafe(create)

    def cancel(self, claim: Claim) -> bool:
        """Cancel a running coroutine. Safe in every thread."""
        if self._loop is None:
            return False
        self._loop.call_soon_threadsafe(claim.task.cancel)
        return True

    def _watched(self, delivery: Delivery) -> Watched:
        claim = delivery.claim

        def again() -> None:
            if claim.deadline is made and claim.task is not None:
                claim.task.cancel()

        def cancel() -> None:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(again)

        made = Watched(delivery.task.timeout, cancel, delivery.late)
        claim.deadline = made
        return made

    async def _run(self, delivery: Delivery, watched: Watched) -> None:
        claim = delivery.claim
        try:
            while True:
                delivery.bind()
                with journal.attempt(claim, delivery.task.name):
                    wait = await self._attempt(delivery, watched)
                if wait is None or not await self._waited(delivery, wait):
                    return
                watched = self._watched(delivery)
        except BaseException as error:  # a fault of the engine, or a job's odd hash
            fault = error
            watched.close()
            journal.fault("engine.error", claim, delivery.task.name, fault)
            await self._in_thread(lambda: delivery.refuse(fault))
            self._desk.ended(claim)

    async def _waited(self, delivery: Delivery, wait: float) -> bool:
        return await self._in_thread(lambda: delivery.wait_in_slot(wait, self._draining))

    async def _attempt(self, delivery: Delivery, watched: Watched) -> float | None:
        claim, task = delivery.claim, delivery.task
        journal.start(claim, task.name)
        started = time.perf_counter()
        limit = asyncio.timeout(task.timeout)
        try:
            with closing(watched):
                async with limit:
                    if claim.stopped:  # before it began
                        raise JobStopped
                    result = await delivery.call()
            if limit.expired():  # it was swallowed by the job's own `except`
                raise JobTimeoutException(timeout_text(task.timeout))
        except BaseException as raised:
            cause = raised
            if limit.expired() and not isinstance(raised, _OUTLASTING):
                cause = JobTimeoutException(timeout_text(task.timeout))
            seconds = time.perf_counter() - started
            return await self._in_thread(lambda: delivery.raised(cause, seconds))
        seconds = time.perf_counter() - started
        if claim.needs_rq(result):  # then Redis is spoken to
            await self._in_thread(lambda: delivery.succeed(result, seconds))
        else:
            delivery.succeed(result, seconds)
        return None

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Run something that waits, in a thread of the engine: the loop's own belong to jobs.

        A request to stop that comes too late does not interrupt it.
        """
        loop, context, done = asyncio.get_running_loop(), copy_context(), asyncio.Event()
        answer: list[T] = []
        errors: list[BaseException] = []

        def run() -> None:
            try:
                answer.append(context.run(work))
            except BaseException as error:
                errors.append(error)
            finally:
                loop.call_soon_threadsafe(done.set)

        self._threads.submit(run)
        while not done.is_set():
            try:
                await done.wait()
            except asyncio.CancelledError:
                continue
        if errors:
            raise errors[0]
        return answer[0]
