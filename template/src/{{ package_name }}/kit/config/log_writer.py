"""Writing log lines without making job threads wait for the output.

Each line would otherwise cost a system call in the thread that logs, and with many threads
a fight for the interpreter. Lines are collected and written together by one thread, some
hundredths of a second later; a killed process loses those at most.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import select
import stat
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TextIO

from .log_values import let_pass

_LIMIT = 10_000  # lines held while the output is slow; then the threads that log wait for it
_PAUSE = 0.02  # seconds in which lines gather: to wake and write costs as much as some lines


class LineWriter:
    """A text stream that writes in the background. Safe to share between threads.

    Several processes may write into one pipe: no line of one is torn by another's.

    Args:
        output: Where lines go. If it is closed or full they are dropped: no job fails
            because of a log line.
    """

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._lines: deque[str | Callable[[], str]] = deque()
        self._arrived = threading.Event()
        self._writing = threading.Lock()
        self._background = True
        self._turn = _Turn()
        threading.Thread(target=self._run, name="log writer", daemon=True).start()
        atexit.register(self.flush)
        os.register_at_fork(before=self.flush, after_in_child=self._forked)

    def write(self, text: str) -> int:
        """Accept a text that ends with a line break."""
        self.add(text)
        return len(text)

    def add(self, line: str | Callable[[], str]) -> None:
        """Accept a text that ends with a line break, or what makes one without."""
        self._lines.append(line)
        if not self._background or len(self._lines) > _LIMIT:
            self.flush()
        elif not self._arrived.is_set():
            self._arrived.set()

    def flush(self) -> None:
        """Write everything that was accepted before this call."""
        with self._writing:
            waiting = [self._lines.popleft() for _ in range(len(self._lines))]
            try:
                self._send([_made(each) for each in waiting])
            except (OSError, ValueError):
                pass  # a job closed standard output, or the disk behind it is full

    def isatty(self) -> bool:
        """Whether people read along."""
        return self._output.isatty()

    def _send(self, lines: list[str]) -> None:
        try:
            descriptor = self._output.fileno()
        except OSError:  # a stream in memory
            self._output.write("".join(lines))
            self._output.flush()
            return
        self._output.flush()  # what jobs have printed comes first
        encoding = getattr(self._output, "encoding", None) or "utf-8"
        texts = [line.encode(encoding, "backslashreplace") for line in lines]
        if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            _write(descriptor, b"".join(texts))
            return
        with self._turn.taken(descriptor):
            for part in _parts(texts):
                _write(descriptor, part)

    def _run(self) -> None:
        while True:
            self._arrived.wait()
            threading.Event().wait(_PAUSE)
            self._arrived.clear()
            self.flush()

    def _forked(self) -> None:
        """In the child of a job that forked: there is no writer thread, and nobody holds our lock."""
        self._writing = threading.Lock()
        self._background = False
        self._turn = _Turn()


def _made(line: str | Callable[[], str]) -> str:
    if isinstance(line, str):
        return line
    try:
        return line() + "\n"
    except Exception as error:  # it is not worth the lines that come after it
        let_pass(error)
        return ""


class _Turn:
    """Lets one process at a time write into a pipe.

    The system writes up to `PIPE_BUF` bytes (4 KB) in one piece; a longer line needs a lock. A pipe
    that is opened once more has a lock of its own in each process, on the same pipe.
    """

    def __init__(self) -> None:
        self._pipe: int | None = None
        self._lock: int | None = None

    @contextmanager
    def taken(self, pipe: int) -> Iterator[None]:
        """Hold the lock while inside. Where there is none (macOS), long lines may be torn."""
        lock = self._opened(pipe)
        if lock is not None:
            fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            if lock is not None:
                fcntl.flock(lock, fcntl.LOCK_UN)

    def _opened(self, pipe: int) -> int | None:
        if self._pipe != pipe:
            self._pipe = pipe
            try:
                self._lock = os.open(f"/proc/self/fd/{pipe}", os.O_WRONLY | os.O_CLOEXEC)
            except OSError:
                self._lock = None
        return self._lock


def _parts(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Join whole lines to parts that the system writes in one piece."""
    part = b""
    for line in lines:
        if part and len(part) + len(line) > select.PIPE_BUF:
            yield part
            part = b""
        part += line
    yield part


def _write(descriptor: int, data: bytes) -> None:
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:  # another program made the pipe we share non-blocking
            select.select([], [descriptor], [])
