"""What every job of the comparison does. Imported inside each system's own environment.

A job leaves its trace by appending to one file that was opened with O_APPEND: a counter that
every language has, that costs one system call, and that the benchmark watches from outside.
"""

from __future__ import annotations

import asyncio
import os
import time
from functools import cache

COUNT, SLEEP, SPIN, START = "count", "sleep", "spin", "start"
_SPIN_STEPS = 1000


@cache
def _file() -> int:
    return os.open(os.environ["BENCH_FILE"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def _leave_trace(mode: str, value: float) -> None:
    if mode == START:
        line = b"%15.9f\n" % (time.time() - value)
    elif mode == SPIN:
        line = b"%15d\n" % os.getpid()
    else:
        line = b"."
    os.write(_file(), line)


def _spin(thousands: float) -> int:
    total = 0
    for number in range(round(thousands) * _SPIN_STEPS):
        total = (total * 3 + number) & 0xFFFF
    return total


def work(mode: str, value: float) -> None:
    """Do one job.

    Args:
        mode: `count` does nothing, `sleep` waits, `spin` computes, `start` notes how long ago
            it was published.
        value: Seconds to sleep, thousands of steps to compute, or the time of publishing.
    """
    if mode == SLEEP:
        time.sleep(value)
    elif mode == SPIN:
        _spin(value)
    _leave_trace(mode, value)


async def work_async(mode: str, value: float) -> None:
    """Do one job in an event loop; see `work`."""
    if mode == SLEEP:
        await asyncio.sleep(value)
    elif mode == SPIN:
        _spin(value)
    _leave_trace(mode, value)
