"""Publish what is due. Every replica looks at Redis's clock; exactly one publishes each run.

For each schedule a hash in Redis holds when its last run was due. That number and the job change
in one transaction: a replica that comes second finds the number changed, and one that dies in the
middle has done neither.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from redis.exceptions import NoPermissionError, RedisError, WatchError

from ..engine import Publisher
from ..engine.store import keys
from .schedule import Schedule

log: Any = structlog.get_logger(__name__)

ON_TIME = 60.0  # seconds that a run may be late and still counts as not missed
_LONGEST = 30.0  # seconds between two looks at most: clocks are set, machines sleep
_PAUSE = 5.0  # seconds after trouble
_TICK = 0.001  # seconds more than until a run is due: a look that is too early publishes nothing


class Ticker:
    """Looks at the clock in a thread of its own.

    Args:
        publisher: Where jobs are published.
        schedules: What to publish.
        clock: The time, in UTC; Redis's own when there is none.
    """

    def __init__(
        self,
        publisher: Publisher,
        schedules: Sequence[Schedule],
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self._publisher = publisher
        self._schedules = schedules
        self._clock = clock or self._server_time
        self._key = f"{keys.PREFIX}:schedules:{publisher.queue}"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="schedules", daemon=True)

    def start(self) -> None:
        """Start the thread, if there is anything to publish."""
        if self._schedules:
            self._thread.start()

    def close(self) -> None:
        """End the thread. Another replica, or the next start, publishes what is due meanwhile."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=_PAUSE)

    def tick(self) -> int:
        """Publish what is due. A schedule that fails is logged, and stops no other.

        Returns:
            How many jobs this replica has published.

        Raises:
            redis.exceptions.RedisError: Redis cannot be reached.
        """
        return self._look(self._clock())

    def _look(self, now: datetime) -> int:
        return sum(self._try(each, now) for each in self._schedules)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                now = self._clock()
                self._look(now)
                wait = self._pause(now)
            except RedisError as error:
                log.warning("redis.lost", error=type(error).__name__)
                wait = _PAUSE
            self._stop.wait(wait)

    def _pause(self, looked: datetime) -> float:
        """Return the seconds until the first run that the last look did not see as due."""
        due = min(each.following(looked) for each in self._schedules)
        until = (due - self._clock()).total_seconds()
        return min(max(until, 0.0) + _TICK, _LONGEST)

    def _server_time(self) -> datetime:
        try:
            seconds, microseconds = self._publisher.connection.time()
        except NoPermissionError:
            return datetime.now(UTC)
        return datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=microseconds)

    def _try(self, each: Schedule, now: datetime) -> bool:
        try:
            return self._consider(each, now)
        except RedisError:
            raise
        except Exception:
            log.exception("schedule.error", schedule=each.name)
            return False

    def _consider(self, each: Schedule, now: datetime) -> bool:
        due = each.latest(now)
        while True:
            try:
                return self._publish(each, due, now)
            except WatchError:
                continue  # another replica was at one of the schedules: perhaps at another one

    def _publish(self, each: Schedule, due: datetime, now: datetime) -> bool:
        with self._publisher.connection.pipeline() as pipeline:
            pipeline.watch(self._key)  # type: ignore[no-untyped-call]
            last: Any = pipeline.hget(self._key, each.key)
            if last is not None and float(last) >= due.timestamp():
                return False
            pipeline.multi()
            pipeline.hset(self._key, each.key, str(due.timestamp()))
            late = (now - due).total_seconds()
            # Nothing was missed by a schedule that is seen for the first time.
            wanted = last is not None and (late <= ON_TIME or each.missed == "once")
            job_id = self._add(each, due, pipeline) if wanted else ""
            answers = pipeline.execute()
        if not wanted:
            if last is not None:
                log.warning("schedule.skipped", schedule=each.name, due=due.isoformat())
            return False
        queued: bool = answers[-1] == [1]
        event = "schedule.published" if queued else "schedule.duplicate"
        log.info(event, schedule=each.name, due=due.isoformat(), jobId=job_id, lateMs=_ms(late))
        return queued

    def _add(self, each: Schedule, due: datetime, pipeline: Any) -> str:
        """Put the job into the transaction."""
        payload = each.payload(due)
        job_id = each.job_id(payload, due)
        target = self._publisher.on(each.queue) if each.queue else self._publisher
        target.add_to(pipeline, each.processor, payload, job_id)
        return job_id


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
