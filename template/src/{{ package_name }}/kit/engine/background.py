"""Work beside the jobs: one loop for what is done again and again, one pause that grows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import structlog
from redis.exceptions import (
    BusyLoadingError,
    DataError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)

log: Any = structlog.get_logger("engine")

_HEALING = (BusyLoadingError, OutOfMemoryError, ReadOnlyError, TryAgainError)


class Pause:
    """Seconds between tries while something is away: doubled each time, up to a limit.

    Args:
        first: The first pause.
        longest: The longest.
    """

    def __init__(self, first: float = 0.1, longest: float = 2.0) -> None:
        self._first = first
        self._longest = longest
        self.seconds = 0.0  # of the last pause; 0 while all is well

    def grow(self) -> float:
        """Return the next pause."""
        self.seconds = min(self.seconds * 2 or self._first, self._longest)
        return self.seconds

    def end(self) -> bool:
        """Note that all is well again. Return whether it was not."""
        paused, self.seconds = self.seconds > 0.0, 0.0
        return paused


class Every:
    """Does something in a thread of its own, again and again, until it is closed.

    An error costs one turn, never the loop.

    Args:
        seconds: Between two turns.
        work: What is done. It may return the seconds until its next turn.
        name: What the thread is called.
        after_outage: Seconds until the next turn when Redis does not answer; by default as ever.
    """

    def __init__(
        self,
        seconds: float,
        work: Callable[[], float | None],
        *,
        name: str,
        after_outage: float | None = None,
    ) -> None:
        self._seconds = seconds
        self._work = work
        self._after_outage = seconds if after_outage is None else after_outage
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin with the first turn."""
        self._thread.start()

    def close(self, wait: float = 0.0) -> None:
        """End after the turn under way.

        Args:
            wait: Seconds to wait for it.
        """
        self._stop.set()
        if wait and self._thread.is_alive():
            self._thread.join(timeout=wait)

    def _run(self) -> None:
        while not self._stop.is_set():
            pause: float | None = None
            try:
                pause = self._work()
            except RedisError as error:
                pause = self._after_outage
                log.debug("redis.lost", detail=self._thread.name, error=type(error).__name__)
            except Exception:
                log.exception("background.error", detail=self._thread.name)
            self._stop.wait(self._seconds if pause is None else pause)


def may_heal(error: RedisError) -> bool:
    """Whether Redis may answer otherwise later: it is away, full, loading, or no master."""
    if isinstance(error, DataError):
        return False
    if not isinstance(error, ResponseError):
        return True
    return isinstance(error, _HEALING) or str(error).startswith(("MISCONF", "NOREPLICAS"))
