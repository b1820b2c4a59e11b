"""Running deliveries: in a thread, or as a coroutine beside the threads."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

from ..errors import JobStopped
from ..store.claim import Claim
from . import journal
from .coroutines import Coroutines
from .delivery import Delivery, Desk
from .endings import Endings
from .task import Resolver, Task, unresolved_task
from .threads import Threads
from .verdict import Failed


class Runner:
    """Runs claims in threads, and coroutine processors on one event loop beside them.

    Args:
        slots: How many jobs run in threads at once; others wait for their turn.
        resolve: Finds what a claim calls.
        endings: Ends deliveries that need RQ's own code.
        desk: Where deliveries are handed in.
        draining: Set while the worker takes no more jobs.
    """

    def __init__(
        self,
        *,
        slots: int,
        resolve: Resolver,
        endings: Endings,
        desk: Desk,
        draining: threading.Event,
    ) -> None:
        self._resolve = resolve
        self._endings = endings
        self._desk = desk
        self._draining = draining
        self._slots = Threads("slot", slots)
        self._ending_threads = Threads("ending")
        self._coroutines = Coroutines(endings, desk, draining)
        self._pid = os.getpid()

    @property
    def coroutines(self) -> bool:
        """Whether there was a coroutine."""
        return self._coroutines.used

    def start(self, claim: Claim, *, room: bool) -> bool:
        """Run a claim beside the others. Called by the worker's main thread only.

        Args:
            claim: Whose turn it is.
            room: Whether a slot is free. Threads are as many as there are slots, so that a claim
                without a slot waits for one; but coroutines would all start at once, and beside
                them there are more threads than slots.

        Returns:
            False where it was not started for want of a slot.
        """
        try:
            task = self._resolve(claim)
        except Exception as error:
            refused = error
            delivery = self._delivery(claim, unresolved_task(claim))
            self._submit(delivery, lambda: delivery.refuse(refused))
            return True
        delivery = self._delivery(claim, task)
        outage = self._endings.gate.hold(task.path)
        if outage is not None:  # parked without a slot
            if claim.begin():
                self._ending_threads.submit(lambda: delivery.refuse(outage))
            return True
        if task.is_async:
            self._coroutines.used = True
        if self._coroutines.used and not room:
            return False
        if task.policy is not None and task.policy.limited:
            self._submit(delivery, lambda: self._run_if_admitted(delivery))
        elif not task.is_async:
            self._submit(delivery, lambda: self._run(delivery))
        elif claim.begin():
            self._coroutines.start(delivery)
        return True

    def stop(self, claim: Claim) -> bool:
        """Raise inside a running job because somebody stopped it."""
        claim.stopped = True
        if claim.begin():  # it still waits for a slot
            delivery = self._delivery(claim, self._task(claim))
            error = JobStopped("stopped before it began")
            threading.Thread(target=delivery.refuse, args=(error,), daemon=True).start()
            return True
        if claim.task is not None:
            return self._coroutines.cancel(claim)
        return claim.deadline is not None and claim.deadline.fire(JobStopped)

    def give_up(self, claim: Claim, error: BaseException) -> bool:
        """Fail a job for good whose thread or coroutine cannot be ended.

        Returns:
            False when it has just ended.
        """
        if not claim.settle():
            return False
        delivery = self._delivery(claim, self._task(claim))
        self._ending_threads.submit(lambda: delivery.end(Failed(), error, 0.0))
        return True

    def _delivery(self, claim: Claim, task: Task) -> Delivery:
        return Delivery(claim, task, self._endings, self._desk)

    def _task(self, claim: Claim) -> Task:
        try:
            return self._resolve(claim)
        except Exception:
            return unresolved_task(claim)

    def _submit(self, delivery: Delivery, work: Callable[[], None]) -> None:
        def run() -> None:
            if not delivery.claim.begin():
                return
            try:
                work()
            except BaseException as error:  # a fault of the engine, or a job's odd hash
                journal.fault("engine.error", delivery.claim, delivery.task.name, error)
                delivery.refuse(error)
                self._desk.ended(delivery.claim)

        self._slots.submit(run)

    def _run_if_admitted(self, delivery: Delivery) -> None:
        try:
            admitted = self._endings.admit(delivery.claim, delivery.task)
        except Exception as error:
            delivery.refuse(error)
            return
        if not admitted:
            self._desk.ended(delivery.claim)
        elif delivery.task.is_async:
            self._coroutines.start(delivery)
        else:
            self._run(delivery)

    def _run(self, delivery: Delivery) -> None:
        again = True
        while again:
            delivery.bind()
            with journal.attempt(delivery.claim, delivery.task.name):
                wait = self._attempt(delivery)
            again = wait is not None and delivery.wait_in_slot(wait, self._draining)

    def _attempt(self, delivery: Delivery) -> float | None:
        """Run it once. Returns seconds to wait in the slot, None when the delivery is over."""
        journal.start(delivery.claim, delivery.task.name)
        started = time.perf_counter()
        deadline = delivery.deadline()
        try:
            with deadline:
                if delivery.claim.stopped:  # before it began
                    raise JobStopped
                result = delivery.call()
        except BaseException as error:
            if os.getpid() != self._pid:
                os._exit(1)
            return delivery.raised(error, time.perf_counter() - started)
        finally:
            deadline.close()
        if os.getpid() != self._pid:
            os._exit(0)  # the job forked, and this is its child coming back
        delivery.succeed(result, time.perf_counter() - started)
        return None
