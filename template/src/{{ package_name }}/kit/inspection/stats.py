"""What a queue and its workers are doing right now: the numbers behind `stats`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic.alias_generators import to_camel
from redis import Redis

from ..engine.job.progress import Progress
from ..engine.store import keys
from ..engine.store.dependents import count_blocked
from .jobs import name_of, text
from .order import OrderState, look_at_order

_OF_JOB = ("data", "number_of_retries", keys.SNOOZES, keys.PROGRESS)


@dataclass(frozen=True, slots=True)
class RunningJob:
    """A job that a worker holds. Times are seconds; `progress` is None where it has said nothing."""

    job_id: str
    job_type: str
    worker: str
    attempt: int
    seconds: float
    snoozes: int = 0
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class WorkerState:
    """A worker that has signed on. Times are seconds.

    `state` is `silent` when more than half of its lease has gone without a sign of life, and `gone`
    when the lease has run out: its jobs are about to be taken over, and `alive` is False.
    """

    name: str
    host: str
    state: str
    alive: bool
    away: str
    running: int
    done: int
    failures: int
    uptime: float | None


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """A schedule, and the seconds until its next run."""

    name: str
    cron: str
    timezone: str
    next_run: float


@dataclass(frozen=True, slots=True)
class QueueState:
    """One of several queues. `oldest` is in seconds, None when nothing waits."""

    name: str
    waiting: int
    oldest: float | None
    running: int
    delayed: int
    failed: int


@dataclass(frozen=True, slots=True)
class Stats:
    """One look. Times are seconds; `oldest` and `next_due` are None when there is no such job.

    `blocked` counts the deferred jobs that wait for one that failed or was canceled. With several
    queues the numbers are those of all of them.
    """

    queue: str
    at: float
    waiting: int
    oldest: float | None
    running: tuple[RunningJob, ...]
    delayed: int
    due: int
    next_due: float | None
    failed: int
    finished: int
    suspended: bool
    workers: tuple[WorkerState, ...]
    deferred: int = 0
    blocked: int = 0
    snoozing: int = 0
    order: OrderState = field(default_factory=OrderState)
    queues: tuple[QueueState, ...] = ()
    counts: dict[str, dict[str, int] | str] = field(default_factory=dict)
    schedules: tuple[ScheduleState, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The numbers under camelCase keys."""
        found: dict[str, Any] = _camel(asdict(self))
        return found


@dataclass(frozen=True, slots=True)
class Rates:
    """What happened between two looks, per second."""

    done: float
    failures: float
    seconds: float

    @classmethod
    def between(cls, before: Stats, after: Stats) -> Rates:
        """Compare two looks. What a worker did that came or went meanwhile may be missing."""
        seconds = max(after.at - before.at, 1e-6)
        old = {each.name: each for each in before.workers}
        done = failures = 0
        for each in after.workers:
            known = old.get(each.name)
            done += max(0, each.done - (known.done if known else 0))
            failures += max(0, each.failures - (known.failures if known else 0))
        return cls(done / seconds, failures / seconds, seconds)


def look(
    connection: Redis, queue: str, counts: Mapping[str, dict[str, int] | str] | None = None
) -> Stats:
    """Take one look at a queue. It reads only, in a few round trips however much there is.

    Args:
        connection: The client.
        queue: The queue's name.
        counts: What the modules count, by their names.

    Raises:
        redis.exceptions.RedisError: Redis cannot be reached.
    """
    now = time.time()
    with connection.pipeline(transaction=False) as pipeline:
        pipeline.llen(keys.QUEUE + queue)
        pipeline.lindex(keys.QUEUE + queue, 0)
        pipeline.zrange(keys.STARTED + queue, 0, -1)
        pipeline.zcard(keys.SCHEDULED + queue)
        pipeline.zcount(keys.SCHEDULED + queue, "-inf", now)
        pipeline.zrangebyscore(keys.SCHEDULED + queue, now, "+inf", 0, 1, withscores=True)
        pipeline.zcard(keys.FAILED + queue)
        pipeline.zcard(keys.FINISHED + queue)
        pipeline.zcard(keys.DEFERRED + queue)
        pipeline.zcount(keys.SNOOZING + queue, now, "+inf")
        pipeline.exists(keys.SUSPENDED)
        pipeline.smembers(f"{keys.WORKERS}:{queue}")
        answers = pipeline.execute()
    waiting, first, started, delayed, due, following, *counts_of, suspended, names = answers
    failed, finished, deferred, snoozing = counts_of
    entries = [text(each).split(":", 1) for each in started if b":" in each]
    workers = sorted(text(each) for each in names)
    with connection.pipeline(transaction=False) as pipeline:
        pipeline.hget(keys.JOB + text(first), "enqueued_at")
        for job_id, execution in entries:
            pipeline.hmget(f"{keys.EXECUTION}{job_id}:{execution}", "worker_name", "created_at")
            pipeline.hmget(keys.JOB + job_id, *_OF_JOB)
        for key in workers:
            pipeline.hgetall(key)
            pipeline.ttl(key)
        enqueued, *details = pipeline.execute()
    running = tuple(
        sorted(
            (
                _running(now, job_id, *details[2 * index : 2 * index + 2])
                for index, (job_id, _) in enumerate(entries)
            ),
            key=lambda each: -each.seconds,
        )
    )
    hashes = details[2 * len(entries) :]
    oldest = _age(now, text(enqueued))
    return Stats(
        queue=queue,
        at=now,
        waiting=waiting,
        oldest=oldest,
        running=running,
        delayed=delayed,
        due=due,
        next_due=following[0][1] - now if following else None,
        failed=failed,
        finished=finished,
        suspended=bool(suspended),
        workers=tuple(
            _worker(now, key, raw, ttl, running)
            for key, raw, ttl in zip(workers, hashes[::2], hashes[1::2], strict=True)
        ),
        deferred=deferred,
        blocked=count_blocked(connection, queue) if deferred else 0,
        snoozing=snoozing,
        counts=dict(counts or {}),
        order=look_at_order(connection, queue),
        queues=(QueueState(queue, waiting, oldest, len(running), delayed, failed),),
    )


def _running(
    now: float, job_id: str, execution: list[bytes | None], job: list[bytes | None]
) -> RunningJob:
    worker, created = execution
    data, retries, snoozes, progress = job
    return RunningJob(
        job_id=job_id,
        job_type=name_of(data),
        worker=text(worker),
        attempt=int(retries or 0) + 1,
        seconds=max(0.0, now - float(created)) if created else 0.0,
        snoozes=int(snoozes or 0),
        progress=Progress.of_json(progress),
    )


def _worker(
    now: float, key: str, raw: dict[bytes, bytes], ttl: int, running: tuple[RunningJob, ...]
) -> WorkerState:
    name = key.removeprefix(keys.WORKER)
    silence = _age(now, text(raw.get(b"last_heartbeat"))) or 0.0
    state = text(raw.get(b"state"))
    return WorkerState(
        name=name,
        host=text(raw.get(b"hostname")),
        state="gone" if not state else "silent" if silence > ttl >= 0 else state,
        alive=bool(raw) and b"death" not in raw,
        away=text(raw.get(b"away")),
        running=sum(each.worker == name for each in running),
        done=int(raw.get(b"successful_job_count", 0)),
        failures=int(raw.get(b"failed_job_count", 0)),
        uptime=_age(now, text(raw.get(b"birth"))),
    )


def _age(now: float, moment: str) -> float | None:
    """Seconds since a moment in RQ's format."""
    if not moment:
        return None
    when = datetime.fromisoformat(moment)
    return max(0.0, now - (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())


def _camel(value: Any) -> Any:
    if isinstance(value, dict):
        return {to_camel(name): _camel(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_camel(each) for each in value]
    return round(value, 3) if isinstance(value, float) else value
