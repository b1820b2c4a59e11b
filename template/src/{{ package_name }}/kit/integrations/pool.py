"""Connections that jobs in several threads take turns to use."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

C = TypeVar("C")

_MAX_IDLE = 10  # connections; more than that were a burst


class ConnectionPool(Generic[C]):
    """Keeps connections open between jobs, at most one for each thread.

    Args:
        connect: Opens a connection; what it raises reaches the job.
        alive: Returns whether an idle connection still works. Must not raise.
        close: Ends a connection. Must not raise.
        keep_after: Errors after which a connection is as good as before.
        idle_timeout: Seconds an unused connection is kept.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        connect: Callable[[], C],
        alive: Callable[[C], bool],
        close: Callable[[C], None],
        *,
        keep_after: tuple[type[Exception], ...] = (),
        idle_timeout: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connect = connect
        self._alive = alive
        self._close_one = close
        self._keep_after = keep_after
        self._idle_timeout = idle_timeout
        self._clock = clock
        self._lock = threading.Lock()
        self._idle: list[tuple[float, C]] = []  # the last one used is the first taken
        self._closed = False

    @contextmanager
    def connection(self) -> Iterator[C]:
        """Lend a connection to the block. After an error it is closed."""
        connection = self._take()
        try:
            yield connection
        except self._keep_after:
            self._give_back(connection)
            raise
        except BaseException:  # also the engine's stop: what the other side thinks is unknown
            self._close_one(connection)
            raise
        self._give_back(connection)

    def close(self) -> None:
        """Close what is idle now, and what is in use when it comes back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for _, connection in idle:
            self._close_one(connection)

    def _take(self) -> C:
        while True:
            with self._lock:
                if not self._idle:
                    break
                since, connection = self._idle.pop()
            if self._clock() - since < self._idle_timeout and self._alive(connection):
                return connection
            self._close_one(connection)
        return self._connect()

    def _give_back(self, connection: C) -> None:
        with self._lock:
            if not self._closed and len(self._idle) < _MAX_IDLE:
                self._idle.append((self._clock(), connection))
                return
        self._close_one(connection)
