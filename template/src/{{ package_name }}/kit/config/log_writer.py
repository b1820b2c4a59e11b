"""Writing log lines without making job threads wait for the output.

Each line would otherwise cost a system call in the thread that logs, and with many threads
a fight for the interpreter. Lines are collected and written together by one thread, some
thousandths of a second later; a killed process loses those at most.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections import deque
from typing import TextIO

_LIMIT = 10_000  # lines held while the output is slow; then the threads that log wait for it
_PAUSE = 0.005  # seconds in which lines gather


class LineWriter:
    """A text stream that writes in the background. Safe to share between threads.

    Args:
        output: Where lines go. If it is closed or full they are dropped: no job fails
            because of a log line.
    """

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._lines: deque[str] = deque()
        self._arrived = threading.Event()
        self._writing = threading.Lock()
        self._background = True
        threading.Thread(target=self._run, name="log writer", daemon=True).start()
        atexit.register(self.flush)
        os.register_at_fork(before=self.flush, after_in_child=self._forked)

    def write(self, text: str) -> int:
        """Take a text, with its line end."""
        self._lines.append(text)
        if not self._background or len(self._lines) > _LIMIT:
            self.flush()
        elif not self._arrived.is_set():
            self._arrived.set()
        return len(text)

    def flush(self) -> None:
        """Write everything that was taken before this call."""
        with self._writing:
            count = len(self._lines)
            text = "".join(self._lines.popleft() for _ in range(count))
            try:
                self._output.write(text)
                self._output.flush()
            except (OSError, ValueError):
                pass  # a job closed standard output, or the disk behind it is full

    def isatty(self) -> bool:
        """Whether people read along."""
        return self._output.isatty()

    def _run(self) -> None:
        while True:
            self._arrived.wait()
            threading.Event().wait(_PAUSE)
            self._arrived.clear()
            self.flush()

    def _forked(self) -> None:
        """A job forked: its child has no writer thread, and not our lock's state."""
        self._writing = threading.Lock()
        self._background = False
