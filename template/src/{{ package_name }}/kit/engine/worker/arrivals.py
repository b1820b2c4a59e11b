"""Waiting for jobs without polling and without taking any.

`BLMOVE q q LEFT LEFT` blocks until the list has an element and moves it to where it was: a
blocking look. It runs in a thread per queue, so that no signal can interrupt the taking of
a job: taking is done elsewhere, in one atomic step.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from redis import Redis
from redis.exceptions import RedisError

_LOOK = 1  # seconds one look may block
_PAUSE = 0.5  # seconds between looks while Redis is away


class Arrivals:
    """Tells when a queue has a job, once each time it is armed.

    Args:
        connection: Client of its own, or one whose pool has a connection to spare per queue.
        queue_keys: Redis keys of the queues.
        notify: Called from the waiting thread.
    """

    def __init__(
        self, connection: Redis, queue_keys: list[str], notify: Callable[[], None]
    ) -> None:
        self._connection = connection
        self._notify = notify
        self._armed = [threading.Event() for _ in queue_keys]
        self._closed = False
        for key, armed in zip(queue_keys, self._armed, strict=True):
            threading.Thread(
                target=self._watch, args=(key, armed), name=f"arrivals {key}", daemon=True
            ).start()

    def arm(self) -> None:
        """Look for the next arrival."""
        for armed in self._armed:
            armed.set()

    def close(self) -> None:
        """Let the threads end; they are daemons and are not waited for."""
        self._closed = True
        self.arm()

    def _watch(self, key: str, armed: threading.Event) -> None:
        while True:
            armed.wait()
            if self._closed:
                return
            try:
                seen = self._connection.blmove(key, key, _LOOK, "LEFT", "LEFT")
            except RedisError:
                threading.Event().wait(_PAUSE)
                continue
            if seen is not None:
                armed.clear()
                self._notify()
