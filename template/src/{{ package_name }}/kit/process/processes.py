"""Several worker processes under one, for jobs that compute: `WORKER_PROCESSES`.

Python runs one thread of a process at a time, so jobs that compute need processes. The
supervisor starts them, starts one again that died, passes signals on, and ends when all
have drained within the one deadline.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue

import structlog

from ..config import Settings
from .health import health_file
from .shutdown import on_signals

log = structlog.get_logger(__name__)

INDEX = "WORKER_PROCESS_INDEX"  # environment variable that tells a child which one it is
_MARGIN = 10.0  # seconds beyond the deadline before a child that does not leave is killed
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0  # seconds before a child that died is started again
_STEADY = 60.0  # seconds after which a child counts as healthy again


class _Child:
    """One process, and when it may be started again."""

    def __init__(self, index: int, start: Callable[[int], subprocess.Popen[bytes]]) -> None:
        self.index = index
        self._start = start
        self._wait = _FIRST_WAIT
        self.start()

    def start(self) -> None:
        self.process = self._start(self.index)
        self.started = time.monotonic()
        self.start_at = float("inf")

    def died(self) -> float:
        """Note the death; returns the seconds until the next start."""
        lived = time.monotonic() - self.started
        self._wait = _FIRST_WAIT if lived > _STEADY else min(self._wait * 2, _LONGEST_WAIT)
        self.start_at = time.monotonic() + self._wait
        return self._wait


class Supervisor:
    """Keeps `WORKER_PROCESSES` workers running.

    Args:
        settings: The checked settings.
        arguments: Command line of a child, after the interpreter.
    """

    def __init__(self, settings: Settings, arguments: list[str]) -> None:
        self._settings = settings
        self._arguments = arguments
        self._signals: SimpleQueue[bool] = SimpleQueue()
        self._kill_at = float("inf")
        self._draining = False
        self._failed = False

    def run(self) -> int:
        """Run until told to stop, or until every child has ended by itself.

        Returns:
            Exit code: 0 when every child left in good order.
        """
        log.info("supervisor.start", processes=self._settings.worker_processes)
        with on_signals(self._signals.put):
            children = [_Child(n, self._spawn) for n in range(self._settings.worker_processes)]
            while children:
                self._obey(children)
                children = [child for child in children if self._look_after(child)]
        log.info("supervisor.stop")
        return 1 if self._failed else 0

    def _spawn(self, index: int) -> subprocess.Popen[bytes]:
        variables = {
            INDEX: str(index),
            "WORKER_PROCESSES": "1",
            "WORKER_HEALTH_FILE": str(health_file(self._settings, index)),
        }
        # Its own session: Ctrl-C reaches the supervisor alone, which passes it on once.
        return subprocess.Popen(  # noqa: S603 - our own command line, once more
            [sys.executable, *self._arguments],
            env=os.environ | variables,
            start_new_session=True,
        )

    def _obey(self, children: list[_Child]) -> None:
        """Wait a moment for a signal, and pass it on."""
        try:
            self._signals.get(timeout=0.1)
        except Empty:
            if time.monotonic() > self._kill_at:
                self._kill(children)
            return
        if not self._draining:
            self._draining = True
            self._kill_at = time.monotonic() + self._settings.worker_shutdown_timeout + _MARGIN
        for child in children:
            if child.process.poll() is None:
                child.process.terminate()

    def _kill(self, children: list[_Child]) -> None:
        for child in children:
            if child.process.poll() is None:
                log.error("process.killed", index=child.index, pid=child.process.pid)
                child.process.kill()
                child.process.wait()
                self._failed = True

    def _look_after(self, child: _Child) -> bool:
        """Whether the child is still to be looked after."""
        code = child.process.poll()
        if code is None:
            return True
        if self._draining or code == 0:
            self._failed = self._failed or code != 0
            return False
        if child.start_at == float("inf"):
            wait = child.died()
            log.error(
                "process.died", index=child.index, exitCode=code, restartMs=round(wait * 1000)
            )
        elif time.monotonic() >= child.start_at:
            child.start()
        return True


def leave_with_parent(drain: Callable[[bool], None]) -> None:
    """In a supervised child: drain when the supervisor is gone, so that none is orphaned.

    Args:
        drain: Called with False.
    """
    if INDEX not in os.environ:
        return
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        log.error("supervisor.gone")
        drain(False)

    threading.Thread(target=watch, name="parent", daemon=True).start()
