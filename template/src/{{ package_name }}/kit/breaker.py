"""Breakers: while another side is away, the jobs that need it wait instead of failing one by one.

A breaker is closed while all is well. Outages in a row open it: no job that needs the other side
begins, none spends an attempt. After a pause it is half-open: a probe, or one job in its place,
finds out whether the other side is back. If not, the pause grows.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from rq import get_current_job
from rq.timeouts import JobTimeoutException

from .config.fields import BreakerConfig
from .engine import OutageError, PermanentError, processors
from .engine.gate import Gate
from .signs import Sign, sign_of

log: Any = structlog.get_logger(__name__)

_EXCUSED = 1000  # jobs that are remembered


def asks_for(kind: type) -> Callable[[str], bool]:
    """Make a test for the functions whose parameters ask for a resource of this type."""
    return lambda path: any(
        each.path == path and any(one.kind is kind for one in each.resources)
        for each in processors()
    )


class Breaker:
    """Watches one other side, for one process. Safe to use from many threads.

    Args:
        name: The other side, for people: `database MAIN`, `FTP 10.0.0.7:21`.
        config: Its limits.
        probe: Looks whether the other side can be reached again, and raises if not. Without one,
            the next job finds out.
        needed: Says whether jobs of a function need it. It learns of others when they fail.
        essential: Without it the worker is not ready.
    """

    def __init__(
        self,
        name: str,
        config: BreakerConfig,
        *,
        probe: Callable[[], object] | None = None,
        needed: Callable[[str], bool] = lambda _: False,
        essential: bool = False,
    ) -> None:
        self.name = name
        self.essential = essential
        self._limit = config.failures
        self._first, self._longest = config.pause / 1000, config.longest_pause / 1000
        self._probe = probe
        self._needed = needed
        self._lock = threading.Lock()
        self._row: list[str | None] = []  # the jobs that met an outage since the last answer
        self._excused: dict[str, None] = {}
        self._since: float | None = None  # when it opened; None while it is closed
        self._reason = ""
        self._pause = self._first
        self._look_at = 0.0
        self._probing = False  # a probe looks; else a job does
        self._trial = False  # a job is looking
        self._learned: set[str] = set()
        self._closed = threading.Event()

    @property
    def is_open(self) -> bool:
        """Whether the other side counts as away."""
        return self._since is not None

    @property
    def blocks(self) -> bool:
        """Whether no job that needs the other side may begin now."""
        return self.is_open and (self._probing or time.monotonic() < self._look_at)

    def describe(self) -> str:
        """A sentence about an open breaker; empty for a closed one."""
        since = self._since
        if since is None:
            return ""
        return f"{self.name} is away for {time.monotonic() - since:.0f} s ({self._reason})"

    def needed_by(self, path: str) -> bool:
        """Whether jobs of a function need the other side."""
        return path in self._learned or self._needed(path)

    def learn(self, path: str) -> None:
        """Note that jobs of a function need the other side."""
        self._learned.add(path)

    def worked(self) -> None:
        """Note that the other side answered, whatever it said."""
        with self._lock:
            since = self._close()
        if since is not None:
            log.info("outage.end", of=self.name, seconds=round(time.monotonic() - since, 1))

    def close(self) -> None:
        """End the probes."""
        with self._lock:
            self._close()

    def failed(self, reason: str, *, sign: Sign = Sign.UNREACHED, certain: bool = False) -> bool:
        """Note an outage.

        Args:
            reason: What was seen, without secrets.
            sign: What it says. Only an unreachable side says as much when a single job meets it
                again and again; anything else may be the job's own fault.
            certain: Open at once: one sign is enough.

        Returns:
            Whether the breaker is open now.
        """
        with self._lock:
            job = _job_id()
            if sign is Sign.UNREACHED or job is None or job not in self._row:
                self._row.append(job)
            now = time.monotonic()
            opened = self._since is None and (certain or len(self._row) >= self._limit)
            if opened:
                self._since, self._pause = now, self._first
                self._closed = threading.Event()
            elif self._since is None:
                return False
            elif self._trial or now >= self._look_at - 0.01:
                self._pause = min(self._pause * 2, self._longest)
            else:
                return True  # of a job that had begun before
            # What a probe can see is whether the other side is reached; what is wrong with one
            # that answers, a job finds out.
            probe = self._probe if certain or sign is Sign.UNREACHED else None
            watch = probe if not self._probing else None
            self._probing, self._trial = self._probing or probe is not None, False
            self._reason, self._look_at = reason, now + self._pause
            pause, closed = self._pause, self._closed
        log.warning(
            "outage.begin" if opened else "outage.wait",
            of=self.name,
            error=reason,
            retryMs=round(pause * 1000),
        )
        if watch is not None:
            arguments = (watch, closed)
            threading.Thread(
                target=self._watch, args=arguments, name=f"probe {self.name}", daemon=True
            ).start()
        return True

    def error(
        self,
        kind: Callable[..., OutageError] = OutageError,
        reason: str = "",
        asked: float | None = None,
    ) -> OutageError:
        """The error for a job that cannot run now; it comes back a moment after the next look.

        Args:
            kind: Makes the error of a message and `retry_after`.
            reason: What was seen, where the breaker is not open for it.
            asked: Seconds that the other side asked to wait.
        """
        said = self.describe() or f"{self.name} was away" + (f" ({reason})" if reason else "")
        waits = self._trial or not self.is_open
        left = self._pause if waits else max(0.0, self._look_at - time.monotonic())
        wait = left + random.uniform(0.1, 0.5 + self._first / 2)  # noqa: S311 - spreads the jobs
        made = kind(said, retry_after=max(wait, asked or 0.0))
        made.of = self.name
        return made

    def hold(self) -> OutageError | None:
        """Return why a job must not begin now. Half-open, one job passes and finds out."""
        with self._lock:
            if self._since is None:
                return None
            if not self._probing and time.monotonic() >= self._look_at:
                # A job that never gets so far makes room for the next after that long.
                self._trial, self._look_at = True, time.monotonic() + self._longest
                return None
        return self.error()

    @contextmanager
    def call(
        self,
        kind: Callable[..., OutageError] = OutageError,
        meaning: Callable[[Exception], Sign | None] = sign_of,
    ) -> Iterator[None]:
        """Watch one call of the other side. It must hold nothing that fails for other reasons.

        A job that changed nothing there comes back without an attempt: always when the other side
        was not reached, and while the breaker is open. Where the job may be the reason itself, it
        is excused once.

        Args:
            kind: Makes the error for such a job, of a message and `retry_after`.
            meaning: What an error says about the other side; by default what `signed` noted.

        Raises:
            OutageError: The job waits and spends no attempt.
        """
        try:
            yield
        except JobTimeoutException:
            raise  # the job's time is over, which says nothing
        except Exception as error:
            sign = meaning(error)
            if sign is None:
                self.worked()
                raise
            reason = getattr(error, "reason", None) or str(error)
            free = self.failed(reason, sign=sign) or sign is Sign.UNREACHED
            if sign is Sign.UNCERTAIN or not (free or self._excuse(_job_id())):
                raise
            raise self.error(kind, reason, getattr(error, "retry_after", None)) from None
        self.worked()

    def _excuse(self, job: str | None) -> bool:
        """Whether a job is excused: once, so that one that fails for its own reasons ends."""
        with self._lock:
            if job is None or job in self._excused:
                return False
            self._excused[job] = None
            if len(self._excused) > _EXCUSED:
                self._excused.pop(next(iter(self._excused)))
        return True

    def _close(self) -> float | None:
        """Close it. Returns when it was opened."""
        since, self._since = self._since, None
        self._row.clear()
        self._pause = self._first
        self._probing = self._trial = False
        self._closed.set()
        return since

    def _watch(self, probe: Callable[[], object], closed: threading.Event) -> None:
        while not closed.wait(max(0.0, self._look_at - time.monotonic())):
            try:
                probe()
            except PermanentError:
                self.worked()  # it refuses, so it is there
            except Exception as error:
                reason = getattr(error, "reason", "") or str(error)
                if not closed.is_set():
                    self.failed(" ".join(reason.split()) or type(error).__name__)
            else:
                self.worked()


def _job_id() -> str | None:
    job = get_current_job()
    return None if job is None else str(job.id)


class Breakers(Gate):
    """The breakers of this process, as the engine asks them."""

    def __init__(self) -> None:
        self._all: dict[str, Breaker] = {}

    def add(self, breaker: Breaker) -> Breaker:
        """Ask this one from now on, in place of an earlier one of its name."""
        self._all[breaker.name] = breaker
        return breaker

    def shut(self) -> bool:
        open_ones = [each for each in list(self._all.values()) if each.blocks]
        if not open_ones:
            return False
        paths = [each.path for each in processors()]
        return bool(paths) and all(any(one.needed_by(path) for one in open_ones) for path in paths)

    def hold(self, path: str) -> OutageError | None:
        for breaker in list(self._all.values()):
            if breaker.is_open and breaker.needed_by(path):
                error = breaker.hold()
                if error is not None:
                    return error
        return None

    def met(self, path: str, error: OutageError) -> None:
        breaker = self._all.get(error.of)
        if breaker is not None:
            breaker.learn(path)

    def away(self) -> str:
        return "; ".join(filter(None, (each.describe() for each in list(self._all.values()))))

    def ready(self) -> bool:
        """Whether everything is there without which the worker is not ready."""
        return not any(each.is_open and each.essential for each in list(self._all.values()))


breakers = Breakers()
