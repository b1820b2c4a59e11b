"""Jobs of the tests that kill processes: what they did is noted in a file."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import time
from pathlib import Path

from worker_payment.kit.engine import Backoff, JobContext, Order, Payload, processor


class Count(Payload):
    """Note a run of `text` in the file `notes`."""

    notes: str
    text: str
    seconds: float = 0.0


class Empty(Payload):
    """Nothing to say."""


@processor()
def count(payload: Count) -> None:
    """Take a while, then note this run."""
    time.sleep(payload.seconds)
    with Path(payload.notes).open("a") as notes:
        notes.write(f"{payload.text}\n")


@processor()
def kill_process(payload: Empty) -> None:
    """End the whole worker as the kernel would."""
    os.kill(os.getpid(), signal.SIGKILL)


class Step(Payload):
    """Step `number` of what happens to `order_id`; fails `failures` times.

    It does not end before `begun` steps have begun.
    """

    notes: str
    order_id: str
    number: int
    seconds: float = 0.0
    failures: int = 0
    begun: int = 0


def _note(payload: Step, word: str) -> None:
    with Path(payload.notes).open("a") as notes:
        notes.write(f"{payload.order_id} {payload.number} {word} {os.getpid()}\n")


@processor(order="{order_id}", attempts=3, backoff=Backoff(first=0.1, factor=1.0, jitter=0.0))
def step(payload: Step, context: JobContext) -> None:
    """Note when it begins and ends; fail the first attempts."""
    _note(payload, "begin")
    while Path(payload.notes).read_text().count(" begin ") < payload.begun:
        time.sleep(0.01)
    time.sleep(payload.seconds)
    if context.attempt <= payload.failures:
        raise ConnectionError("not yet")
    _note(payload, "end")


@processor(order=Order("{order_id}", after_failure="hold"), attempts=1)
def careful_step(payload: Step) -> None:
    """The same, but its key is held when it fails: until a file says that the cause is gone."""
    _note(payload, "begin")
    if payload.failures and not Path(f"{payload.notes}.repaired").exists():
        raise ConnectionError("not yet")
    _note(payload, "end")


@processor(order="{order_id}", timeout=30)
async def async_step(payload: Step) -> None:
    """The same as a coroutine."""
    _note(payload, "begin")
    await asyncio.sleep(payload.seconds)
    _note(payload, "end")


@processor(attempts=1)
def hold_the_interpreter(payload: Count) -> None:
    """Sleep in C with the interpreter's lock: nothing else of the process runs, no renewal either."""
    with Path(payload.notes).open("a") as notes:
        notes.write(f"{payload.text}\n")
    ctypes.PyDLL(None).usleep(round(payload.seconds * 1_000_000))
