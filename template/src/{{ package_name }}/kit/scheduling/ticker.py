"""Publish what is due. Every replica looks at Redis's clock; exactly one publishes each run.

For each schedule a hash in Redis holds when its last run was due. Those numbers and the jobs of one
look change in one transaction: a replica that comes second finds the numbers changed, and one that
dies in the middle has done neither.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

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


class Run(NamedTuple):
    """A run that is due.

    Args:
        of: Its schedule.
        due: When.
        late: Seconds since.
    """

    of: Schedule
    due: datetime
    late: float


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
        runs = []
        for each in self._schedules:
            with _stopping_no_other(each):
                due = each.latest(now)
                runs.append(Run(each, due, (now - due).total_seconds()))
        while True:
            try:
                return self._publish(runs)
            except WatchError:
                continue  # another replica was at one of the schedules: perhaps at another one

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

    def _publish(self, runs: list[Run]) -> int:
        told: list[tuple[Run, str, int]] = []  # with the job's id, and where Redis' answer stands
        with self._publisher.connection.pipeline() as pipeline:
            pipeline.watch(self._key)  # type: ignore[no-untyped-call]
            kept: Any = pipeline.hmget(self._key, [each.of.key for each in runs]) if runs else []
            pipeline.multi()
            for run, last in zip(runs, kept, strict=True):
                if last is not None and float(last) >= run.due.timestamp():
                    continue
                wanted = run.late <= ON_TIME or run.of.missed == "once"
                with _stopping_no_other(run.of):
                    # Nothing was missed by a schedule that is seen for the first time.
                    if last is not None:
                        job_id = self._add(run, pipeline) if wanted else ""
                        told.append((run, job_id, len(pipeline) - 1))
                    pipeline.hset(self._key, run.of.key, str(run.due.timestamp()))
            answers = pipeline.execute() if len(pipeline) else []
        return sum(_tell(run, job_id, answers[place]) for run, job_id, place in told)

    def _add(self, run: Run, pipeline: Any) -> str:
        """Put the job into the transaction."""
        payload = run.of.payload(run.due)
        job_id = run.of.job_id(payload, run.due)
        queue = run.of.queue
        target = self._publisher.on(queue) if queue else self._publisher
        target.add_to(pipeline, run.of.processor, payload, job_id)
        return job_id


@contextmanager
def _stopping_no_other(each: Schedule) -> Iterator[None]:
    try:
        yield
    except RedisError:
        raise
    except Exception:
        log.exception("schedule.error", schedule=each.name)


def _tell(run: Run, job_id: str, answer: Any) -> bool:
    """Log what became of a run. Returns whether its job was queued."""
    name, due = run.of.name, run.due.isoformat()
    if not job_id:
        log.warning("schedule.skipped", schedule=name, due=due)
        return False
    queued: bool = answer == [1]
    event = "schedule.published" if queued else "schedule.duplicate"
    log.info(event, schedule=name, due=due, jobId=job_id, lateMs=round(run.late * 1000))
    return queued
