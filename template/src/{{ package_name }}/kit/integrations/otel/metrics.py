"""Metrics: by the conventions for messaging, and ours for what these do not know."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import structlog
from opentelemetry.metrics import CallbackOptions, Meter, Observation
from redis.exceptions import RedisError

from ...engine import Attempt, Ending, Observer, Publication
from ...inspection.stats import Stats
from . import attributes as names

log = structlog.get_logger(__name__)

# Seconds; jobs take from milliseconds to an hour.
_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600]


class Metrics(Observer):
    """Counts and measures what is published and run.

    Args:
        meter: Makes the instruments.
    """

    def __init__(self, meter: Meter) -> None:
        self._sent = meter.create_counter(
            "messaging.client.sent.messages", "{message}", "Jobs published."
        )
        self._operation = meter.create_histogram(
            "messaging.client.operation.duration",
            "s",
            "How long publishing took.",
            explicit_bucket_boundaries_advisory=_BUCKETS,
        )
        self._consumed = meter.create_counter(
            "messaging.client.consumed.messages", "{message}", "Attempts begun."
        )
        self._process = meter.create_histogram(
            "messaging.process.duration",
            "s",
            "How long an attempt ran.",
            explicit_bucket_boundaries_advisory=_BUCKETS,
        )
        self._wait = meter.create_histogram(
            "worker.job.wait.duration",
            "s",
            "How long a job waited in the queue.",
            explicit_bucket_boundaries_advisory=_BUCKETS,
        )
        self._outcomes = meter.create_counter(
            "worker.job.outcomes",
            "{attempt}",
            "Attempts by outcome: done, duplicate, retried, snoozed, failed (for good), stopped, "
            "interrupted.",
        )
        self._running = meter.create_up_down_counter(
            "worker.job.running", "{job}", "Jobs that this worker is running."
        )

    @contextmanager
    def publishing(self, publication: Publication) -> Iterator[None]:
        """Count and time a publication."""
        found = names.of_publishing(publication.queue, publication.job_type)
        started = time.perf_counter()
        yield
        self._sent.add(publication.count, found)
        self._operation.record(time.perf_counter() - started, found)

    @contextmanager
    def attempt(self, attempt: Attempt) -> Iterator[None]:
        """Count an attempt while it runs."""
        found = names.of_processing(attempt)
        self._consumed.add(1, found)
        if attempt.waited is not None:
            self._wait.record(attempt.waited, found)
        self._running.add(1, found)
        try:
            yield
        finally:
            self._running.add(-1, found)

    def ended(self, attempt: Attempt, ending: Ending) -> None:
        """Count and time how it ended."""
        found = names.of_processing(attempt) | {names.OUTCOME: ending.outcome}
        self._outcomes.add(1, found)
        if ending.error is not None:
            found[names.ERROR_TYPE] = names.error_type(ending.error)
        self._process.record(ending.seconds, found)

    def interrupted(self, queue: str, job_id: str) -> None:  # noqa: ARG002
        """Count a job that goes back to the queue."""
        found = {names.SYSTEM: "rq", names.DESTINATION: queue, names.OUTCOME: "interrupted"}
        self._outcomes.add(1, found)


def observe_queues(meter: Meter, looks: Sequence[Callable[[], Stats]]) -> None:
    """Report the state of each queue at each export.

    Every replica looks at the same queues: in a query take the maximum, not the sum.

    Args:
        meter: Makes the instruments.
        looks: Each takes a look at one queue.
    """

    def jobs(_: CallbackOptions) -> Iterable[Observation]:
        for stats in filter(None, map(_attempt, looks)):
            numbers = {
                "waiting": stats.waiting,
                "delayed": stats.delayed,
                "running": len(stats.running),
                "failed": stats.failed,
            }
            for state, number in numbers.items():
                yield Observation(number, _of(stats) | {"state": state})

    def oldest(_: CallbackOptions) -> Iterable[Observation]:
        for stats in filter(None, map(_attempt, looks)):
            yield Observation(stats.oldest or 0.0, _of(stats))

    meter.create_observable_gauge(
        "worker.queue.jobs", [jobs], "{job}", "Jobs of the queue, in Redis, by state."
    )
    meter.create_observable_gauge(
        "worker.queue.oldest", [oldest], "s", "Age of the job that waits longest."
    )


def _of(stats: Stats) -> dict[str, str]:
    return {names.SYSTEM: "rq", names.DESTINATION: stats.queue}


def _attempt(look: Callable[[], Stats]) -> Stats | None:
    try:
        return look()
    except RedisError as error:
        log.warning("otel.queue", error=type(error).__name__)
        return None
