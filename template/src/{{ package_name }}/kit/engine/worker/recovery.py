"""Finding the jobs of workers that died, and the small repairs that RQ leaves to maintenance."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from redis import Redis
from redis.exceptions import RedisError
from rq.queue import Queue
from rq.rate_limit import RateLimitRegistry

from ..background import Every
from ..run import journal
from ..store import keys
from ..store.exchange import GONE, LIMIT_REACHED, REQUEUED, Exchange

Entry = tuple[str, str, str, str]  # queue, job id, execution id, worker

_CERTAIN = 12  # looks after which a worker is so surely gone that its job may be failed


class Recovery(Every):
    """Looks for abandoned jobs in a thread of its own.

    A worker counts as dead when its key is gone in two looks: after an outage of Redis every
    key has expired, and the living need a moment to write theirs again. A job is failed for
    bringing its workers down only when the last of them has been gone for much longer: one that
    was held up past its lease comes back, and stores the job's outcome.

    Args:
        connection: Redis client.
        queues: The queues to look after.
        exchange: For putting jobs back.
        interval: Seconds between two looks.
        limit: Deliveries that may end with their worker's death before a job is given up.
        give_up: Called with the entry of a job that reached the limit; must fail it.
        maintain: RQ's own maintenance, run now and then.
    """

    def __init__(
        self,
        connection: Redis,
        queues: Sequence[Queue],
        exchange: Exchange,
        *,
        interval: float,
        limit: int,
        give_up: Callable[[Entry], None],
        maintain: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._queues = queues
        self._exchange = exchange
        super().__init__(interval, self._look, name="recovery")
        self._interval = interval
        self._limit = limit
        self._give_up = give_up
        self._maintain = maintain
        self._suspects: dict[str, float] = {}
        self._to_give_up: list[Entry] = []
        self._cursors: dict[str, str] = {}  # how far each queue's keys have been looked at

    def _look(self) -> None:
        try:
            self.sweep()
        except RedisError:
            self._suspects.clear()  # what was seen before an outage proves nothing after it
            raise
        for queue in self._queues:
            # Parents that end at the same moment leave their dependents here.
            queue.ready_job_registry.cleanup()
            cursor = self._cursors.get(queue.name, "0")
            self._cursors[queue.name] = self._exchange.pass_on_keys(queue.name, cursor)
        self._maintain()

    def sweep(self) -> int:
        """Take one look.

        Returns:
            How many jobs were queued again.
        """
        entries = self._running()
        dead = self._dead({entry[3] for entry in entries})
        now = time.monotonic()
        self._suspects = {name: self._suspects.get(name, now) for name in dead}
        # A hair less than the interval: the thread's own wake-up is the clock.
        requeued = self._release(entries, self._gone_for(0.9 * self._interval))
        self._release(entries, self._gone_for(_CERTAIN * self._interval), certain=True)
        while self._to_give_up:  # what an error leaves here comes first in the next look
            try:
                self._give_up(self._to_give_up[-1])
            except RedisError:
                raise
            except Exception:
                journal.log.exception("recovery.error")
            self._to_give_up.pop()
        return requeued

    def _gone_for(self, seconds: float) -> set[str]:
        limit = time.monotonic() - seconds
        return {name for name, since in self._suspects.items() if since <= limit}

    def _release(self, entries: list[Entry], gone: set[str], *, certain: bool = False) -> int:
        abandoned = [entry for entry in entries if entry[3] in gone]
        codes = self._exchange.release(abandoned, dead=True, limit=self._limit, certain=certain)
        for entry, code in zip(abandoned, codes, strict=True):
            if code == REQUEUED:
                journal.interrupted(*entry[:2], reason=f"worker {entry[3]} died")
            elif code == LIMIT_REACHED:
                self._to_give_up.append(entry)
        if GONE in codes:
            self._free_places()
        return codes.count(REQUEUED)

    def _free_places(self) -> None:
        """A job that was deleted while it ran no longer names the limit whose place it holds."""
        for registry in RateLimitRegistry.all(self._connection):
            registry.cleanup()

    def _running(self) -> list[Entry]:
        """Every running delivery of the queues, with the worker that runs it."""
        with self._connection.pipeline(transaction=False) as pipeline:
            for queue in self._queues:
                pipeline.zrange(keys.STARTED + queue.name, 0, -1)
            for queue in self._queues:
                pipeline.hgetall(keys.RUNNING + queue.name)
            answers = pipeline.execute()
            registries, taken = answers[: len(self._queues)], answers[len(self._queues) :]
            found = [
                (queue.name, *member.decode().split(":", 1))
                for queue, members in zip(self._queues, registries, strict=True)
                for member in members
                if b":" in member
            ]
            for _, job, execution in found:
                pipeline.hget(f"{keys.EXECUTION}{job}:{execution}", "worker_name")
                pipeline.hget(keys.JOB + job, "worker_name")  # where that record has expired
            names = pipeline.execute()
        owners = [record or job for record, job in zip(names[::2], names[1::2], strict=True)]
        entries = [
            (queue, job, execution, owner.decode())
            for (queue, job, execution), owner in zip(found, owners, strict=True)
            if owner
        ]
        return entries + self._without_entry(entries, taken)

    def _without_entry(self, entries: list[Entry], taken: list[dict[bytes, bytes]]) -> list[Entry]:
        """Deliveries of jobs that were deleted while they ran: only their ids are still taken."""
        known = {(job, execution) for _, job, execution, _ in entries}
        return [
            (queue.name, job.decode(), execution, worker)
            for queue, holders in zip(self._queues, taken, strict=True)
            for job, holder in holders.items()
            for execution, _, worker in [holder.decode().partition(" ")]
            if (job.decode(), execution) not in known
        ]

    def _dead(self, workers: set[str]) -> set[str]:
        names = sorted(workers)
        with self._connection.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.exists(keys.WORKER + name)
                pipeline.hexists(keys.WORKER + name, "death")
            answers = pipeline.execute()
        return {
            name
            for name, alive, buried in zip(names, answers[::2], answers[1::2], strict=True)
            if not alive or buried
        }
