"""Jobs for the tests of the program: each does one thing that can be watched from outside."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from worker_payment.kit.engine import Backoff, Payload, processor
from worker_payment.kit.scheduling import schedule


class Nap(Payload):
    """`{"napSeconds": 0.5}`"""

    nap_seconds: float = 0.0
    secret: str = ""


@processor(timeout=60)
def nap(payload: Nap) -> float:
    """Take its time."""
    time.sleep(payload.nap_seconds)
    return payload.nap_seconds


class Wait(Payload):
    """`{"until": "FILE"}`"""

    until: str


@processor(timeout=60)
def wait(payload: Wait) -> None:
    """Run until a test makes the file."""
    while not Path(payload.until).exists():
        time.sleep(0.02)


@processor(attempts=2, backoff=Backoff(first=0.1))
def stumble(payload: Nap) -> None:
    """Fail each time."""
    raise ConnectionError("the other side is down")


@processor(attempts=1, timeout=1)
async def leave_a_thread_behind(payload: Nap) -> None:
    """Its timeout ends the coroutine, and not what it waits for."""
    await asyncio.to_thread(time.sleep, payload.nap_seconds)


@processor(attempts=1, timeout=1)
def swallow_timeout(payload: Nap) -> None:
    """Cannot be ended."""
    while True:
        try:
            time.sleep(0.1)
        except BaseException:
            continue


# Leap days only: it has a state from the start, and does not disturb.
schedule(nap, "0 0 29 2 *", lambda due: Nap(), name="leap-day")
