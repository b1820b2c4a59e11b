"""Finding the jobs of workers that died, and the small repairs that RQ leaves to maintenance."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from redis import Redis
from redis.exceptions import RedisError
from rq.queue import Queue

from ..run import journal
from ..store import keys
from ..store.exchange import LIMIT_REACHED, REQUEUED, Exchange

Entry = tuple[str, str, str, str]  # queue, job id, execution id, worker


class Recovery:
    """Looks for abandoned jobs in a thread of its own.

    A worker counts as dead when its key is gone in two looks: after an outage of Redis every
    key has expired, and the living need a moment to write theirs again.

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
        self._interval = interval
        self._limit = limit
        self._give_up = give_up
        self._maintain = maintain
        self._suspects: dict[str, float] = {}
        self._to_give_up: list[Entry] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recovery", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """End after the look under way."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.sweep()
                for queue in self._queues:
                    # Parents that end at the same moment leave their dependents here.
                    queue.ready_job_registry.cleanup()
                self._maintain()
            except RedisError:
                self._suspects.clear()  # what was seen before an outage proves nothing after it
            except Exception:
                journal.log.exception("recovery.error")
            self._stop.wait(self._interval)

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
        certain = {n for n, since in self._suspects.items() if now - since >= self._interval * 0.9}
        abandoned = [entry for entry in entries if entry[3] in certain]
        codes = self._exchange.release(abandoned, dead=True, limit=self._limit)
        for entry, code in zip(abandoned, codes, strict=True):
            if code == REQUEUED:
                journal.interrupted(*entry[:2], reason=f"worker {entry[3]} died")
            elif code == LIMIT_REACHED:
                self._to_give_up.append(entry)
        while self._to_give_up:  # what an error leaves here comes first in the next look
            try:
                self._give_up(self._to_give_up[-1])
            except RedisError:
                raise
            except Exception:
                journal.log.exception("recovery.error")
            self._to_give_up.pop()
        return codes.count(REQUEUED)

    def _running(self) -> list[Entry]:
        """Every running delivery of the queues, with the worker that runs it."""
        with self._connection.pipeline(transaction=False) as pipeline:
            for queue in self._queues:
                pipeline.zrange(keys.STARTED + queue.name, 0, -1)
            found = [
                (queue.name, *member.decode().split(":", 1))
                for queue, members in zip(self._queues, pipeline.execute(), strict=True)
                for member in members
                if b":" in member
            ]
            for _, job, execution in found:
                pipeline.hget(f"{keys.EXECUTION}{job}:{execution}", "worker_name")
                pipeline.hget(keys.JOB + job, "worker_name")  # where that record has expired
            names = pipeline.execute()
        owners = [record or job for record, job in zip(names[::2], names[1::2], strict=True)]
        return [
            (queue, job, execution, owner.decode())
            for (queue, job, execution), owner in zip(found, owners, strict=True)
            if owner
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
