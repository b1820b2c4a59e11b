"""The program as it is run: the real command line in a process of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from preloaded import PreloadedProgram

from support import PACKAGE, PYTHONPATH, prepare
from worker_payment.kit.testing import Program

__all__ = ["Program", "program"]


@contextmanager
def program(
    folder: Path,
    redis_url: str,
    queue: str,
    *command: str,
    jobs: str = "program_jobs",
    modules: bool = False,
    **variables: str,
) -> Iterator[Program]:
    """Run the program in a folder; it has ended at the latest when the block does.

    Args:
        folder: Its working directory. Without a `.env` it gets one.
        redis_url: Its server.
        queue: Its queue.
        command: The command line; `run` when there is none.
        jobs: The module that holds its jobs, beside the worker's own.
        modules: Whether it has the worker's own modules and jobs; without, it starts sooner.
        variables: More of its environment; what stands in `.env` needs none.
    """
    if not (folder / ".env").exists():
        prepare(folder)
    environment = {
        "PYTHONPATH": PYTHONPATH,
        "REDIS_URL": redis_url,
        "WORKER_QUEUE": queue,
        "WORKER_HEALTH_FILE": str(folder / "worker.health"),
    }
    imported = jobs if modules else f"bare_worker, {jobs}"
    main = f"import {imported}; from {PACKAGE}.__main__ import main; main()"
    process = PreloadedProgram(
        ["-W", "error", "-c", main, *(command or ("run",))],
        cwd=folder,
        env=os.environ | environment | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    running = Program(process)
    try:
        yield running
    finally:
        process.kill()
        running.exit_code()
