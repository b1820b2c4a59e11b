"""Watching a worker from outside: its jobs by the size of a file, its processes by /proc.

Nothing here knows which system is running, so that all are measured alike. Linux only.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_LOOK = 0.002  # seconds between two looks at the file
_SCAN = 0.25  # seconds between two looks at the processes
_PATIENCE = 10.0  # seconds for a worker to end by itself
TRACE, LINE = 1, 16  # bytes that a job appends: a dot, or a line with a number


class BenchmarkError(Exception):
    """A run came to nothing; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A process and its descendants: CPU seconds spent so far, peak memory in bytes."""

    pids: tuple[int, ...]
    cpu: float
    memory: int


def look_at_tree(root: int) -> Tree:
    """Read CPU time and memory of a process and of everything that descends from it.

    Children that have ended count by the time their parent collected from them.
    """
    children: dict[int, list[int]] = {}
    ticks: dict[int, int] = {}
    for entry in os.listdir("/proc"):  # noqa: PTH208 - pathlib takes three times as long
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="ascii", errors="replace") as file:  # noqa: PTH123 - as above
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue  # it has just ended
            children.setdefault(int(fields[1]), []).append(int(entry))
            ticks[int(entry)] = sum(int(field) for field in fields[11:15])
    pids, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        if pid in ticks:
            pids.append(pid)
        waiting += children.get(pid, [])
    cpu = sum(ticks[pid] for pid in pids) / _TICKS
    return Tree(tuple(pids), cpu, sum(_peak_memory(pid) for pid in pids))


def _peak_memory(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


@dataclass(frozen=True, slots=True)
class Reading:
    """What one look found: monotonic seconds, jobs done, the tree."""

    at: float
    done: int
    tree: Tree


class Watch:
    """A running worker and the file its jobs write to.

    Args:
        process: The worker.
        file: What its jobs append to.
        log: Its output, quoted when it fails.
        size: Bytes that each job appends.
    """

    def __init__(self, process: subprocess.Popen[bytes], file: Path, log: Path, size: int) -> None:
        self.pid = process.pid
        self.started = time.monotonic()
        self.first: float | None = None  # seconds from the start to the first job's end
        self.memory = 0
        self._process = process
        self._file = file
        self._log = log
        self._size = size
        self._scan_at = 0.0

    def done(self) -> int:
        """How many jobs have ended."""
        count = self._file.stat().st_size // self._size
        if count and self.first is None:
            self.first = time.monotonic() - self.started
        return count

    def lines(self) -> list[float]:
        """The numbers that the jobs wrote."""
        return [float(line) for line in self._file.read_text(encoding="ascii").split()]

    def until(self, count: int, *, limit: float) -> Reading:
        """Wait until so many jobs have ended.

        Args:
            count: Jobs.
            limit: Seconds.

        Raises:
            BenchmarkError: The worker died, or took too long.
        """
        end = time.monotonic() + limit
        while (done := self.done()) < count:
            now = time.monotonic()
            if self._process.poll() is not None or now > end:
                raise BenchmarkError(f"{done} of {count} jobs were done; {self._last_words()}")
            if now > self._scan_at:
                self.read(done)
            time.sleep(_LOOK)
        return self.read(done)

    def until_processes(self, count: int, *, limit: float) -> Reading:
        """Wait until jobs have ended in so many processes; their lines are process ids."""
        end = time.monotonic() + limit
        while len(set(self.lines())) < count:
            if time.monotonic() > end:
                found = len(set(self.lines()))
                raise BenchmarkError(f"{found} of {count} processes took jobs")
            self.until(self.done() + 1, limit=limit)
        return self.read(self.done())

    def read(self, done: int) -> Reading:
        """Look at the processes now."""
        at = time.monotonic()
        tree = look_at_tree(self.pid)
        self.memory = max(self.memory, tree.memory)
        self._scan_at = at + _SCAN
        return Reading(at, done, tree)

    def _last_words(self) -> str:
        text = self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
        code = self._process.poll()
        state = "the worker still runs" if code is None else f"the worker ended with {code}"
        return f"{state}; its last lines:\n{text}"


@contextmanager
def running(
    command: list[str], environment: dict[str, str], folder: Path, size: int
) -> Iterator[Watch]:
    """Run a worker in a session of its own, and end all its processes afterwards.

    Args:
        command: Its command line.
        environment: Variables added to ours; BENCH_FILE is among them.
        folder: Where it runs; its output goes to a file there.
        size: Bytes that each job appends.
    """
    file, log = Path(environment["BENCH_FILE"]), folder / "worker.log"
    file.write_bytes(b"")
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=os.environ | environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Watch(process, file, log, size)
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a worker politely, then whatever is left of its processes."""
    pids = look_at_tree(process.pid).pids
    process.terminate()
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pid in pids:
        if pid != process.pid and _is_ours(pid, process.pid):
            os.kill(pid, signal.SIGKILL)


def _is_ours(pid: int, session: int) -> bool:
    """Whether a process that outlived its parent still has the worker's session or parents."""
    try:
        return os.getsid(pid) in {session, pid}
    except ProcessLookupError:
        return False
