"""The publishing side: the same commands for every Python system.

fill COUNT MODE VALUE   put jobs on the queue by the fastest way there is
trickle COUNT GAP       publish single jobs with GAP seconds between, each with its time
later COUNT GAP DELAY   the same, but each shall run DELAY seconds later; its time is when it is due
again COUNT WAIT        publish jobs that fail first and shall run again after so many seconds
park COUNT              publish jobs that shall run in an hour, by the fastest way there is
rate COUNT single|bulk  print how many seconds publishing took
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable

from bench_body import COUNT, START

One = Callable[[str, float], object]
Many = Callable[[str, float, int], object]
Later = Callable[[str, float, float, int], object]  # mode, value, delay in seconds, count
Again = Callable[[float, int], object]  # seconds, count
_HOUR = 3600.0
_TOGETHER = 100  # calls at once of a system that has no call for many


def run(
    one: One, many: Many | None = None, later: Later | None = None, again: Again | None = None
) -> None:
    """Obey the command line.

    Args:
        one: Publishes one job of a mode and a value.
        many: Publishes so many of them at once, where the system can.
        later: Publishes so many of them to run after a delay, where the system can.
        again: Publishes jobs that fail first and name the seconds until their next attempt.
    """
    command, count, *rest = sys.argv[1:]
    if command == "fill":
        _publish(one, many, rest[0], float(rest[1]), int(count))
    elif command == "trickle":
        for _ in range(int(count)):
            one(START, time.time())
            time.sleep(float(rest[0]))
    elif command == "later" and later is not None:
        gap, delay = (float(each) for each in rest)
        for _ in range(int(count)):
            later(START, time.time() + delay, delay, 1)
            time.sleep(gap)
    elif command == "park" and later is not None:
        later(COUNT, 0.0, _HOUR, int(count))
    elif command == "again" and again is not None:
        again(float(rest[0]), int(count))
    else:
        one(COUNT, 0.0)  # connects
        start = time.perf_counter()
        _publish(one, many if rest[0] == "bulk" else None, COUNT, 0.0, int(count))
        print(time.perf_counter() - start)


def _publish(one: One, many: Many | None, mode: str, value: float, count: int) -> None:
    if many is not None:
        many(mode, value, count)
        return
    for _ in range(count):
        one(mode, value)


async def run_async(
    one: Callable[[str, float], Awaitable[object]],
    many: Callable[[str, float, int], Awaitable[object]] | None = None,
) -> None:
    """Obey the command line, for a system whose publishing is a coroutine.

    Args:
        one: Publishes one job of a mode and a value.
        many: Publishes so many of them at once; by default a hundred calls at the same time.
    """
    command, count, *rest = sys.argv[1:]

    async def together(mode: str, value: float, count: int) -> None:
        for start in range(0, count, _TOGETHER):
            batch = min(_TOGETHER, count - start)
            await asyncio.gather(*(one(mode, value) for _ in range(batch)))

    fill = many or together
    if command == "fill":
        await fill(rest[0], float(rest[1]), int(count))
    elif command == "trickle":
        for _ in range(int(count)):
            await one(START, time.time())
            await asyncio.sleep(float(rest[0]))
    else:
        await one(COUNT, 0.0)
        start = time.perf_counter()
        if rest[0] == "bulk":
            await fill(COUNT, 0.0, int(count))
        else:
            for _ in range(int(count)):
                await one(COUNT, 0.0)
        print(time.perf_counter() - start)
