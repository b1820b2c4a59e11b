"""Long jobs of the engine's tests: they note each step in a file, so that processes can be killed."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from worker_payment.kit.engine import (
    AtOnce,
    Backoff,
    JobContext,
    Payload,
    PermanentError,
    Snooze,
    processor,
)

QUICK = Backoff(first=0.05, factor=1.0, jitter=0.0)


class Steps(Payload):
    """Steps to go, noted in the file `notes`; `fails_at` is a step before which it fails once."""

    notes: str
    upto: int = 10
    seconds: float = 0.0
    fails_at: int = 0


def steps(notes: Path) -> list[str]:
    """What was noted: a number for each step, the state in brackets for each attempt."""
    return notes.read_text().split() if notes.exists() else []


def _note(payload: Steps, what: object) -> None:
    with Path(payload.notes).open("a") as notes:
        notes.write(f"{what}\n")


def _walk(payload: Steps, context: JobContext) -> int:
    _note(payload, f"[{context.state}]")
    for number in range((context.state or 0) + 1, payload.upto + 1):
        if number == payload.fails_at and context.attempt == 1:
            raise ConnectionError("not yet")
        time.sleep(payload.seconds)
        _note(payload, number)
        context.progress(number, payload.upto, "walking")
        context.checkpoint(number)
    return payload.upto


@processor(backoff=QUICK)
def walk(payload: Steps, context: JobContext) -> int:
    """Go step by step."""
    return _walk(payload, context)


@processor(attempts=1)
def walk_once(payload: Steps, context: JobContext) -> int:
    """Go step by step; the first failure is for good."""
    return _walk(payload, context)


@processor(attempts=1, timeout=3)
def walk_a_while(payload: Steps, context: JobContext) -> int:
    """Go step by step, for three seconds at a time."""
    return _walk(payload, context)


@processor(attempts=1, timeout=3, at_once=AtOnce(1))
def walk_alone(payload: Steps, context: JobContext) -> int:
    """Go step by step, for three seconds at a time, and only one of these at once."""
    return _walk(payload, context)


@processor(attempts=1, timeout=3)
def mark_time(payload: Steps, context: JobContext) -> None:
    """Come to the same checkpoint again and again."""
    while True:
        _note(payload, "mark")
        time.sleep(payload.seconds)
        context.checkpoint("here")


@processor(attempts=1)
async def walk_async(payload: Steps, context: JobContext) -> int:
    """Go step by step, as a coroutine."""
    _note(payload, f"[{context.state}]")
    for number in range((context.state or 0) + 1, payload.upto + 1):
        await asyncio.sleep(payload.seconds)
        _note(payload, number)
        await asyncio.to_thread(context.checkpoint, number)
    return payload.upto


@processor(attempts=1)
def wait_for_drain(payload: Steps, context: JobContext) -> str:
    """Run until it should come to an end."""
    while not context.draining:
        time.sleep(0.01)
    return "drained"


@processor(attempts=1)
async def wait_for_drain_async(payload: Steps, context: JobContext) -> str:
    """Run until it should come to an end, as a coroutine."""
    while not context.draining:
        await asyncio.sleep(0.01)
    return "drained"


@processor(attempts=1, timeout=1)
def wait_for_end(payload: Steps, context: JobContext) -> str:
    """Run until the timeout is near."""
    while not context.draining:
        time.sleep(0.01)
    return "near"


class Wish(Payload):
    """Come back after so many seconds, so often at most; `times` says how often it asks."""

    notes: str
    seconds: float = 0.0
    at_most: int = 100
    times: int = 1000


def _doze(payload: Wish, context: JobContext) -> int:
    with Path(payload.notes).open("a") as notes:
        notes.write(f"{context.attempt}\n")
    if len(Path(payload.notes).read_text().split()) <= payload.times:
        raise Snooze(payload.seconds, at_most=payload.at_most)
    return context.attempt


@processor(attempts=2)
def doze(payload: Wish, context: JobContext) -> int:
    """Ask to come back later."""
    return _doze(payload, context)


@processor(attempts=2, keep_order=True)
def doze_in_order(payload: Wish, context: JobContext) -> int:
    """Ask to come back later, and let nobody overtake meanwhile."""
    return _doze(payload, context)


class Keep(Payload):
    """What to hand to a checkpoint."""

    what: str


@processor(attempts=3)
def keep_odd(payload: Keep, context: JobContext) -> None:
    """Hand a checkpoint what it cannot keep."""
    match payload.what:
        case "object":
            context.checkpoint({"secret": object()})  # type: ignore[dict-item]
        case "nan":
            context.checkpoint(float("nan"))
        case "huge":
            context.checkpoint("secret" * 20_000)


@processor(attempts=3)
async def keep_on_the_loop(payload: Keep, context: JobContext) -> None:
    """Checkpoint on the event loop's thread."""
    context.checkpoint(1)


@processor(attempts=1)
def keep_and_refuse(payload: Steps, context: JobContext) -> object:
    """Fail for good after a checkpoint, until there is one."""
    if context.state is None:
        context.checkpoint({"at": "한글"})
        raise PermanentError("no use")
    return context.state
