"""Signals: the first asks the worker to drain, each further one to leave at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def on_signals(drain: Callable[[bool], None]) -> Iterator[None]:
    """While inside, SIGTERM and SIGINT call `drain`; after it the old handlers are back.

    Args:
        drain: Called with False by the first signal and with True by each further one, in a
            thread of its own: a handler that logs could break into a line being written.
    """
    signals: SimpleQueue[bool] = SimpleQueue()  # made for signal handlers: put never blocks

    def handle(_number: int, _frame: FrameType | None) -> None:
        signals.put(True)

    def obey() -> None:
        seen = 0
        while signals.get():
            seen += 1
            drain(seen > 1)

    thread = threading.Thread(target=obey, name="signals", daemon=True)
    thread.start()
    previous = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        signals.put(False)
        thread.join()
