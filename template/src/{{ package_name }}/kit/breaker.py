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

from .engine import OutageError, processors
from .engine.run.gate import Gate

log: Any = structlog.get_logger(__name__)

_TRIAL = 60.0  # seconds that the one job of a half-open breaker is given to find out


class Breaker:
    """Watches one other side, for one process. Safe to use from many threads.

    Args:
        name: The other side, for people: `database MAIN`, `mail`.
        failures: Outages in a row that open it.
        first: Seconds until the first look.
        longest: Seconds between looks at most; each pause is twice the one before.
        probe: Looks whether the other side is back, and raises if it is not. Without one, the
            next job finds out.
        needed: Says whether jobs of a function need it. It learns of others when they fail.
    """

    def __init__(
        self,
        name: str,
        *,
        failures: int,
        first: float,
        longest: float,
        probe: Callable[[], object] | None = None,
        needed: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self.name = name
        self._limit = failures
        self._first, self._longest = first, longest
        self._probe = probe
        self._needed = needed
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._since: float | None = None  # when it opened; None while it is closed
        self._reason = ""
        self._pause = first
        self._look_at = 0.0
        self._learned: set[str] = set()
        self._closed = threading.Event()

    @property
    def is_open(self) -> bool:
        """Whether the other side counts as away."""
        return self._since is not None

    @property
    def blocks(self) -> bool:
        """Whether no job that needs the other side may begin now."""
        return self.is_open and (self._probe is not None or time.monotonic() < self._look_at)

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
            self._in_a_row = 0
            since, self._since = self._since, None
            self._pause = self._first
        if since is not None:
            self._closed.set()
            log.info("outage.end", of=self.name, seconds=round(time.monotonic() - since, 1))

    def failed(self, reason: str, *, certain: bool = False) -> bool:
        """Note an outage.

        Args:
            reason: What was seen, without secrets.
            certain: Open at once: one sign is enough.

        Returns:
            Whether the breaker is open now.
        """
        with self._lock:
            self._in_a_row += 1
            opened = self._since is None and (certain or self._in_a_row >= self._limit)
            if opened:
                self._since, self._pause = time.monotonic(), self._first
                self._closed.clear()
            elif self._since is not None and time.monotonic() >= self._look_at - 0.01:
                self._pause = min(self._pause * 2, self._longest)
            elif self._since is not None:
                return True  # of a job that had begun before
            if self._since is None:
                return False
            self._reason = reason
            self._look_at = time.monotonic() + self._pause
            pause = self._pause
        log.warning(
            "outage.begin" if opened else "outage.wait",
            of=self.name,
            error=reason,
            retryMs=round(pause * 1000),
        )
        if opened and self._probe is not None:
            arguments = (self._probe,)
            threading.Thread(
                target=self._watch, args=arguments, name=f"probe {self.name}", daemon=True
            ).start()
        return True

    def error(self) -> OutageError:
        """The error for a job that cannot run now; it comes back a moment after the next look."""
        left = max(0.0, self._look_at - time.monotonic())
        wait = left + random.uniform(0.1, 0.5 + self._first / 2)  # noqa: S311 - spreads the jobs
        return OutageError(
            self.describe() or f"{self.name} was away", retry_after=wait, of=self.name
        )

    def hold(self) -> OutageError | None:
        """Return why a job must not begin now. Half-open, one job passes and finds out."""
        with self._lock:
            if self._since is None:
                return None
            if self._probe is None and time.monotonic() >= self._look_at:
                self._look_at = time.monotonic() + _TRIAL
                return None
        return self.error()

    @contextmanager
    def call(self, outages: tuple[type[Exception], ...]) -> Iterator[None]:
        """Watch one call of the other side.

        Args:
            outages: Errors that mean it is away. Any other one is an answer.

        Raises:
            OutageError: It is away; the job spends no attempt.
        """
        try:
            yield
        except outages as error:
            if self.failed(str(error)):
                raise self.error() from error
            raise
        except Exception:
            self.worked()
            raise
        self.worked()

    def _watch(self, probe: Callable[[], object]) -> None:
        while not self._closed.wait(max(0.0, self._look_at - time.monotonic())):
            try:
                probe()
            except Exception as error:
                self.failed(" ".join(str(error).split()) or type(error).__name__)
            else:
                self.worked()


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


breakers = Breakers()
