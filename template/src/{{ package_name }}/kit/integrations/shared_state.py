"""State that the replicas of this worker share through its Redis: rates, counters, notes.

Keys start with the application's name, so that workers on one Redis do not collide.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from redis.exceptions import RedisError

from ..engine import TemporaryError

if TYPE_CHECKING:
    from redis import Redis
    from redis.lock import Lock

T = TypeVar("T")

# Evenly spaced turns. Times are in microseconds of the server's clock, which all share.
# Returns the wait, or the negative wait (and takes no turn) when it is longer than allowed.
_TURN = """
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
local free = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
if free - now > tonumber(ARGV[2]) then return now - free end
if ARGV[1] == '0' then return free - now end
local following = free + tonumber(ARGV[1])
local life = math.ceil((following - now) / 1000) + 1000
redis.call('SET', KEYS[1], string.format('%.0f', following), 'PX', life)
return free - now
"""

_PAUSE = """
local now = redis.call('TIME')
local free = now[1] * 1000000 + now[2] + tonumber(ARGV[1])
if free > tonumber(redis.call('GET', KEYS[1]) or '0') then
  local life = math.ceil(tonumber(ARGV[1]) / 1000) + 1000
  redis.call('SET', KEYS[1], string.format('%.0f', free), 'PX', life)
end
"""

_SPEND = """
local used = redis.call('INCR', KEYS[1])
if used == 1 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
if used > tonumber(ARGV[1]) then
  redis.call('DECR', KEYS[1])
  return 0
end
return used
"""


class SharedStateError(TemporaryError):
    """Redis did not answer; the job is tried again."""


class BusyError(TemporaryError):
    """The turn comes too late to wait for it; `retry_after` says when."""


class SharedState:
    """Short notes under one prefix. Safe to use from many threads.

    Args:
        connection: A client of the worker's Redis; closed with this object.
        prefix: Start of every key.
        sleep: Waits for a number of seconds.
    """

    def __init__(
        self, connection: Redis, prefix: str, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.connection = connection
        self._prefix = prefix
        self._sleep = sleep
        self._turn = connection.register_script(_TURN)
        self._pause = connection.register_script(_PAUSE)
        self._spend = connection.register_script(_SPEND)

    def key(self, *parts: str) -> str:
        """Return the key of these parts, below the prefix."""
        return ":".join([self._prefix, *parts])

    def wait_turn(self, name: str, rate: float, longest: float) -> None:
        """Wait until this caller may go: all replicas together go `rate` times a second.

        Args:
            name: What is limited.
            rate: Turns a second; 0 for no limit but a pause.
            longest: Seconds to wait at most.

        Raises:
            BusyError: The turn comes later than `longest`; no turn was taken.
        """
        key = self.key("turn", name)
        # Rounded up: one microsecond too little would be one turn too many.
        interval = -int(-1_000_000 // rate) if rate > 0 else 0
        patience = int(longest * 1_000_000)
        wait = int(self.ask(lambda: self._turn(keys=[key], args=[interval, patience])))
        if wait < 0:
            raise BusyError(f"too many calls of {name} are waiting", retry_after=-wait / 1_000_000)
        if wait:
            self._sleep(wait / 1_000_000)

    def pause(self, name: str, seconds: float) -> None:
        """Give no replica a turn for this long."""
        key = self.key("turn", name)
        self.ask(lambda: self._pause(keys=[key], args=[int(seconds * 1_000_000)]))

    def spend(self, name: str, budget: int, seconds: float) -> bool:
        """Take one from a budget that all replicas share.

        Args:
            name: The budget, for instance one with its day in the name.
            budget: How many there are.
            seconds: How long the count is kept after the first.

        Returns:
            Whether there was one left.
        """
        key = self.key("spent", name)
        return bool(self.ask(lambda: self._spend(keys=[key], args=[budget, int(seconds)])))

    def note(self, name: str) -> dict[str, str]:
        """Return a note that was kept before; empty if there is none."""
        found = self.ask(lambda: self.connection.hgetall(self.key(name)))
        return {_text(key): _text(value) for key, value in found.items()}

    def keep(self, name: str, values: dict[str, str], seconds: float) -> None:
        """Keep a note for this many seconds."""
        key = self.key(name)

        def write() -> None:
            with self.connection.pipeline() as pipe:
                pipe.delete(key)
                pipe.hset(key, items=[part for pair in values.items() for part in pair])
                pipe.pexpire(key, max(1, int(seconds * 1000)))
                pipe.execute()

        self.ask(write)

    def forget(self, name: str) -> None:
        """Drop a note."""
        self.ask(lambda: self.connection.delete(self.key(name)))

    def lock(self, name: str, seconds: float) -> Lock:
        """Return a lock for one thread of one replica; it expires after `seconds`."""
        lock: Lock = self.connection.lock(
            self.key("lock", name), timeout=seconds, sleep=0.05, blocking_timeout=seconds
        )
        return lock

    def close(self) -> None:
        """Close the connections."""
        self.connection.close()

    def ask(self, command: Callable[[], T]) -> T:
        """Run a command; an error of Redis becomes one that a job's retry understands.

        Raises:
            SharedStateError: Redis did not answer.
        """
        try:
            return command()
        except RedisError as error:
            raise SharedStateError(f"Redis failed ({type(error).__name__})") from error


def shared_state(module: str) -> SharedState:
    """Return the state of one integration, in the Redis of the settings."""
    # Imported late: the settings know the integrations, and so this package.
    from ..config import Settings  # noqa: PLC0415
    from ..config.redis import worker_connection  # noqa: PLC0415

    settings = Settings()
    return SharedState(worker_connection(settings), f"{settings.app_name}:{module}")


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
