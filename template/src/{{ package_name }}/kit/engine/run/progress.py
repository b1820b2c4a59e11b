"""Writing down how far running jobs have come: about once a second, and beside the jobs."""

from __future__ import annotations

import threading

from ..background import Every
from ..store import keys
from ..store.claim import Claim
from ..store.exchange import Exchange

_EVERY = 1.0  # seconds between two writes


class ProgressWriter:
    """Writes what jobs said last, in a thread that starts with the first word."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._unwritten: dict[str, Claim] = {}
        self._lock = threading.Lock()
        self._loop: Every | None = None

    def say(self, claim: Claim, text: str) -> None:
        """Have it written soon."""
        with self._lock:
            claim.progress = text
            self._unwritten[claim.entry] = claim
            if self._loop is None:
                self._loop = Every(_EVERY, self._write, name="progress")
                self._loop.start()

    def flush(self, claim: Claim) -> None:
        """Write what a job said last, at once.

        Raises:
            redis.exceptions.RedisError: Redis is away.
        """
        text = claim.progress
        if text is None:
            return
        self._exchange.keep(claim, keys.PROGRESS, text)
        with self._lock:
            if claim.progress == text:
                claim.progress = None
                self._unwritten.pop(claim.entry, None)

    def close(self) -> None:
        """End the thread."""
        with self._lock:
            if self._loop is not None:
                self._loop.close()

    def _write(self) -> None:
        for claim in list(self._unwritten.values()):
            self.flush(claim)
