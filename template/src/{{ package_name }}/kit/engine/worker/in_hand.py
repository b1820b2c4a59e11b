"""The jobs that this worker holds, and every way of giving one back."""

from __future__ import annotations

import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from ..run import journal
from ..run.draining import STOPS
from ..store import keys
from ..store.claim import Claim
from ..store.exchange import REQUEUED, Exchange, Outcome

_ENDING = 2.0  # seconds that a job being written at the drain's deadline is waited for


class InHand:
    """Jobs in hand: running ones, outcomes not yet stored, jobs that gave themselves back.

    Only the worker's main thread changes it. What `returned`, `ended`, `yielded` and `wake` say
    in other threads waits until the main thread collects it.
    """

    def __init__(self, exchange: Exchange, connection: Redis, worker: str) -> None:
        self.running: dict[str, Claim] = {}
        self.outcomes: list[Outcome] = []
        self.over: list[Claim] = []  # ended in another way; their ids are still taken
        self._inbox: SimpleQueue[tuple[Callable[[Any], object], Any]] = SimpleQueue()
        self._yielded: list[tuple[Claim, str]] = []  # and why
        self._lost: set[str] = set()  # what the last look found with us, but not running
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
        return bool(self.outcomes or self._yielded or self.over)

    def returned(self, outcome: Outcome) -> None:
        """A job returned: the next trip to Redis stores it."""
        self._inbox.put((self.outcomes.append, outcome))

    def ended(self, claim: Claim) -> None:
        """A delivery is over in any other way."""
        self._inbox.put((self._close, claim))

    def yielded(self, claim: Claim, reason: str) -> None:
        """A delivery gives itself back: to the front of its queue, no attempt spent."""
        self._inbox.put((self._yielded.append, (claim, reason)))

    def wake(self) -> None:
        """Let the main thread look around."""
        self._inbox.put((bool, None))

    def _close(self, claim: Claim) -> None:
        if self.running.pop(claim.entry, None) is not None:
            self.over.append(claim)

    def collect(self, timeout: float) -> bool:
        """Take all that the other threads have said.

        Args:
            timeout: Seconds to wait for the first message. More are not waited for: while Redis
                works on one trip, the outcomes for the next gather by themselves.

        Returns:
            Whether there was any.
        """
        heard = False
        try:
            note, what = self._inbox.get(timeout > 0, timeout or None)
            heard = True
            while True:
                note(what)
                note, what = self._inbox.get_nowait()
        except Empty:
            return heard

    def return_yielded(self) -> None:
        """Put back the jobs that gave up their slot.

        Raises:
            redis.exceptions.RedisError: Nothing has changed.
        """
        if self._yielded:
            self._release(self._yielded)
            for claim, _ in self._yielded:
                self.running.pop(claim.entry, None)
            self._yielded.clear()

    def let_go(self, claim: Claim) -> bool:
        """Let go of a job unless it has started; `put_back` must follow."""
        if not claim.begin():
            return False
        self.running.pop(claim.entry, None)
        return True

    def put_back(self, claims: list[Claim]) -> None:
        """Queue jobs again that were let go of.

        Raises:
            redis.exceptions.RedisError: They come back when the lost replies are put in order.
        """
        self._exchange.release(map(_entry, claims))

    def reconcile(self, *, at_once: bool) -> None:
        """Put back jobs that a lost reply left with us in Redis, but that nobody runs.

        Args:
            at_once: After trouble. Otherwise only what the look before has found, too: a job
                that is being given up stands there for a moment.

        Raises:
            redis.exceptions.RedisError: Redis is still away.
        """
        members = self._connection.smembers(keys.worker_executions(self._worker))
        entries = {m.decode() if isinstance(m, bytes) else m for m in members}
        found = entries - self.running.keys()
        lost = [entry.split(":", 1) for entry in (found if at_once else found & self._lost)]
        self._lost = found
        if not lost:
            return
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

    def give_back(self, stored: Callable[[Outcome, int], None]) -> None:
        """At the drain's deadline: store what has just ended, queue again what still runs.

        Args:
            stored: Told of each outcome, with Redis' answer to it.
        """
        leftovers = [claim for claim in self.running.values() if claim.settle()]
        self._await_ending({claim.entry for claim in leftovers})
        for pause in (0.1, 0.5, 1.0):
            try:
                if self.outcomes:
                    trade = self._exchange.trade(self.outcomes)
                    outcomes = self.outcomes.copy()
                    self.outcomes.clear()
                    for outcome, code in zip(outcomes, trade.codes, strict=True):
                        stored(outcome, code)
                self._release([(claim, STOPS) for claim in leftovers])
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

    def _release(self, claims: list[tuple[Claim, str]]) -> None:
        codes = self._exchange.release(_entry(claim) for claim, _ in claims)
        for (claim, reason), code in zip(claims, codes, strict=True):
            if code == REQUEUED:
                journal.interrupted(claim.queue.name, claim.job_id, reason=reason)


def _entry(claim: Claim) -> tuple[str, str, str, str]:
    return claim.queue.name, claim.job_id, claim.execution_id, claim.worker
