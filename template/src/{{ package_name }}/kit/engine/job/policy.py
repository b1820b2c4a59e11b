"""How a processor's jobs are treated: attempts, back-off, timeout, limits."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic

from ..errors import PermanentError, TemporaryError
from .order import Order
from .payload import P


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential waiting time between attempts.

    Args:
        first: Seconds before the second attempt.
        factor: Each further wait is this many times the one before.
        longest: Upper limit of a wait, in seconds.
        jitter: Share of the wait that is random (0.2 = up to 20 % longer), so that jobs
            which failed together do not come back together.
    """

    first: float = 3.0
    factor: float = 2.0
    longest: float = 3600.0
    jitter: float = 0.2

    def delay(self, attempt: int, rand: Callable[[], float] = random.random) -> float:
        """Seconds to wait after the given attempt (1 = the first) has failed."""
        # The exponent is capped: a float overflows long after `longest` has won.
        wait = min(self.first * self.factor ** min(attempt - 1, 64), self.longest)
        return wait * (1.0 + self.jitter * rand())


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` starts in `per` seconds over all replicas, evenly spread.

    Args:
        count: How many.
        per: Seconds.
    """

    count: int
    per: float = 1.0

    def __post_init__(self) -> None:
        if self.count < 1 or self.per <= 0:
            raise ValueError("a rate needs a count of at least 1 and a positive span of seconds")

    @property
    def interval(self) -> float:
        """Seconds between two starts."""
        return self.per / self.count


@dataclass(frozen=True, slots=True)
class AtOnce(Generic[P]):
    """At most `count` jobs with the same key at once, over all replicas.

    Args:
        count: How many.
        key: What they share, for instance a customer's id: a template of the payload's fields
            (`"{customer_id}"`) or a function of the payload; None for one limit over all jobs
            of the processor.
    """

    count: int
    key: Callable[[P], str] | str | None = None

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError("the limit needs a count of at least 1")


@dataclass(frozen=True, slots=True)
class Policy:
    """How a processor's jobs are treated. It belongs to the worker, not to the publisher.

    Args:
        attempts: How many times a job may run before it fails for good.
        backoff: Waiting time between attempts.
        timeout: Seconds one attempt may take; None for no limit.
        result_ttl: Seconds a finished job is kept in Redis to be looked at; 0 drops it at
            once, -1 keeps it for ever.
        rate: At most so many starts in a span of time, over all replicas.
        at_once: At most so many jobs at once, per key, over all replicas.
        keep_order: Wait for the next attempt in the slot instead of behind the queue, so
            that with WORKER_CONCURRENCY=1 no later job overtakes a failing one.
        order: Run jobs with the same key one at a time, as they were published, over all replicas.
    """

    attempts: int = 3
    backoff: Backoff = field(default_factory=Backoff)
    timeout: int | None = 180
    result_ttl: int = 500
    keep_order: bool = False
    rate: Rate | None = None
    at_once: AtOnce[Any] | None = None
    order: Order | None = None

    @property
    def limited(self) -> bool:
        """Whether a job may have to wait for others before it runs."""
        return self.rate is not None or self.at_once is not None

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError("attempts must be at least 1")
        if self.timeout is not None and self.timeout < 1:
            raise ValueError("timeout must be at least 1 second, or None for no limit")

    def retry_delay(self, attempt: int, error: BaseException) -> float | None:
        """Decide what follows a failed attempt.

        Args:
            attempt: Which attempt failed, counted from 1.
            error: What it raised.

        Returns:
            Seconds to wait before the next attempt, or None when the job has failed for good.
        """
        if attempt >= self.attempts or isinstance(error, PermanentError):
            return None
        if isinstance(error, TemporaryError) and error.retry_after is not None:
            return max(0.0, error.retry_after)
        return self.backoff.delay(attempt)
