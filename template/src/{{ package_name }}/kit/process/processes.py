"""Several worker processes under one, for jobs that compute: `WORKER_PROCESSES`.

Python runs one thread of a process at a time, so jobs that compute need processes. The
supervisor starts them, restarts one that died, passes requests to stop on, and ends when all have
drained within the one deadline. What a fresh process cannot cure ends them all, with its code.

Each child reads a pipe from the supervisor instead of being sent signals: a request there does not
count as a second signal when a terminal or systemd has signalled the child as well, it waits while
the child is still starting, and the pipe's end tells the child that the supervisor is gone.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue

import structlog

from ..config import Settings
from .exit_codes import HOPELESS, ExitCode
from .health import health_file
from .shutdown import on_signals

log = structlog.get_logger(__name__)

_LINK = "WORKER_SUPERVISOR"  # environment variable of a child: the pipe from its supervisor
_DRAIN, _LEAVE = b"d", b"l"  # what the supervisor asks for: finish the jobs, or give them back
_MARGIN = 10.0  # seconds beyond the deadline before a child that does not leave is killed
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0  # seconds before a child that died is started again
_STEADY = 60.0  # seconds after which a child counts as healthy again


class _Child:
    """One process, the pipe to it, and when it may be restarted."""

    def __init__(self, index: int, spawn: Callable[[int, int], subprocess.Popen[bytes]]) -> None:
        self.index = index
        self._spawn = spawn
        self._wait = _FIRST_WAIT
        self._link: int | None = None
        self.start()

    def start(self) -> None:
        if self._link is not None:
            os.close(self._link)
        reading, self._link = os.pipe()
        try:
            self.process = self._spawn(self.index, reading)
        finally:
            os.close(reading)
        self.started = time.monotonic()
        self.start_at = float("inf")

    def ask(self, *, now: bool) -> None:
        """Ask it to drain, or to leave at once. One that has ended cannot read it any more."""
        if self._link is not None:
            with suppress(BrokenPipeError):
                os.write(self._link, _LEAVE if now else _DRAIN)

    def died(self) -> float:
        """Note the death, and return the seconds until the next start."""
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
        self._code = 0

    def run(self) -> int:
        """Run until told to stop, or until every child has ended.

        Returns:
            The exit code: 0 if every child ended with 0, and that of a child that cannot run as
            the worker is configured.
        """
        log.info("supervisor.start", processes=self._settings.worker_processes)
        with on_signals(self._signals.put):
            children = [_Child(n, self._spawn) for n in range(self._settings.worker_processes)]
            while children:
                self._obey(children)
                children = [child for child in children if self._look_after(child)]
                if self._code in HOPELESS and not self._draining:
                    self._drain(children, now=False)
        log.info("supervisor.stop")
        return self._code

    def _spawn(self, index: int, link: int) -> subprocess.Popen[bytes]:
        variables = {
            _LINK: str(link),
            "WORKER_PROCESSES": "1",
            "WORKER_HEALTH_FILE": str(health_file(self._settings, index)),
        }
        # Its own session: Ctrl-C reaches the supervisor alone, which passes it on once.
        return subprocess.Popen(  # noqa: S603 - our own command line, once more
            [sys.executable, *self._arguments],
            env=os.environ | variables,
            start_new_session=True,
            pass_fds=(link,),
        )

    def _obey(self, children: list[_Child]) -> None:
        """Wait a moment for a signal, and pass it on."""
        try:
            now = self._signals.get(timeout=0.1)
        except Empty:
            if time.monotonic() > self._kill_at:
                self._kill(children)
        else:
            self._drain(children, now=now)

    def _drain(self, children: list[_Child], *, now: bool) -> None:
        if not self._draining:
            self._draining = True
            self._kill_at = time.monotonic() + self._settings.worker_shutdown_timeout + _MARGIN
        for child in children:
            child.ask(now=now)

    def _kill(self, children: list[_Child]) -> None:
        for child in children:
            if child.process.poll() is None:
                log.error("process.killed", index=child.index, pid=child.process.pid)
                child.process.kill()
                child.process.wait()
                self._code = self._code or ExitCode.FAILED

    def _look_after(self, child: _Child) -> bool:
        """Restart the child if it died; return whether it still needs looking after."""
        code = child.process.poll()
        if code is None:
            return True
        if code in HOPELESS:
            self._code = code
            log.error("process.refused", index=child.index, exitCode=code)
            return False
        if self._draining or code == 0:
            self._code = self._code or (code and ExitCode.FAILED)
            return False
        if child.start_at == float("inf"):
            wait = child.died()
            log.error(
                "process.died", index=child.index, exitCode=code, restartMs=round(wait * 1000)
            )
        elif time.monotonic() >= child.start_at:
            child.start()
        return True


def obey_supervisor(drain: Callable[[bool], None]) -> None:
    """In a supervised child: drain when the supervisor asks for it or is gone.

    Args:
        drain: Called with True to give back at once what still runs, else with False.
    """
    link = os.environ.pop(_LINK, "")  # programs that jobs start are no children of the supervisor
    if not link:
        return

    def read() -> None:
        while word := os.read(int(link), 1):
            drain(word == _LEAVE)
        log.error("supervisor.gone")
        drain(False)

    threading.Thread(target=read, name="supervisor", daemon=True).start()
