"""The jobs that this worker holds, and every way of giving one back."""

from __future__ import annotations

import time
from collections.abc import Callable
from queue import Empty, SimpleQueue

from redis import Redis
from redis.exceptions import RedisError

from . import journal, keys
from .claimed import Claim
from .exchange import REQUEUED, Exchange, Outcome

_ENDING = 2.0  # seconds that a job being written at the drain's deadline is waited for
_LINGER, _LINGER_TOTAL = 0.0001, 0.0003  # seconds; many outcomes in one trip cost far less


class Custody:
    """Jobs in hand: running ones, outcomes not yet stored, jobs that gave themselves back.

    Only the worker's main thread changes it; other threads speak through the inbox.

    Args:
        exchange: For putting jobs back.
        connection: Redis client.
        worker: Name of the worker.
    """

    def __init__(self, exchange: Exchange, connection: Redis, worker: str) -> None:
        self.running: dict[str, Claim] = {}
        self.outcomes: list[Outcome] = []
        self.inbox: SimpleQueue[Outcome | Claim | Callable[[], None] | None] = SimpleQueue()
        self._yielded: list[Claim] = []
        self._exchange = exchange
        self._connection = connection
        self._worker = worker

    @property
    def empty(self) -> bool:
        """Whether nothing is running and nothing waits to be stored."""
        return not self.running and not self.outcomes

    @property
    def has_news(self) -> bool:
        """Whether there is anything to tell Redis."""
        return bool(self.outcomes or self._yielded)

    def collect(self, timeout: float) -> None:
        """Take what the other threads say.

        Args:
            timeout: Seconds to wait for the first message. After it a moment is waited for
                others: jobs that were taken together tend to end together.
        """
        try:
            self._note(self.inbox.get(timeout=timeout) if timeout > 0 else self.inbox.get_nowait())
            end = time.monotonic() + _LINGER_TOTAL
            while True:
                while not self.inbox.empty():
                    self._note(self.inbox.get_nowait())
                if len(self.outcomes) >= len(self.running) or time.monotonic() > end:
                    return
                self._note(self.inbox.get(timeout=_LINGER))
        except Empty:
            return

    def _note(self, message: Outcome | Claim | Callable[[], None] | None) -> None:
        if isinstance(message, Outcome):
            self.outcomes.append(message)
        elif isinstance(message, Claim):
            self.running.pop(message.entry, None)
        elif message is not None:
            message()

    def give_up_slot(self, claim: Claim) -> None:
        """A job gives itself back, from its thread, because the worker is draining."""
        self.inbox.put(lambda: self._yielded.append(claim))

    def return_yielded(self) -> None:
        """Put back the jobs that gave up their slot.

        Raises:
            redis.exceptions.RedisError: Nothing has changed.
        """
        if self._yielded:
            self._release(self._yielded)
            for claim in self._yielded:
                self.running.pop(claim.entry, None)
            self._yielded = []

    def reconcile(self) -> None:
        """Put back jobs that a lost reply left with us in Redis, but that nobody runs.

        Raises:
            redis.exceptions.RedisError: Redis is still away.
        """
        members = self._connection.smembers(keys.worker_executions(self._worker))
        entries = {m.decode() if isinstance(m, bytes) else m for m in members}
        lost = [entry.split(":", 1) for entry in entries - self.running.keys()]
        with self._connection.pipeline(transaction=False) as pipeline:
            for job, _ in lost:
                pipeline.hget(keys.JOB + job, "origin")
            origins = pipeline.execute()
        listed = [
            ((origin or b"").decode(), job, execution, self._worker)
            for (job, execution), origin in zip(lost, origins, strict=True)
        ]
        for entry, code in zip(listed, self._exchange.release(listed), strict=True):
            if code == REQUEUED:
                journal.interrupted(*entry[:2], reason="the reply of Redis was lost")

    def give_back(self) -> None:
        """At the drain's deadline: store what has just ended, queue again what still runs."""
        leftovers = [claim for claim in self.running.values() if claim.settle()]
        self._await_ending({claim.entry for claim in leftovers})
        for pause in (0.1, 0.5, 1.0):
            try:
                if self.outcomes:
                    self._exchange.trade(self.outcomes, free=0, promote=False)
                    for outcome in self.outcomes:
                        self.running.pop(outcome.claim.entry, None)
                    self.outcomes = []
                self._release(leftovers)
            except RedisError as error:
                journal.redis_lost(error)
                time.sleep(pause)
            else:
                return
        # Redis is away: the lease runs out, and another worker finds these jobs.

    def _await_ending(self, leftovers: set[str]) -> None:
        """Wait a moment for jobs whose threads are writing their outcome right now."""
        end = time.monotonic() + _ENDING
        while time.monotonic() < end:
            arrived = leftovers | {outcome.claim.entry for outcome in self.outcomes}
            if self.running.keys() <= arrived:
                return
            self.collect(0.05)

    def _release(self, claims: list[Claim]) -> None:
        entries = [(c.queue.name, c.job_id, c.execution_id, c.worker) for c in claims]
        for claim, code in zip(claims, self._exchange.release(entries), strict=True):
            if code == REQUEUED:
                journal.interrupted(claim.queue.name, claim.job_id, reason="the worker stops")
