"""The command `stats`: once, as JSON, or as a table that stays on the screen."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from redis import Redis
from redis.exceptions import RedisError
from rich.console import Console
from rich.live import Live

from ..composition import composed
from ..config import Settings
from ..config.redis import worker_connection
from ..scheduling import schedules
from ..texts import say
from .several import look_at_all
from .stats import Rates, ScheduleState, Stats
from .table import render


def show_stats(settings: Settings, *, as_json: bool, interval: float) -> None:
    """Print two looks' worth of numbers: the second look, and the rates since the first.

    Args:
        settings: The checked settings.
        as_json: JSON for programs instead of a table.
        interval: Seconds between the looks.

    Raises:
        redis.exceptions.RedisError: Redis cannot be reached.
    """
    with worker_connection(settings) as connection:
        try:
            before = look_at_all(connection, settings.queues)
            time.sleep(interval)
            after = _look(connection, settings.queues)
        finally:
            _close_modules()
    rates = Rates.between(before, after)
    if as_json:
        found = after.to_json() | {
            "rates": {
                "donePerSecond": round(rates.done, 3),
                "failuresPerSecond": round(rates.failures, 3),
                "overSeconds": round(rates.seconds, 3),
            }
        }
        print(json.dumps(found, ensure_ascii=False))  # noqa: T201 - what the command is for
    else:
        console = Console()
        console.print(render(after, rates, height=console.height if console.is_terminal else None))


def watch_stats(settings: Settings, *, interval: float) -> None:
    """Keep the table on the screen until Ctrl-C, through outages of Redis.

    Args:
        settings: The checked settings.
        interval: Seconds between two looks.

    Raises:
        redis.exceptions.RedisError: Redis cannot be reached at the start.
    """
    with worker_connection(settings) as connection:
        stats = _look(connection, settings.queues)
        try:
            console = Console()
            first = render(stats, None, height=console.height)
            with Live(first, console=console, screen=True, auto_refresh=False) as live:
                for each, rates, trouble in _looks(connection, stats, interval):
                    shown = render(each, rates, trouble, height=console.height)
                    live.update(shown, refresh=True)
        except KeyboardInterrupt:
            pass  # how it is left
        finally:
            _close_modules()


def _looks(
    connection: Redis, stats: Stats, interval: float
) -> Iterator[tuple[Stats, Rates | None, str]]:
    rates: Rates | None = None
    while True:
        time.sleep(interval)
        trouble = ""
        try:
            newer = _look(connection, [each.name for each in stats.queues])
            stats, rates = newer, Rates.between(stats, newer)
        except RedisError as error:
            age = time.time() - stats.at
            trouble = say(
                "Redis does not answer ({error}); seen {seconds} s ago",
                error=type(error).__name__,
                seconds=f"{age:.0f}",
            )
        yield stats, rates, trouble


def _look(connection: Redis, queues: Sequence[str]) -> Stats:
    stats = look_at_all(connection, queues, _counts())
    return replace(stats, schedules=_schedules(), failed=_failed(connection, queues, stats.failed))


def _failed(connection: Redis, queues: Sequence[str], in_redis: int) -> int:
    """Count what `failed list` lists; what is in Redis while the keeper of the list is away."""
    try:
        found = composed().failed_jobs(connection, queues, "stats")
        return in_redis if found is None else found.count()
    except RedisError:
        raise
    except Exception:
        return in_redis  # `counts` says that it is away


def _schedules() -> tuple[ScheduleState, ...]:
    """Return what is declared; none when the processors cannot be loaded, which `check` tells."""
    try:
        composed().load_processors()
    except Exception:
        return ()
    now = datetime.now(UTC)
    return tuple(
        ScheduleState(
            each.name,
            each.cron,
            each.timezone.key,
            (each.following(now) - now).total_seconds(),
        )
        for each in schedules()
    )


def _counts() -> dict[str, dict[str, int] | str]:
    """What each module counts; the error's name when it cannot."""
    found: dict[str, dict[str, int] | str] = {}
    for module in composed().modules:
        try:
            counted = dict(module.counts())
        except Exception as error:  # a database that is away must not hide the queue
            found[module.name] = type(error).__name__
        else:
            if counted:
                found[module.name] = counted
    return found


def _close_modules() -> None:
    for module in composed().modules:
        module.close()
