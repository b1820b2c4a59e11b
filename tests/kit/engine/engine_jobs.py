"""Jobs of the engine's tests. They live in a module because RQ imports jobs by dotted path."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections import Counter
from typing import Any

import structlog
from redis import Redis
from rq import Retry, get_current_job

from worker_payment.kit.engine import (
    AtOnce,
    Backoff,
    Duplicate,
    JobContext,
    Payload,
    PermanentError,
    Rate,
    TemporaryError,
    processor,
)

log = structlog.get_logger(__name__)

QUICK = Backoff(first=0.05, factor=1.0, jitter=0.0)

ran: list[str] = []
attempts: Counter[str] = Counter()
running = threading.Semaphore(0)
gate = threading.Event()
called_back: list[str] = []


class Note(Payload):
    """`{"text": "a", "failures": 2, "seconds": 0.1}`"""

    text: str = ""
    failures: int = 0
    seconds: float = 0.0


@processor(backoff=QUICK)
def note(payload: Note) -> str:
    """Remember that it ran; fail the first `failures` times."""
    attempts[payload.text] += 1
    if attempts[payload.text] <= payload.failures:
        raise ConnectionError(f"failure {attempts[payload.text]}")
    time.sleep(payload.seconds)
    ran.append(payload.text)
    return payload.text


@processor(backoff=QUICK, job_id=lambda payload: f"note-{payload.text}")
def note_once(payload: Note) -> None:
    """A job whose id comes from its payload."""
    time.sleep(payload.seconds)
    ran.append(payload.text)


@processor(backoff=QUICK, keep_order=True)
def note_in_order(payload: Note) -> None:
    """Nothing overtakes a failing job of this processor."""
    attempts[payload.text] += 1
    if attempts[payload.text] <= payload.failures:
        raise ConnectionError("not yet")
    ran.append(payload.text)


@processor(backoff=Backoff(first=60.0), keep_order=True)
def wait_in_slot(payload: Note) -> None:
    """Fails and then waits a minute in its slot."""
    attempts[payload.text] += 1
    raise ConnectionError("not yet")


@processor(backoff=QUICK)
def refuse(payload: Note) -> None:
    """Fails for good at once."""
    attempts[payload.text] += 1
    raise PermanentError("no use")


@processor(attempts=2, backoff=Backoff(first=600.0))
def come_back(payload: Note) -> None:
    """The other side names the time of the next attempt."""
    attempts[payload.text] += 1
    raise TemporaryError("busy", retry_after=0.1)


@processor()
def skip(payload: Note) -> None:
    """Its work is done already."""
    raise Duplicate(f"{payload.text} is done")


@processor(backoff=QUICK)
def wait_for_gate(payload: Note) -> None:
    """Runs until the test opens the gate."""
    running.release()
    gate.wait(30)
    ran.append(payload.text)


@processor(attempts=1, timeout=1)
def oversleep(payload: Note) -> None:
    """Runs longer than it may."""
    while True:
        time.sleep(0.01)


@processor(attempts=1, timeout=1)
def swallow_timeout(payload: Note) -> str:
    """Catches what it should not."""
    try:
        while True:
            time.sleep(0.01)
    except Exception:
        return "as if nothing had happened"


@processor(attempts=1, timeout=1)
def block_in_c(payload: Note) -> None:
    """A call that the interpreter cannot interrupt."""
    time.sleep(2.0)
    ran.append(payload.text)


@processor(backoff=QUICK)
async def note_async(payload: Note) -> str:
    """A coroutine processor."""
    attempts[payload.text] += 1
    if attempts[payload.text] <= payload.failures:
        raise ConnectionError("not yet")
    await asyncio.sleep(payload.seconds)
    ran.append(payload.text)
    return payload.text


@processor(attempts=1, timeout=1)
async def oversleep_async(payload: Note) -> None:
    """A coroutine that runs longer than it may."""
    await asyncio.sleep(60)


@processor(attempts=1, timeout=1)
async def block_the_loop(payload: Note) -> None:
    """A coroutine that keeps every other one from going on."""
    time.sleep(2.0)


@processor()
def tell_context(payload: Note, context: JobContext) -> dict[str, Any]:
    """What a processor can know about its attempt."""
    job = get_current_job()
    return {
        "id": context.job_id,
        "type": context.job_type,
        "attempt": context.attempt,
        "queue": context.queue,
        "same": job is not None and job.id == context.job_id,
    }


@processor(attempts=1)
def misbehave(payload: Note) -> Any:
    """Does what no job should do."""
    match payload.text:
        case "exit":
            raise SystemExit(3)
        case "interrupt":
            raise KeyboardInterrupt
        case "fork":
            if os.fork() == 0:
                return None  # the child comes back through the engine
            os.wait()
        case "close":
            sys.stdout.close()
        case "threads":
            for _ in range(20):
                threading.Thread(target=time.sleep, args=(0.5,), daemon=True).start()
        case "lines":
            for number in range(payload.failures):
                log.info("another line", number=number)
        case "set":
            return {1, 2, 3}
        case "deep":
            value: list[Any] = []
            value.append(value)
            return value
    return None


starts: dict[str, list[float]] = {}
at_once: Counter[str] = Counter()
most_at_once: Counter[str] = Counter()
_lock = threading.Lock()


@processor(rate=Rate(20, per=1.0))
def start_at_a_rate(payload: Note) -> None:
    """At most twenty starts a second over all replicas."""
    starts.setdefault(payload.text, []).append(time.monotonic())


@processor(at_once=AtOnce(2, key=lambda payload: payload.text))
def two_at_once(payload: Note) -> None:
    """At most two at once for each text."""
    with _lock:
        at_once[payload.text] += 1
        most_at_once[payload.text] = max(most_at_once[payload.text], at_once[payload.text])
    time.sleep(payload.seconds)
    with _lock:
        at_once[payload.text] -= 1
    ran.append(payload.text)


@processor(rate=Rate(20), at_once=AtOnce(1))
def one_at_a_time_at_a_rate(payload: Note) -> None:
    """Both limits at once."""
    ran.append(payload.text)


@processor(at_once=AtOnce(1), attempts=2, backoff=Backoff(first=0.1, jitter=0.0))
def stumble_alone(payload: Note) -> None:
    """Fails once, under a limit."""
    attempts[payload.text] += 1
    if attempts[payload.text] == 1:
        raise ConnectionError("not yet")
    ran.append(payload.text)


@processor(attempts=3)
def name_no_time(payload: Note) -> None:
    """Hands the engine what is no number."""
    raise TemporaryError("busy", retry_after="5")  # type: ignore[arg-type]


@processor(attempts=1, timeout=1)
async def leave_a_thread_behind(payload: Note) -> None:
    """Its timeout ends the coroutine, and not what it waits for."""
    await asyncio.to_thread(gate.wait, 30)


@processor(attempts=1)
async def refuse_async(payload: Note) -> None:
    """A coroutine that fails at once."""
    raise PermanentError("no use")


# --- plain functions, as any RQ publisher may queue them ------------------------------------


def add(a: int, b: int) -> int:
    """RQ's classic."""
    return a + b


def fail() -> None:
    """Always fails."""
    raise RuntimeError("failed on purpose")


def fail_once(name: str) -> str:
    """Fails the first time."""
    attempts[name] += 1
    if attempts[name] == 1:
        raise RuntimeError("first time")
    return name


def ask_for_retry(name: str) -> Any:
    """Returns a Retry, RQ's other way to ask for one more run."""
    attempts[name] += 1
    return Retry(max=2) if attempts[name] == 1 else name


def sleep(seconds: float) -> None:
    """Runs for a while, in small steps."""
    running.release()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.01)


def leave(job: Any, connection: Redis, *exc_info: Any) -> None:
    """A failure callback that wants to end the process."""
    sys.exit(3)


def on_success(job: Any, connection: Redis, result: Any) -> None:
    """A success callback."""
    called_back.append(f"success {job.id} {result}")


def on_failure(job: Any, connection: Redis, kind: Any, value: Any, traceback: Any) -> None:
    """A failure callback."""
    called_back.append(f"failure {job.id} {kind.__name__}")


def on_stopped(job: Any, connection: Redis) -> None:
    """A callback of a stopped job."""
    called_back.append(f"stopped {job.id}")


def broken_on_failure(job: Any, connection: Redis, *exc_info: Any) -> None:
    """A failure callback that raises."""
    raise RuntimeError("callback")


def broken_callback(job: Any, connection: Redis, result: Any) -> None:
    """A callback that raises."""
    raise RuntimeError("the callback failed")


@processor(attempts=1)
def fail_and_break(payload: Note) -> None:
    """Fail for good."""
    raise TemporaryError("the job's own")


class NoTime:
    """A `retry_after` that cannot be compared."""

    def __lt__(self, _other: object) -> bool:
        raise RuntimeError("no time")

    __gt__ = __lt__


@processor(attempts=2)
def fail_with_an_odd_time(payload: Note) -> None:
    """Fail, with a time of the next attempt that raises."""
    raise TemporaryError("the job's own", retry_after=NoTime())  # type: ignore[arg-type]
