"""Writing down how far running jobs have come: about once a second, and beside the jobs."""

from __future__ import annotations

import threading
import time

from redis.exceptions import RedisError

from ..store import keys
from ..store.claim import Claim
from ..store.exchange import Exchange

_EVERY = 1.0  # seconds between two writes


class ProgressWriter:
    """Writes what jobs said last, in a thread that starts with the first word.

    Args:
        exchange: For writing.
        lease: Seconds by which a write renews the worker's lease.
    """

    def __init__(self, exchange: Exchange, lease: int) -> None:
        self._exchange = exchange
        self._lease = lease
        self._unwritten: dict[str, Claim] = {}
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._thread: threading.Thread | None = None

    def say(self, claim: Claim, text: str) -> None:
        """Have it written soon."""
        with self._lock:
            claim.progress = text
            self._unwritten[claim.entry] = claim
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="progress", daemon=True)
                self._thread.start()
        if not self._news.is_set():
            self._news.set()

    def flush(self, claim: Claim) -> None:
        """Write the last word of an attempt that ends.

        Raises:
            redis.exceptions.RedisError: Redis is away.
        """
        if claim.progress is not None:
            self._write(claim, claim.progress)

    def _run(self) -> None:
        while True:
            self._news.wait()
            self._news.clear()
            for claim in list(self._unwritten.values()):
                text = claim.progress
                try:
                    if text is not None:
                        self._write(claim, text)
                except RedisError:
                    self._news.set()  # and again
                    break
                with self._lock:
                    if claim.progress in (None, text):
                        self._unwritten.pop(claim.entry, None)
            time.sleep(_EVERY)

    def _write(self, claim: Claim, text: str) -> None:
        self._exchange.keep(claim, self._lease, keys.PROGRESS, text)
        with self._lock:
            if claim.progress == text:
                claim.progress = None
