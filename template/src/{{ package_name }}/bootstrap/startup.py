"""What happens before the first job is taken."""

from __future__ import annotations

import threading

import structlog
from redis import Redis
from redis.exceptions import AuthenticationError, RedisError

log = structlog.get_logger(__name__)

_FIRST, _LONGEST = 0.5, 10.0  # seconds between tries


def wait_for_redis(connection: Redis, stop: threading.Event) -> bool:
    """Wait until Redis answers, saying so.

    Args:
        connection: The client to try.
        stop: Ends the waiting.

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
            log.warning("redis.wait", error=type(error).__name__, retryMs=round(wait * 1000))
            stop.wait(wait)
            wait = min(wait * 2, _LONGEST)
        else:
            return True
    return False
