"""The worker: many jobs at once in one process, to every RQ tool one ordinary RQ worker.

The main thread alone takes jobs and stores plain outcomes, both in one trip to Redis
(`exchange`). Job threads run the jobs (`runner`) and hand outcomes back through one inbox
(`in_hand`). Beside them one thread each waits for arrivals, renews the lease, looks for the
jobs of dead workers, watches deadlines, and listens to RQ's commands (`membership`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from redis import Redis
from redis.exceptions import RedisError
from rq.exceptions import AbandonedJobError
from rq.timeouts import JobTimeoutException
from rq.worker import WorkerStatus

from ..background import Every, Pause
from ..job.order import Orders
from ..job.processor import processors
from ..run import journal
from ..run.endings import Endings
from ..run.runner import Runner
from ..run.task import unresolved_task
from ..run.verdict import Failed
from ..store.claim import Claim
from ..store.exchange import NOT_OURS, Exchange, Outcome
from .arrivals import Arrivals
from .in_hand import InHand
from .membership import MemberWorker
from .options import Options
from .prefetch import PATIENCE, Prefetch
from .recovery import Entry, Recovery
from .suspects import Suspects

_BATCH = 1000  # outcomes handed in by one trip
_BEAT = 3.0  # seconds after which a loop that is always busy says that it turns


class ThreadWorker(MemberWorker):
    """Runs the jobs of its queues in threads.

    Args:
        queues: Names of the queues, most important first.
        connection: The client. It must not retry by itself.
        name: Unique name of this worker.
        options: How it works.

    Raises:
        redis.exceptions.RedisError: Redis cannot be reached; wait for it before.
    """

    def __init__(
        self, queues: Sequence[str], connection: Redis, name: str, options: Options | None = None
    ) -> None:
        super().__init__(queues, connection, name, options or Options())
        self._draining = threading.Event()
        self._exchange = Exchange(
            connection, self.queues, name, Orders(processors()), self.options.lease
        )
        self._in_hand = InHand(self._exchange, connection, name)
        self._endings = Endings(
            self,
            self._exchange,
            leaving=self.leaving,
            gate=self.options.gate,
            draining=self.draining,
        )
        self._runner = Runner(
            slots=self.options.concurrency,
            resolve=self.options.resolve,
            endings=self._endings,
            desk=self._in_hand,
            draining=self._draining,
        )
        self._prefetch = Prefetch(self.options.concurrency)
        self._drain_until = float("inf")
        self._hungry = True  # the queues may hold jobs
        self._left_to_take: float = float("inf")
        self._promote_at = 0.0
        self._taken: list[Claim] = []  # jobs of the last trip, not started yet
        self._turned_away = False  # whether one of them found no room
        self._heard_at = 0.0  # when a job last came or ended
        self._trouble = Pause()  # between tries while Redis is away
        self._suspects = Suspects(self.options.delivery_limit)
        self.hopeless = 0  # jobs whose threads go on although their time is long over
        self._trade_at = 0.0
        self._beat_at = 0.0
        self._reconcile_at = 0.0

    def current_state(self) -> WorkerStatus:
        """What `rq info` shows of this worker."""
        return WorkerStatus.BUSY if self._in_hand.running else super().current_state()

    def stop_job(self, job_id: str, execution_id: str | None) -> None:
        """Stop a running job because somebody asked for it."""
        for claim in list(self._in_hand.running.values()):
            if claim.job_id == job_id and execution_id in (None, claim.execution_id):
                self._runner.stop(claim)

    def drain(self, *, now: bool = False) -> None:
        """Take no more jobs, let running ones end, then leave. Safe in a signal handler.

        Args:
            now: Give back what still runs at once.
        """
        wait = 0.0 if now else self.options.shutdown_timeout
        self._drain_until = min(self._drain_until, time.monotonic() + wait)
        self.draining.asked = True
        self._draining.set()
        self._in_hand.wake()

    def run(self, *, burst: bool = False, max_jobs: int | None = None) -> int:
        """Work until drained.

        Args:
            burst: Leave when the queues are empty and everything taken has ended.
            max_jobs: Leave after this many jobs.

        Returns:
            How many jobs were still running, and were given back or failed: their threads
            cannot be ended, so the process should leave by `os._exit`.
        """
        self._left_to_take = float("inf") if max_jobs is None else max_jobs
        self.sign_on()
        arrivals = Arrivals(self.connection, self.queue_keys(), self._arrived)
        # Sooner after an outage: the key must be back before others look twice.
        renewal = Every(
            self.options.lease / 4,
            self.renew,
            name="lease",
            after_outage=min(1.0, self.options.lease / 4),
        )
        recovery = Recovery(
            self.connection,
            self.queues,
            self._exchange,
            interval=self.options.lease / 4,
            limit=self.options.delivery_limit,
            give_up=self._give_up,
            maintain=self.maintain,
        )
        renewal.start()
        recovery.start()
        try:
            self._loop(arrivals, burst=burst)
            return len(self._in_hand.running) + self.hopeless
        finally:
            self.leaving.set()
            self._endings.progress.close()
            recovery.close()
            renewal.close()
            arrivals.close()
            self._exchange.hang_up()
            self.sign_off()

    def _loop(self, arrivals: Arrivals, *, burst: bool) -> None:
        while True:
            patience = self._patience()
            self._beat(idle=patience > 0)
            self._listen(patience)
            if self._waiting() > 0 or self._turned_away:
                self._return_if_stuck()
            self._start_suspect()
            self._leave_if_hopeless()
            if self._draining.is_set() and self._drained():
                return
            if self._left_to_take <= 0 and not self._draining.is_set():
                self._draining.set()  # without a deadline: nobody is in a hurry
            if time.monotonic() < self._trade_at or not self._worth_a_trip():
                self._start_taken()
                continue
            self._gather()
            asked, got = self._trade()
            if got < asked and not self._trouble.seconds:
                self._hungry = False
                if burst and self._in_hand.empty:
                    return
                if not burst and not self._suspended:  # suspended: look at the next tick
                    arrivals.arm()

    def _beat(self, *, idle: bool) -> None:
        """Say that the loop turns. That may write a file, so a job that has just come goes first."""
        now = time.monotonic()
        if idle or now >= self._beat_at:
            self._beat_at = now + _BEAT
            self.options.beat(not self._trouble.seconds)

    def _drained(self) -> bool:
        if self._in_hand.empty:
            return True
        if time.monotonic() < self._drain_until:
            return False
        self._in_hand.give_back(self._stored)
        return True

    def _free(self) -> int:
        """How many jobs may be taken now."""
        if self._draining.is_set() or self._suspects.present or self.options.gate.shut():
            return 0
        ahead = 0 if self._runner.coroutines else self._prefetch.count
        return int(min(ahead - self._waiting(), self._left_to_take))

    def _waiting(self) -> int:
        """How many jobs wait for a slot; below zero, how many slots are free."""
        # Jobs whose outcome is handed in by the next trip leave their slot with it.
        busy = len(self._in_hand.running) - len(self._in_hand.outcomes)
        return busy - self.options.concurrency

    def _worth_a_trip(self) -> bool:
        if (
            self._in_hand.has_news
            or self._trouble.seconds
            or time.monotonic() >= self._reconcile_at
        ):
            return True
        return self._free() > 0 and (self._hungry or time.monotonic() >= self._promote_at)

    def _patience(self) -> float:
        """Seconds that the main thread may wait for news from the others."""
        if self._taken:
            return 0.0
        now = time.monotonic()
        if now < self._trade_at:
            return self._trade_at - now
        if self._in_hand.has_news or self._trouble.seconds or (self._hungry and self._free() > 0):
            return 0.0
        until = min(self._drain_until, now + (PATIENCE if self._waiting() > 0 else 1.0))
        until = min(until, self._reconcile_at)
        if self._free() > 0:
            until = min(until, self._promote_at)
        return max(until - now, 0.001)

    def _gather(self) -> None:
        """Let outcomes gather while there is enough to do in hand: a trip costs as much as a job."""
        seconds = self._prefetch.spare(self._waiting())
        if seconds and not self._draining.is_set():
            self._start_taken()
            time.sleep(seconds)
            self._listen(0.0)

    def _listen(self, patience: float) -> None:
        if self._in_hand.collect(patience):
            self._heard_at = time.monotonic()

    def _arrived(self) -> None:
        self._hungry = True
        self._in_hand.wake()

    def _trade(self) -> tuple[int, int]:
        """One trip to Redis. Returns how many jobs were asked for, and how many came."""
        # What ended in another way than by success may be due again before the next look.
        promote = bool(self._in_hand.over) or time.monotonic() >= self._promote_at
        outcomes = self._in_hand.outcomes[:_BATCH]
        try:
            now = time.monotonic()
            if self._trouble.seconds or now >= self._reconcile_at:
                self._in_hand.reconcile(at_once=self._trouble.seconds > 0)
                self._reconcile_at = now + self.options.lease / 4
            self._in_hand.return_yielded()
            free = self._free()
            over = self._in_hand.over.copy()
            self._exchange.ask(outcomes, over, free=free, promote=promote)
            self._start_taken()  # while Redis works
            trade = self._exchange.answer()
        except RedisError as error:
            self._in_trouble(error)
            return 0, 0
        self._out_of_trouble()
        if promote:
            wait = self.options.promote_interval
            if trade.due is not None:
                wait = min(wait, trade.due)
            self._promote_at = time.monotonic() + wait
        del self._in_hand.outcomes[: len(outcomes)]
        del self._in_hand.over[: len(over)]
        for outcome, code in zip(outcomes, trade.codes, strict=True):
            self._stored(outcome, code)
            self._prefetch.ended(outcome.seconds)
        for claim in trade.claims:
            self._in_hand.running[claim.entry] = claim
        if trade.claims:
            self._heard_at = time.monotonic()
        self._taken = trade.claims
        self._left_to_take -= len(trade.claims)
        if trade.suspended != self._suspended:
            self._suspended = trade.suspended
            journal.log.info("worker.suspended" if trade.suspended else "worker.resumed")
        for queue, job in trade.limited:
            self._endings.limiter.promote(self._exchange.queues[queue], job)
        return free, free if trade.more else len(trade.claims)

    def _start_taken(self) -> None:
        taken, self._taken = self._taken, []
        innocent, too_many = self._suspects.part(taken)
        for claim in innocent:
            if not self._runner.start(claim, room=self._waiting() <= 0):
                self._turned_away = True
        if too_many:
            self._put_back([claim for claim in too_many if self._in_hand.let_go(claim)])

    def _start_suspect(self) -> None:
        running = self._in_hand.running.keys()
        if self._suspects.forget(running):
            self._hungry = True
        if self._draining.is_set():
            self._put_back(
                [each for each in self._suspects.waiting() if self._in_hand.let_go(each)]
            )
        suspect = self._suspects.release(running)
        if suspect is not None:
            self._runner.start(suspect, room=True)

    def _return_if_stuck(self) -> None:
        """Give back jobs taken ahead if they wait for a slot longer than was thought."""
        stuck = self._turned_away or time.monotonic() - self._heard_at > PATIENCE
        if not stuck or self._trouble.seconds:
            return
        self._turned_away = False
        claims = list(self._in_hand.running.values())
        self._put_back([each for each in claims if self._in_hand.let_go(each)])
        self._prefetch.given_back()

    def _put_back(self, claims: list[Claim]) -> None:
        self._left_to_take += len(claims)
        try:
            self._in_hand.put_back(claims)
        except RedisError as error:
            self._in_trouble(error)

    def _leave_if_hopeless(self) -> None:
        """Leave for a fresh process when a job goes on and on after its timeout."""
        limit = time.monotonic() - self.options.overrun
        for claim in list(self._in_hand.running.values()):
            if claim.deadline is None or claim.deadline.at > limit:
                continue
            late = f"{self.options.overrun:g} seconds after its timeout the job still runs"
            if self._runner.give_up(claim, JobTimeoutException(late)):
                self.hopeless += 1
                journal.stuck(claim, late)
                self.drain()

    def _stored(self, outcome: Outcome, code: int) -> None:
        if code == NOT_OURS:
            journal.dropped(outcome.claim)
        self._in_hand.running.pop(outcome.claim.entry, None)

    def _in_trouble(self, error: RedisError) -> None:
        if not self._trouble.seconds:
            journal.redis_lost(error)
        self._trade_at = time.monotonic() + self._trouble.grow()
        # A failover leaves connections to a server that is no longer the master.
        self._exchange.hang_up()
        self.connection.connection_pool.disconnect(inuse_connections=False)

    def _out_of_trouble(self) -> None:
        if self._trouble.end():
            self._hungry = True
            journal.log.info("redis.back")

    def _give_up(self, entry: Entry) -> None:
        """Fail a job that has brought down its workers too often."""
        queue_name, job_id, execution_id, _ = entry
        raw = self._exchange.read_job(job_id)
        claim = Claim(self._exchange.queues[queue_name], execution_id, job_id, raw, self.name)
        try:
            task = self.options.resolve(claim)
        except Exception:  # the job cannot even be read
            task = unresolved_task(claim)
        count = claim.interruptions
        error = AbandonedJobError(f"{count} deliveries ended with the death of their worker")
        self._endings.failure(claim, task, Failed(), error, 0.0)
