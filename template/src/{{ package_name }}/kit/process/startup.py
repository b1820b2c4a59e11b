"""What happens before the first job is taken."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog
from redis import Redis
from redis.exceptions import RedisError

from ..config.redis import describe_error, is_permanent
from ..engine import OutageError
from ..engine.background import Pause

log = structlog.get_logger(__name__)

_FIRST, _LONGEST = 0.5, 5.0  # seconds between tries


def wait_for_redis(
    connection: Redis, stop: threading.Event, waiting: Callable[[], None] = lambda: None
) -> bool:
    """Wait until Redis answers; see `wait_for`.

    Raises:
        redis.exceptions.RedisError: Waiting is no cure, for instance for a wrong password.
    """

    def ping() -> None:
        try:
            connection.ping()
        except RedisError as error:
            if is_permanent(error):
                raise
            raise OutageError(describe_error(error)) from error

    return wait_for(ping, stop, waiting, event="redis.wait")


def wait_for(
    start: Callable[[], None],
    stop: threading.Event,
    waiting: Callable[[], None],
    *,
    event: str,
    **fields: str,
) -> bool:
    """Start something as soon as what it needs is there, and log why it is not.

    Args:
        start: Raises `OutageError` while what it needs is away. Any other error ends the start.
        stop: Ends the waiting.
        waiting: Called before every try but the first.
        event: Message of the log lines.
        fields: More of them.

    Returns:
        False when it was told to stop instead.
    """
    pause = Pause(_FIRST, _LONGEST)
    while not stop.is_set():
        try:
            start()
        except OutageError as error:
            wait = pause.grow()
            log.warning(event, **fields, error=str(error), retryMs=round(wait * 1000))
            stop.wait(wait)
            waiting()
        else:
            return True
    return False
