"""What happens before the first job is taken."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog
from redis import Redis
from redis.exceptions import RedisError

from ..config.redis import describe_error, is_permanent
from ..engine import OutageError

log = structlog.get_logger(__name__)

_FIRST, _LONGEST = 0.5, 5.0  # seconds between tries


def wait_for_redis(
    connection: Redis, stop: threading.Event, waiting: Callable[[], None] = lambda: None
) -> bool:
    """Wait until Redis answers, and log why it does not.

    Args:
        connection: The client to try.
        stop: Set to stop waiting.
        waiting: Called before every try but the first.

    Returns:
        False if `stop` was set first.

    Raises:
        redis.exceptions.RedisError: Waiting is no cure, for instance for a wrong password.
    """
    wait = _FIRST
    while not stop.is_set():
        try:
            connection.ping()
        except RedisError as error:
            if is_permanent(error):
                raise
            log.warning("redis.wait", error=describe_error(error), retryMs=_ms(wait))
            stop.wait(wait)
            wait = min(wait * 2, _LONGEST)
            waiting()
        else:
            return True
    return False


def wait_for(
    name: str,
    start: Callable[[], None],
    stop: threading.Event,
    waiting: Callable[[], None] = lambda: None,
) -> bool:
    """Start something as soon as what it needs is there, and say what is waited for.

    Args:
        name: Of what is started.
        start: Raises `OutageError` while what it needs is away. Any other error ends the start.
        stop: Ends the waiting.
        waiting: Called before every try but the first, and while it waits.

    Returns:
        False when it was told to stop instead.
    """
    wait = _FIRST
    while not stop.is_set():
        try:
            start()
        except OutageError as error:
            log.warning("module.wait", module=name, error=str(error), retryMs=_ms(wait))
            stop.wait(wait)
            wait = min(wait * 2, _LONGEST)
            waiting()
        else:
            return True
    return False


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
