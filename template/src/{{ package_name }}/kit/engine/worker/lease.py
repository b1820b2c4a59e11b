"""The lease: a worker is alive as long as its key in Redis is.

One thread renews it. Nothing is renewed per job: whoever finds a job whose worker's key is
gone may take the job over.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from redis.exceptions import RedisError


class Lease:
    """Renews the worker's key.

    Args:
        renew: Writes the worker's key with its TTL.
        seconds: The lease. It is renewed four times in this span.
    """

    def __init__(self, renew: Callable[[], None], seconds: float) -> None:
        self._renew = renew
        self._interval = seconds / 4
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)

    def start(self) -> None:
        """Begin to renew."""
        self._thread.start()

    def close(self) -> None:
        """Stop renewing; the key then lives until its TTL ends."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._renew()
            except RedisError:
                # Sooner than usual: after an outage the key must be back before others look twice.
                self._stop.wait(min(1.0, self._interval))
            else:
                self._stop.wait(self._interval)
