"""Jobs that behave oddly. None of them may run for ever, or hold a slot for ever."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter

import structlog
from pydantic import BaseModel

from worker_payment.kit.engine import AtOnce, Backoff, OutageError, Payload, processor

QUICK = Backoff(first=0.05, factor=1.0, jitter=0.0)

runs: Counter[str] = Counter()
started = threading.Semaphore(0)
gate = threading.Event()


class Odd(Payload):
    text: str = ""


class Unreadable:
    """Raises wherever it is written."""

    def __repr__(self) -> str:
        raise ValueError("no text for you")

    def __str__(self) -> str:
        raise ValueError("no text for you")


class UnreadableError(Exception):
    """An error without a text."""

    def __str__(self) -> str:
        raise RuntimeError("no text for you")


@processor(attempts=2, backoff=QUICK)
def surrogate(payload: Odd) -> None:
    """Fails with a text that UTF-8 does not know."""
    runs[payload.text] += 1
    raise ValueError("bad \udcff")


@processor(attempts=2, backoff=QUICK, keep_order=True)
def surrogate_in_order(payload: Odd) -> None:
    """Likewise, in its slot."""
    runs[payload.text] += 1
    raise ValueError("bad \udcff")


@processor(attempts=2, backoff=QUICK)
async def surrogate_async(payload: Odd) -> None:
    """Likewise, as a coroutine."""
    runs[payload.text] += 1
    raise ValueError("bad \udcff")


@processor(attempts=2, backoff=QUICK)
def unreadable(payload: Odd) -> None:
    """Fails with an error that has no text."""
    runs[payload.text] += 1
    raise UnreadableError


@processor(attempts=1)
def huge(payload: Odd) -> None:
    """Fails with 5 MB of text."""
    raise ValueError("x" * 5_000_000)


@processor()
def bind(payload: Odd) -> None:
    """Leaves a value in the log's context that cannot be written."""
    structlog.contextvars.bind_contextvars(odd=Unreadable())


@processor()
async def bind_async(payload: Odd) -> None:
    """Likewise, as a coroutine."""
    structlog.contextvars.bind_contextvars(odd=Unreadable())


@processor()
def leave(payload: Odd) -> None:
    """Does nothing."""


@processor()
async def leave_async(payload: Odd) -> None:
    """Likewise, as a coroutine."""


@processor(attempts=1, timeout=1)
def swallow(payload: Odd) -> None:
    """Cannot be ended."""
    while not gate.is_set():
        try:
            time.sleep(0.05)
        except BaseException:
            runs[payload.text] += 1


@processor(attempts=1, timeout=1)
async def swallow_async(payload: Odd) -> None:
    """Cannot be cancelled."""
    while not gate.is_set():
        try:
            await asyncio.sleep(0.05)
        except BaseException:
            runs[payload.text] += 1


@processor(attempts=3, backoff=QUICK, keep_order=True)
async def in_order(payload: Odd) -> None:
    """Fails twice; nothing may overtake it meanwhile."""
    runs[payload.text] += 1
    if payload.text == "first" and runs["first"] < 3:
        raise ConnectionError("not yet")
    runs["order"] += 1
    runs[f"{payload.text} ended as"] = runs["order"]


@processor()
def hold(payload: Odd) -> None:
    """Runs until the test opens the gate."""
    runs[payload.text] += 1
    started.release()
    gate.wait(20)


@processor(at_once=AtOnce(1))
def hold_alone(payload: Odd) -> None:
    """Likewise, one at a time."""
    runs[payload.text] += 1
    started.release()
    gate.wait(20)


@processor()
def unwritable(payload: Odd) -> object:
    """Returns what is no JSON."""
    return object()


@processor()
def meet_an_outage(payload: Odd) -> None:
    """Needs what is away."""
    runs[payload.text] += 1
    raise OutageError("the vendor is away", retry_after=60, of="vendor")


class Answer(BaseModel):
    """What an owner expects of a vendor."""

    number: int


@processor(attempts=1)
def refuse_an_answer(payload: Odd) -> None:
    """An owner's model refuses a value, and its error repeats it; so does one with a URL."""
    try:
        Answer.model_validate({"number": payload.text})
    except ValueError as error:
        raise ConnectionError(f"for url 'https://a.kr/b?name={payload.text}&key=1'") from error


def plain(card: str) -> None:
    """No processor."""
