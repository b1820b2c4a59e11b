"""Signals: the first asks the worker to drain, the second to leave at once."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import structlog

log = structlog.get_logger(__name__)

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def on_signals(drain: Callable[[bool], None]) -> Iterator[None]:
    """While inside, SIGTERM and SIGINT call `drain`; after it the old handlers are back.

    Args:
        drain: Called with False by the first signal and with True by each further one. It
            runs between two bytecodes of the main thread and must not block.
    """
    seen = 0

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal seen
        seen += 1
        drain(seen > 1)

    previous = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
