"""The worker: many jobs at once in one process, to every RQ tool one ordinary RQ worker.

The main thread alone takes jobs and stores plain outcomes, both in one trip to Redis
(`exchange`). Job threads run the jobs (`runner`) and hand outcomes back through one inbox.
Beside them one thread each waits for arrivals, renews the lease, looks for the jobs of dead
workers, watches deadlines, and listens to RQ's commands.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

from redis import Redis
from redis.client import Pipeline, PubSub
from redis.exceptions import RedisError
from rq.command import handle_command, parse_payload
from rq.exceptions import AbandonedJobError
from rq.job import Job
from rq.registry import StartedJobRegistry
from rq.serializers import JSONSerializer
from rq.utils import now as rq_now
from rq.utils import utcformat
from rq.worker import BaseWorker, WorkerStatus
from rq.worker_registration import register

from . import journal, keys
from .arrivals import Arrivals
from .claimed import Claim
from .deadlines import Deadline
from .exchange import HAS_DEPENDENTS, NOT_OURS, REQUEUED, Exchange, Outcome
from .lease import Lease
from .outcomes import FailureHook, Outcomes
from .processor import processors
from .recovery import Entry, Recovery
from .runner import Runner
from .tasks import Resolver, processor_task, unresolved_task

# RQ's own limit for callbacks works in the main thread only.
StartedJobRegistry.death_penalty_class = Deadline


@dataclass(frozen=True, slots=True)
class Options:
    """How a worker works.

    Args:
        concurrency: How many jobs it runs at the same time.
        shutdown_timeout: Seconds that running jobs are given to end when it is told to stop.
        lease: Seconds after which a worker that does not renew its key counts as dead.
            Shorter finds a dead worker's jobs sooner; longer forgives longer pauses.
        delivery_limit: Deliveries that may end with their worker's death before a job fails.
        promote_interval: Seconds between looks for delayed jobs that are due.
        maintenance_interval: Seconds between runs of RQ's own maintenance.
        resolve: Finds what a job calls; by default only processors may run.
        failure_hooks: Called with each job that failed for good.
        beat: Called by the main loop and the lease; True or False when Redis did or did not
            answer. For a health check from outside.
    """

    concurrency: int = 5
    shutdown_timeout: float = 25.0
    lease: int = 16
    delivery_limit: int = 2
    promote_interval: float = 0.5
    maintenance_interval: int = 600
    resolve: Resolver = processor_task
    failure_hooks: list[FailureHook] = field(default_factory=list)
    beat: Callable[[bool], None] = lambda _: None


class ThreadWorker(BaseWorker):
    """Runs the jobs of its queues in threads.

    Args:
        queues: Names of the queues, most important first.
        connection: Client for the main thread and the outcomes. It must not retry by itself.
        name: Unique name of this worker.
        options: How it works.

    Raises:
        redis.exceptions.RedisError: Redis cannot be reached; wait for it before.
    """

    death_penalty_class = Deadline
    log_result_lifespan = False

    def __init__(
        self, queues: Sequence[str], connection: Redis, name: str, options: Options | None = None
    ) -> None:
        self.options = options or Options()
        self._stopped = threading.local()
        super().__init__(
            list(queues),
            name=name,
            connection=connection,
            serializer=JSONSerializer,
            worker_ttl=self.options.lease,
            maintenance_interval=self.options.maintenance_interval,
            log_job_description=False,
        )
        limits = [each.policy.timeout for each in processors()]
        longest = -1 if None in limits else max((t for t in limits if t), default=180)
        hold = 60 + round(self.options.shutdown_timeout)
        self.exchange = Exchange(connection, self.queues, name, longest, hold)
        self._leaving = threading.Event()
        self._draining = threading.Event()
        self._outcomes = Outcomes(
            self,
            self.exchange,
            lease=self.options.lease,
            leaving=self._leaving,
            hooks=self.options.failure_hooks,
        )
        self._inbox: SimpleQueue[Outcome | Claim | None] = SimpleQueue()
        self._runner = Runner(
            resolve=self.options.resolve,
            outcomes=self._outcomes,
            returned=self._inbox.put,
            ended=self._inbox.put,
            yielded=self._yield,
            draining=self._draining,
        )
        self._running: dict[str, Claim] = {}
        self._pending: list[Outcome] = []
        self._yielded: list[Claim] = []
        self._drain_until = float("inf")
        self._hungry = True
        self._suspended = False
        self._taken = 0
        self._promote_at = 0.0
        self._trouble_wait = 0.0
        self._trade_at = 0.0

    # --- what RQ's code asks ----------------------------------------------------------------

    @property
    def connection_timeout(self) -> int:
        """Seconds a command may take; RQ would wait for minutes."""
        return 5

    @property
    def _stopped_job_id(self) -> str | None:
        # RQ has one per worker; here each thread ends its own job.
        return getattr(self._stopped, "job_id", None)

    @_stopped_job_id.setter
    def _stopped_job_id(self, job_id: str | None) -> None:
        self._stopped.job_id = job_id

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Renew the lease. RQ's callers ask for minutes, which would hide a dead worker."""
        connection: Any = pipeline if pipeline is not None else self.connection
        self.last_heartbeat = rq_now()
        connection.hset(self.key, "last_heartbeat", utcformat(self.last_heartbeat))
        connection.expire(self.key, self.options.lease)

    def handle_payload(self, message: dict[str, Any]) -> None:
        """Obey a command of `rq` or the dashboard."""
        payload = parse_payload(message)
        if payload["command"] in ("stop-job", "stop-execution"):
            for claim in list(self._running.values()):
                wanted = payload.get("execution_id", claim.execution_id)
                if claim.job_id == payload.get("job_id") and claim.execution_id == wanted:
                    self._runner.stop(claim)
        else:
            handle_command(self, payload)

    def _pubsub_exception_handler(self, exc: Exception, pubsub: PubSub, thread: Any) -> None:
        """Keep listening through every outage of Redis."""
        if self._leaving.wait(1.0):
            thread.stop()

    # --- life -------------------------------------------------------------------------------

    def drain(self, *, now: bool = False) -> None:
        """Take no more jobs, let running ones end, then leave. Safe in a signal handler.

        Args:
            now: Give back what still runs at once.
        """
        wait = 0.0 if now else self.options.shutdown_timeout
        self._drain_until = min(self._drain_until, time.monotonic() + wait)
        self._draining.set()
        self._inbox.put(None)

    def run(self, *, burst: bool = False, max_jobs: int | None = None) -> int:
        """Work until drained.

        Args:
            burst: Leave when the queues are empty and everything taken has ended.
            max_jobs: Leave after this many jobs.

        Returns:
            How many jobs were still running and were given back: their threads cannot be
            ended, so the process should leave by `os._exit`.
        """
        self.register_birth()
        self._renew()
        self.subscribe()
        self.set_state(WorkerStatus.STARTED)
        arrivals = Arrivals(self.connection, self.queue_keys(), self._arrived)
        lease = Lease(self._renew, self.options.lease, self.options.beat)
        recovery = Recovery(
            self.connection,
            self.queues,
            self.exchange,
            interval=self.options.lease / 4,
            limit=self.options.delivery_limit,
            give_up=self._give_up,
            maintain=self._maintain,
        )
        lease.start()
        recovery.start()
        try:
            self._loop(arrivals, burst=burst, max_jobs=max_jobs)
            return len(self._running)
        finally:
            self._leaving.set()
            recovery.close()
            lease.close()
            arrivals.close()
            self._sign_off()

    def _loop(self, arrivals: Arrivals, *, burst: bool, max_jobs: int | None) -> None:
        while True:
            self._collect()
            self.options.beat(self._trouble_wait == 0.0)
            if self._draining.is_set() and self._drained():
                return
            if max_jobs is not None and self._taken >= max_jobs and not self._draining.is_set():
                self.drain()
            if time.monotonic() < self._trade_at or not self._worth_a_trip(max_jobs):
                continue
            asked, got = self._trade(max_jobs)
            if got < asked and self._trouble_wait == 0.0:
                self._hungry = False
                if burst and not self._running and not self._pending:
                    return
                if not burst and not self._suspended:  # a suspended worker looks at its next tick
                    arrivals.arm()

    def _worth_a_trip(self, max_jobs: int | None) -> bool:
        if self._pending or self._yielded:
            return True
        free = self._free(max_jobs)
        return free > 0 and (self._hungry or time.monotonic() >= self._promote_at)

    def _free(self, max_jobs: int | None) -> int:
        if self._draining.is_set():
            return 0
        free = self.options.concurrency - len(self._running)
        return free if max_jobs is None else min(free, max_jobs - self._taken)

    def _collect(self) -> None:
        """Take what the threads have to say; wait for it when there is nothing else to do."""
        wait = self._patience()
        try:
            message = self._inbox.get(timeout=wait) if wait > 0 else self._inbox.get_nowait()
            while True:
                self._note(message)
                message = self._inbox.get_nowait()
        except Empty:
            return

    def _patience(self) -> float:
        now = time.monotonic()
        if now < self._trade_at:
            return self._trade_at - now
        if self._pending or self._yielded or (self._hungry and self._free(None) > 0):
            return 0.0
        until = min(self._promote_at, self._drain_until)
        return min(max(until - now, 0.01), 1.0)

    def _note(self, message: Outcome | Claim | None) -> None:
        if isinstance(message, Outcome):
            self._pending.append(message)
        elif isinstance(message, Claim):
            self._running.pop(message.entry, None)
            self._hungry = True

    def _arrived(self) -> None:
        self._hungry = True
        self._inbox.put(None)

    def _yield(self, claim: Claim) -> None:
        self._yielded.append(claim)
        self._inbox.put(None)

    # --- trips to Redis ---------------------------------------------------------------------

    def _trade(self, max_jobs: int | None) -> tuple[int, int]:
        """One trip. Returns how many jobs were asked for, and how many came."""
        free = self._free(max_jobs)
        promote = time.monotonic() >= self._promote_at
        outcomes = self._pending[:1000]
        try:
            if self._trouble_wait:
                self._reconcile()
            self._release(self._yielded, "drain")
            trade = self.exchange.trade(outcomes, free=free, promote=promote)
        except RedisError as error:
            self._in_trouble(error)
            return 0, 0
        self._out_of_trouble()
        if promote:
            self._promote_at = time.monotonic() + self.options.promote_interval
        del self._pending[: len(outcomes)]
        for outcome, code in zip(outcomes, trade.codes, strict=True):
            self._stored(outcome, code)
        self._note_suspension(trade.suspended)
        for claim in trade.claims:
            self._running[claim.entry] = claim
            self._runner.start(claim)
        self._taken += len(trade.claims)
        for queue, job in trade.limited:
            self._promote_limited(queue, job)
        return free, len(trade.claims)

    def _stored(self, outcome: Outcome, code: int) -> None:
        if code == HAS_DEPENDENTS:
            self._runner.finish_by_rq(outcome)
            return
        if code == NOT_OURS:
            journal.dropped(outcome.claim)
        self._running.pop(outcome.claim.entry, None)

    def _in_trouble(self, error: RedisError) -> None:
        first = self._trouble_wait == 0.0
        self._trouble_wait = 0.1 if first else min(self._trouble_wait * 2, 2.0)
        self._trade_at = time.monotonic() + self._trouble_wait
        if first:
            journal.log.warning("redis.lost", error=type(error).__name__, detail=str(error))
        # A failover leaves connections to a server that is no longer the master.
        self.connection.connection_pool.disconnect(inuse_connections=False)

    def _out_of_trouble(self) -> None:
        if self._trouble_wait:
            self._trouble_wait = 0.0
            self._hungry = True
            journal.log.info("redis.back")

    def _reconcile(self) -> None:
        """Put back jobs that a lost reply left with us in Redis, but that nobody runs."""
        members = self.connection.smembers(keys.worker_executions(self.name))
        known = {entry.encode() for entry in self._running}
        lost = [member.decode().split(":", 1) for member in members - known]
        if not lost:
            return
        with self.connection.pipeline(transaction=False) as pipeline:
            for job, _ in lost:
                pipeline.hget(keys.JOB + job, "origin")
            origins = pipeline.execute()
        entries = [
            ((origin or b"").decode(), job, execution, self.name)
            for (job, execution), origin in zip(lost, origins, strict=True)
        ]
        for entry, code in zip(entries, self.exchange.release(entries), strict=True):
            if code == REQUEUED:
                journal.interrupted(entry[1], reason="the reply of Redis was lost")

    def _promote_limited(self, queue_name: str, job_id: str) -> None:
        """Move a delayed job that is under RQ's RateLimit, by RQ's own code."""
        queue = next(each for each in self.queues if each.name == queue_name)
        try:
            if self.connection.zrem(keys.SCHEDULED + queue_name, job_id):
                job = Job.fetch(job_id, connection=self.connection, serializer=JSONSerializer)
                queue._enqueue_rate_limited_job(job, at_front=job.should_enqueue_at_front())
        except Exception:
            journal.log.exception("job.promote", jobId=job_id)

    def _note_suspension(self, suspended: bool) -> None:
        if suspended == self._suspended:
            return
        self._suspended = suspended
        journal.log.info("worker.suspended" if suspended else "worker.resumed")
        self.set_state(WorkerStatus.SUSPENDED if suspended else WorkerStatus.IDLE)

    # --- leaving ----------------------------------------------------------------------------

    def _drained(self) -> bool:
        if not self._running and not self._pending:
            return True
        if time.monotonic() < self._drain_until:
            return False
        self._give_back()
        return True

    def _give_back(self) -> None:
        """Queue again what still runs, and store what has just ended."""
        leftovers = [claim for claim in self._running.values() if claim.settle()]
        self._await_ending({claim.entry for claim in leftovers})
        for attempt in (0.1, 0.5, 1.0):
            try:
                if self._pending:
                    self.exchange.trade(self._pending, free=0, promote=False)
                    for outcome in self._pending:
                        self._running.pop(outcome.claim.entry, None)
                    self._pending.clear()
                self._release(leftovers, "drain")
            except RedisError as error:
                journal.log.warning("redis.lost", error=type(error).__name__, detail=str(error))
                time.sleep(attempt)
            else:
                return
        # Redis is away: the lease runs out and another worker finds these jobs.

    def _await_ending(self, leftovers: set[str]) -> None:
        """Wait a moment for jobs whose threads are writing their outcome right now."""
        end = time.monotonic() + 2.0
        while time.monotonic() < end:
            arrived = leftovers | {outcome.claim.entry for outcome in self._pending}
            if self._running.keys() <= arrived:
                return
            try:
                self._note(self._inbox.get(timeout=0.05))
            except Empty:
                continue

    def _release(self, claims: list[Claim], reason: str) -> None:
        entries = [(c.queue.name, c.job_id, c.execution_id, c.worker) for c in claims]
        codes = self.exchange.release(entries)
        for claim, code in zip(list(claims), codes, strict=True):
            if claim in self._yielded:
                self._running.pop(claim.entry, None)
            if code == REQUEUED:
                journal.interrupted(claim.job_id, reason=reason)
        self._yielded = [claim for claim in self._yielded if claim not in claims]

    def _sign_off(self) -> None:
        try:
            self.register_death()
            self.unsubscribe()
        except RedisError:
            journal.log.warning("redis.lost", detail="could not sign off; the lease will run out")

    # --- other threads ----------------------------------------------------------------------

    def _renew(self) -> None:
        """Write the worker's key with its lease; all of it, should it have expired."""
        with self.connection.pipeline() as pipeline:
            self.last_heartbeat = rq_now()
            state = WorkerStatus.BUSY if self._running else WorkerStatus.IDLE
            fields = self.serialize() | {"state": WorkerStatus.SUSPENDED if self._suspended else state}
            pipeline.hset(self.key, mapping=fields)
            pipeline.expire(self.key, self.options.lease)
            register(self, pipeline)
            pipeline.execute()

    def _give_up(self, entry: Entry) -> None:
        """Fail a job that has brought down its workers too often."""
        queue_name, job_id, execution_id, _ = entry
        queue = next(each for each in self.queues if each.name == queue_name)
        raw = self.connection.hgetall(keys.JOB + job_id)
        claim = Claim(queue, execution_id, job_id, raw, self.name)
        try:
            task = self.options.resolve(claim)
        except Exception:
            task = unresolved_task(claim)
        count = claim.number(keys.INTERRUPTIONS.encode()) or 0
        error = AbandonedJobError(f"{count} deliveries ended with the death of their worker")
        self._outcomes.abandon(claim, task, error)

    def _maintain(self) -> None:
        if self.should_run_maintenance_tasks:
            self.clean_registries()
            self.clean_group_registries()
