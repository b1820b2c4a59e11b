"""Signals that end a program, turned into an exception so that cleaning up happens."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from gen_worker.errors import InterruptedRunError

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def raising_signals() -> Iterator[None]:
    """Raise InterruptedRunError when a signal asks the program to end."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise InterruptedRunError

    with _handlers(stop):
        yield


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ignore these signals for a step that must not stop half way; child processes do too."""
    with _handlers(signal.SIG_IGN):
        yield


@contextmanager
def _handlers(handler: signal._HANDLER) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # Python allows it there only
        yield
        return
    before = {number: signal.signal(number, handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
