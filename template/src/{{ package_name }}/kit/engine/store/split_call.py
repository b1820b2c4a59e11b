"""One connection for the trips to Redis, with request and reply as two steps.

redis-py's client does both in one call. Apart, Redis works on a request while the jobs that
the trip before has brought are started.
"""

from __future__ import annotations

import hashlib
import time
from typing import Any

from redis import Redis
from redis.connection import Connection
from redis.exceptions import NoScriptError, RedisError

_QUIET = 1.0  # seconds after which the other side may have closed the connection unnoticed


class SplitCall:
    """Calls one script, by one thread.

    Nothing is repeated, except when Redis says that it does not know the script: then it has
    not run.

    Args:
        client: Its pool makes the connection.
        script: The script's source.
    """

    def __init__(self, client: Redis, script: str) -> None:
        self._pool = client.connection_pool
        self._script = script
        self._digest = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
        self._connection: Connection | None = None
        self._arguments: tuple[bytes | str, ...] = ()
        self._used = 0.0

    def send(self, *arguments: bytes | str) -> None:
        """Ask Redis to run the script.

        Args:
            arguments: The script's.

        Raises:
            redis.exceptions.RedisError: Redis cannot be reached.
        """
        connection = self._ready()
        self._arguments = arguments
        self._call(connection, "EVALSHA", self._digest)

    def receive(self) -> Any:
        """The script's reply; waits for it as long as the client's time-out says.

        Raises:
            redis.exceptions.RedisError: There is none; the script may have run all the same.
        """
        connection = self._ready()
        try:
            reply = connection.read_response()
        except NoScriptError:
            self._call(connection, "EVAL", self._script)
            return self.receive()
        except RedisError:
            self.close()  # a late reply must not be taken for the next one
            raise
        self._used = time.monotonic()
        return reply

    def close(self) -> None:
        """Drop the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.disconnect()  # type: ignore[no-untyped-call]
            self._pool.release(self._connection)
            self._connection = None

    def _ready(self) -> Connection:
        if self._connection is None:
            self._connection = self._pool.get_connection()
        return self._connection

    def _call(self, connection: Connection, command: str, script: str) -> None:
        if time.monotonic() - self._used > _QUIET:
            self._look(connection)
        packed = connection.pack_command(command, script, 0, *self._arguments)  # type: ignore[no-untyped-call]
        connection.send_packed_command(packed, check_health=False)  # type: ignore[no-untyped-call]

    @staticmethod
    def _look(connection: Connection) -> None:
        """Close a connection that the other side has closed, so that sending opens another."""
        try:
            closed = connection.can_read()
        except RedisError:
            closed = True
        if closed:
            connection.disconnect()  # type: ignore[no-untyped-call]
