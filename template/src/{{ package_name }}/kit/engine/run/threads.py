"""Threads that are made when they are needed and then kept."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextvars import Context
from queue import SimpleQueue

from . import journal


class Threads:
    """Runs work in threads, in the order in which it came.

    Args:
        name: What the threads are called.
        limit: How many threads there may be; None for as many as there is work.
    """

    def __init__(self, name: str, limit: int | None = None) -> None:
        self._name = name
        self._limit = limit
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._threads = 0
        self._busy: list[None] = []  # one entry per piece of work handed out; append is atomic
        self._pid = os.getpid()

    def submit(self, work: Callable[[], None]) -> None:
        """Run something. Called by the worker's main thread only."""
        self._busy.append(None)
        self._work.put(work)
        if self._threads < len(self._busy) and self._threads != self._limit:
            self._threads += 1
            name = f"{self._name} {self._threads}"
            threading.Thread(target=self._run, name=name, daemon=True).start()

    def _run(self) -> None:
        while True:
            work = self._work.get()
            # A fresh context: what a job binds is gone when the next one starts.
            try:
                Context().run(work)
            except BaseException:  # whatever it was, it must not cost a thread
                journal.log.exception("engine.error")
            if os.getpid() != self._pid:
                os._exit(0)  # the job forked, and this is its child coming back
            self._busy.pop()
