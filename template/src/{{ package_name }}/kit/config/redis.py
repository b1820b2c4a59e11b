"""Connections to Redis, made from `REDIS_URL`."""

from __future__ import annotations

from redis import Redis
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from ..engine import Publisher
from .settings import PublisherSettings, Settings
from .topology import connect

_TIMEOUT = 5.0  # seconds for a connection or a command


def worker_connection(settings: Settings) -> Redis:
    """The worker's client. It never repeats a command by itself: the engine does, knowingly."""
    return _connect(settings, Retry(NoBackoff(), 0))


def publisher(settings: PublisherSettings) -> Publisher:
    """Where jobs of this worker are published."""
    patient = Retry(ExponentialBackoff(cap=1.0, base=0.1), 2)
    return Publisher(_connect(settings, patient), settings.worker_queue)


def _connect(settings: PublisherSettings, retry: Retry) -> Redis:
    return connect(
        settings.redis_url.get_secret_value(),
        socket_timeout=_TIMEOUT,
        socket_connect_timeout=_TIMEOUT,
        socket_keepalive=True,
        retry=retry,
        retry_on_error=[RedisConnectionError, RedisTimeoutError],
    )
