"""Time limits for work in threads.

One watchdog thread looks at all limits. When one has passed it raises an exception inside
the thread that is late. Python delivers such an exception between two bytecodes: a call
that blocks in C gets it when it returns, so clients need time-outs of their own.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from rq.timeouts import BaseDeathPenalty, JobTimeoutException

_TICK = 0.1  # seconds between two looks while anything is limited
_AGAIN = 5.0  # seconds until an exception that was swallowed is raised again

OnLate = Callable[[float, int], None]  # told how many seconds late, and the exceptions raised


def _nothing(*_: object) -> None:
    """In the place of what a deadline that is over no longer calls.

    That knows the job, which knows its deadline: a circle would keep each job until the
    collector of garbage comes, which took a tenth of a small job's time.
    """


class Deadline(BaseDeathPenalty):
    """Context manager that limits what a thread does; RQ takes it as death penalty class.

    Args:
        timeout: Seconds; None, 0 or less for no limit.
        exception: What is raised in the late thread.
        on_late: Told, in the watchdog's thread, each time that the exception is raised again.
    """

    def __init__(
        self,
        timeout: float | None,
        exception: type[BaseException] = JobTimeoutException,
        *,
        on_late: OnLate = _nothing,
        **_: Any,
    ) -> None:
        self._timeout = timeout
        self._exception = exception
        self._on_late = on_late
        self._lock = threading.Lock()
        self._closed = False
        self._fired: type[BaseException] | None = None
        self._raised = 0
        self._again_at = float("inf")
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
        self.close()
        fired = self._fired
        if fired is None:
            return
        if value is None or not isinstance(value, fired):
            # It was swallowed by the job's own `except`: the job was late all the same.
            raise fired(self._text(fired)) from value
        if not value.args:
            value.args = (self._text(fired),)

    def _text(self, fired: type[BaseException]) -> str:
        return timeout_text(self._timeout) if fired is self._exception else ""

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
            self._raise()
        _watchdog.add(self)
        return True

    def look(self, now: float) -> None:
        """Raise when the time has come, and again while the work goes on."""
        if self._fired is None:
            if self.at <= now:
                self.fire()
            return
        if now < self._again_at:
            return
        on_late = self._on_late
        with self._lock:
            if self._closed:
                return
            self._raise()
        on_late(now - self.at, self._raised)

    def _raise(self) -> None:
        self._raised += 1
        self._again_at = time.monotonic() + _AGAIN
        _raise_in(self.thread, self._fired)

    def close(self) -> None:
        """Forget it. An exception that is still on its way must not land in the next job."""
        with self._lock:
            self._closed = True
            if self._fired is not None:
                _raise_in(self.thread, None)
        self._on_late = _nothing
        self.at = float("inf")
        _watchdog.discard(self)


def _raise_in(thread: int, exception: type[BaseException] | None) -> None:
    """Raise in a thread between two bytecodes; None takes back what has not been raised yet."""
    raised = None if exception is None else ctypes.py_object(exception)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), raised)


def timeout_text(timeout: float | None) -> str:
    """What the error of a late job says."""
    return f"the job ran longer than its timeout of {timeout} seconds"


class Watched:
    """The limit of a coroutine: asyncio keeps it, this one counts and cancels again.

    It opens when it is made, before the event loop takes the coroutine up: a loop that another
    coroutine blocks never does.

    Args:
        timeout: Seconds; None, 0 or less for no limit.
        cancel: Cancels the coroutine once more; safe in any thread.
        on_late: Told, in the watchdog's thread, each time that it is cancelled again.
    """

    def __init__(self, timeout: float | None, cancel: Callable[[], None], on_late: OnLate) -> None:
        self._cancel = cancel
        self._on_late = on_late
        self._raised = 1  # by asyncio
        self._again_at = float("inf")
        self.at = float("inf")
        if timeout is not None and timeout > 0:
            self.at = time.monotonic() + timeout
            self._again_at = self.at + _AGAIN
            _watchdog.add(self)

    def look(self, now: float) -> None:
        """Cancel it again while it goes on."""
        if now < self._again_at:
            return
        self._again_at = now + _AGAIN
        self._raised += 1
        self._cancel()
        self._on_late(now - self.at, self._raised)

    def close(self) -> None:
        """The coroutine has ended."""
        self.at = self._again_at = float("inf")
        self._cancel = self._on_late = _nothing
        _watchdog.discard(self)


class _Watchdog:
    """Looks at every open deadline; its thread starts with the first one."""

    def __init__(self) -> None:
        self.open: dict[int, Deadline | Watched] = {}
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def add(self, deadline: Deadline | Watched) -> None:
        self.open[id(deadline)] = deadline
        if self._thread is None:
            self._start()
        if not self._wake.is_set():
            self._wake.set()

    def discard(self, deadline: Deadline | Watched) -> None:
        self.open.pop(id(deadline), None)

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
                self._thread.start()

    def _watch(self) -> None:
        while True:
            self._wake.wait()
            now = time.monotonic()
            for deadline in list(self.open.values()):
                try:
                    deadline.look(now)
                except Exception:
                    pass  # one that cannot be raised must not end the watch over all others
            if not self.open:
                self._wake.clear()
                if self.open:  # added between the look and the clearing
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
    limit = time.monotonic() - seconds
    return sum(deadline.at < limit for deadline in list(_watchdog.open.values()))
