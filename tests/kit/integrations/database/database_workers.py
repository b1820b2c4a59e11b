"""Worker processes of the database's tests, killed and replaced at will."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

from preloaded import PreloadedProgram

from support import prepare
from worker_payment.kit.process.exit_codes import ExitCode


class Workers:
    """Worker processes on the test's queue and database, killed and replaced at will.

    Args:
        folder: Where they run.
        variables: Their environment.
    """

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        prepare(folder)
        self._folder = folder
        self._variables = variables
        self._script = Path(__file__).with_name("database_worker.py")
        self.running: list[PreloadedProgram] = []

    def start(self) -> None:
        """Start one more."""
        number = time.monotonic_ns()
        health = {"WORKER_HEALTH_FILE": str(self._folder / f"{number}.health")}
        with (self._folder / f"{number}.log").open("wb") as log:
            process = PreloadedProgram(
                [str(self._script), "run"],
                cwd=self._folder,
                env=os.environ | self._variables | health,
                stdout=log,
                stderr=log,
            )
        self.running.append(process)

    def kill_one(self) -> None:
        """End one as the kernel would."""
        process = self.running.pop(random.randrange(len(self.running)))
        process.send_signal(signal.SIGKILL)
        process.wait()

    def kill(self, pid: int) -> bool:
        """End a certain one, as the kernel would. Return whether it is one of these."""
        for process in self.running:
            if process.pid == pid:
                process.send_signal(signal.SIGKILL)
                process.wait()
                self.running.remove(process)
                return True
        return False

    def stop(self) -> None:
        """Let all end in order; they leave with 0, or were told to before they took a job."""
        for process in self.running:
            process.terminate()
        codes = [process.wait(timeout=60) for process in self.running]
        self.running.clear()
        # One that was started a moment ago may not even have its handler of signals yet.
        assert set(codes) <= {ExitCode.OK, ExitCode.TERMINATED, -signal.SIGTERM}, codes
