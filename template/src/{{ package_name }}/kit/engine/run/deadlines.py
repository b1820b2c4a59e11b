"""Time limits for work in threads.

One watchdog thread looks at all limits. When one has passed it raises an exception inside
the thread that is late. Python delivers such an exception between two bytecodes: a call
that blocks in C gets it when it returns, so clients need time-outs of their own.
"""

from __future__ import annotations

import ctypes
import threading
import time
from types import TracebackType
from typing import Any

from rq.timeouts import BaseDeathPenalty, JobTimeoutException

_TICK = 0.1  # seconds between two looks while anything is limited
_DELIVERY = 1.0  # seconds after which an exception on its way must have been swallowed


class Deadline(BaseDeathPenalty):
    """Context manager that limits what a thread does; RQ takes it as death penalty class.

    Args:
        timeout: Seconds; None, 0 or less for no limit.
        exception: What is raised in the late thread.
    """

    def __init__(
        self,
        timeout: float | None,
        exception: type[BaseException] = JobTimeoutException,
        **_: Any,
    ) -> None:
        self._timeout = timeout
        self._exception = exception
        self._lock = threading.Lock()
        self._closed = False
        self._fired: type[BaseException] | None = None
        self.at = float("inf")
        self.thread = 0

    def __enter__(self) -> None:
        self.thread = threading.get_ident()
        if self._timeout is not None and self._timeout > 0:
            self.at = time.monotonic() + self._timeout
            _watchdog.add(self)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._lock:
            self._closed = True
            fired = self._fired
        _watchdog.discard(self)
        if fired is not None and not isinstance(value, fired):
            self._await_delivery(fired)

    def fire(self, exception: type[BaseException] | None = None) -> bool:
        """Raise in the thread, unless the work has ended.

        Args:
            exception: Instead of the deadline's own, for instance when a job is stopped.

        Returns:
            Whether it was raised.
        """
        with self._lock:
            if self._closed or self._fired is not None:
                return False
            self._fired = exception or self._exception
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self.thread), ctypes.py_object(self._fired)
            )
            return True

    def close(self) -> None:
        """Forget it, also when its exception came while it was closing by itself."""
        _watchdog.discard(self)

    @staticmethod
    def _await_delivery(fired: type[BaseException]) -> None:
        """Meet the exception here, so that it never lands in the next job."""
        end = time.monotonic() + _DELIVERY
        while time.monotonic() < end:
            time.sleep(0.001)
        # It was delivered and swallowed by the job's own `except`: the job was late all the same.
        raise fired(f"job swallowed {fired.__name__}")


class Watched:
    """A limit that only counts for `overdue`: a coroutine's own, which asyncio keeps.

    It opens when it is made, before the event loop takes the coroutine up: a loop that another
    coroutine blocks never does.

    Args:
        timeout: Seconds; None, 0 or less for no limit.
    """

    def __init__(self, timeout: float | None) -> None:
        self.at = float("inf")
        if timeout is not None and timeout > 0:
            self.at = time.monotonic() + timeout
            _watchdog.add(self)

    def fire(self) -> bool:
        """Nothing is raised in the event loop's thread: it would hit any coroutine."""
        return False

    def close(self) -> None:
        """The coroutine has ended."""
        _watchdog.discard(self)


class _Watchdog:
    """Looks at every open deadline; its thread starts with the first one."""

    def __init__(self) -> None:
        self._open: dict[int, Deadline | Watched] = {}
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def add(self, deadline: Deadline | Watched) -> None:
        self._open[id(deadline)] = deadline
        if self._thread is None:
            self._start()
        if not self._wake.is_set():
            self._wake.set()

    def discard(self, deadline: Deadline | Watched) -> None:
        self._open.pop(id(deadline), None)

    def overdue(self, seconds: float) -> int:
        limit = time.monotonic() - seconds
        return sum(deadline.at < limit for deadline in list(self._open.values()))

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
                self._thread.start()

    def _watch(self) -> None:
        while True:
            self._wake.wait()
            now = time.monotonic()
            for deadline in list(self._open.values()):
                if deadline.at <= now:
                    deadline.fire()
            if not self._open:
                self._wake.clear()
                if self._open:  # added between the look and the clearing
                    self._wake.set()
            time.sleep(_TICK)


_watchdog = _Watchdog()


def overdue(seconds: float) -> int:
    """How many pieces of work in this process still run long after their deadline.

    They block in C, where no exception reaches them, and hold their thread; or they are
    coroutines on an event loop that one of them blocks.

    Args:
        seconds: How long after.
    """
    return _watchdog.overdue(seconds)
