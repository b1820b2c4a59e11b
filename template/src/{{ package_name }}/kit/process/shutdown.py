"""Signals: the first asks the worker to drain, a later one to leave at once."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
SAME = 1.0  # seconds in which signals count as one: terminals and systemd repeat them


@contextmanager
def on_signals(drain: Callable[[bool], None]) -> Iterator[None]:
    """While inside, SIGTERM, SIGINT and SIGHUP call `drain`; afterwards the old handlers are back.

    Args:
        drain: Called with False by the first signal and with True by each that comes more than
            `SAME` seconds after the one before it, in a thread of its own: a handler that logs
            could break into a line being written.
    """
    signals: SimpleQueue[float | None] = SimpleQueue()  # made for signal handlers: put never blocks

    def handle(_number: int, _frame: FrameType | None) -> None:
        signals.put(time.monotonic())

    def obey() -> None:
        counted: float | None = None
        while (moment := signals.get()) is not None:
            if counted is None or moment - counted > SAME:
                drain(counted is not None)
                counted = moment

    thread = threading.Thread(target=obey, name="signals", daemon=True)
    thread.start()
    previous = {number: signal.signal(number, handle) for number in _SIGNALS if _wanted(number)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        signals.put(None)
        thread.join()


def _wanted(number: signal.Signals) -> bool:
    """Whether a signal is ours to handle: `nohup` has the worker outlive its terminal."""
    return number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN
