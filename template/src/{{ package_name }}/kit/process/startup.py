"""What happens before the first job is taken."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog
from redis import Redis
from redis.exceptions import AuthenticationError, RedisError

log = structlog.get_logger(__name__)

_FIRST, _LONGEST = 0.5, 5.0  # seconds between tries


def wait_for_redis(
    connection: Redis, stop: threading.Event, waiting: Callable[[], None] = lambda: None
) -> bool:
    """Wait until Redis answers, saying so.

    Args:
        connection: The client to try.
        stop: Ends the waiting.
        waiting: Called before every try but the first.

    Returns:
        False when it was told to stop instead.

    Raises:
        redis.exceptions.AuthenticationError: Redis refuses the password; waiting is no cure.
    """
    wait = _FIRST
    while not stop.is_set():
        try:
            connection.ping()
        except AuthenticationError:
            raise
        except RedisError as error:
            log.warning("redis.wait", error=f"{type(error).__name__}: {error}", retryMs=_ms(wait))
            stop.wait(wait)
            wait = min(wait * 2, _LONGEST)
            waiting()
        else:
            return True
    return False


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
