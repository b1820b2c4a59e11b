"""Connections to Redis, made from `REDIS_URL`."""

from __future__ import annotations

from redis import Redis
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError

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


_SENTENCES: tuple[tuple[type[RedisError], str], ...] = (
    (AuthenticationError, "Redis refuses the user or the password; check REDIS_URL"),
    (NoPermissionError, "the Redis user lacks a permission; see docs/runbooks/deploy.md"),
    (ReadOnlyError, "REDIS_URL names a read-only replica; name the master, or the sentinels"),
    (OutOfMemoryError, "Redis is full (maxmemory) and stores nothing; add memory"),
    (BusyLoadingError, "Redis is still loading its data; try again in a moment"),
    (MasterNotFoundError, "no sentinel in REDIS_URL knows a master of that name, or none answers"),
    (RedisTimeoutError, f"Redis does not answer within {_TIMEOUT:.0f} s; check REDIS_URL"),
)
_TEXTS = (
    ("DB index is out of range", "REDIS_URL names a database number that Redis does not have"),
    ("MISCONF", "Redis cannot save its data and refuses to write; is its disk full?"),
    ("max number of clients", "Redis has no connection left (maxclients)"),
    ("CERTIFICATE_VERIFY_FAILED", "Redis shows a certificate that this machine does not trust"),
    ("[SSL", "Redis does not speak TLS as REDIS_URL says; is it redis:// or rediss://?"),
)


def describe_error(error: RedisError) -> str:
    """Return a sentence on an error of Redis: what is wrong, and where to look."""
    text = " ".join(str(error).split())
    for part, sentence in _TEXTS:
        if part in text:
            return sentence
    for kind, sentence in _SENTENCES:
        if isinstance(error, kind):
            return f"{sentence} ({text})" if kind is NoPermissionError else sentence
    if isinstance(error, RedisConnectionError):
        return f"Redis cannot be reached: {text.rstrip('.')}; check REDIS_URL"
    return f"Redis ({type(error).__name__}): {text}"


def is_permanent(error: RedisError) -> bool:
    """Whether waiting cannot cure an error: the password, a permission or the URL is wrong."""
    wrong = isinstance(error, AuthenticationError | NoPermissionError)
    return wrong or "DB index is out of range" in str(error)
