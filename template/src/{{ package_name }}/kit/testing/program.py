"""The worker as it is deployed: the real command line in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..answers import PACKAGE
from .server import eventually


class Program:
    """A running program whose log is read while it runs.

    Args:
        process: The process; its output is a pipe.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.output = ""
        self._logged: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def lines(self, message: str | None = None, **fields: Any) -> list[dict[str, Any]]:
        """List the log lines so far that have this message and these fields."""
        wanted = fields if message is None else {"message": message} | fields
        return [line for line in self._logged.copy() if wanted.items() <= line.items()]

    def wait_for(self, message: str, **fields: Any) -> dict[str, Any]:
        """Wait for a log line, and return the first that fits."""
        try:
            return eventually(lambda: self.lines(message, **fields), 30)[0]
        except AssertionError:
            raise AssertionError(f"no line {message} {fields} in:\n{self.output}") from None

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def exit_code(self, timeout: float = 30) -> int:
        """Wait for the end of the process and of its output."""
        code = self.process.wait(timeout)
        self._reader.join(timeout)
        return code

    def _read(self) -> None:
        if self.process.stdout is not None:
            with self.process.stdout as lines:
                for line in lines:
                    self.output += line
                    if line.startswith("{"):
                        self._logged.append(json.loads(line))


@contextmanager
def run_program(
    folder: Path, *command: str, jobs: str = PACKAGE, **variables: str
) -> Iterator[Program]:
    """Run the program in a folder; it has ended at the latest when the block does.

    Args:
        folder: Its working directory.
        command: The command line; `run` when there is none.
        jobs: A module to import first, for instance a test's own jobs.
        variables: More of its environment.
    """
    main = f"import {jobs}; from {PACKAGE}.__main__ import main; main()"
    process = subprocess.Popen(  # noqa: S603 - our own command line
        [sys.executable, "-W", "error", "-c", main, *(command or ("run",))],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    running = Program(process)
    try:
        yield running
    finally:
        if process.poll() is None:
            process.kill()
        running.exit_code()
