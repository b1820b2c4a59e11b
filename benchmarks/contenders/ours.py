"""The worker that gen-worker makes: rendered, installed, run by its console command."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from workers import render_worker

from contenders.base import Contender, Home, python_home

QUEUE = "bench"

_PROCESSOR = '''"""The comparison's jobs."""

import os
import time

from bench_body import START, work

from ..kit import JobContext, Payload, TemporaryError, processor
from ..kit.scheduling import schedule

due = {}


class Job(Payload):
    mode: str
    value: float


@processor
def job(payload: Job) -> None:
    work(payload.mode, payload.value)


@processor(attempts=2)
def again(payload: Job, context: JobContext) -> None:
    if context.attempt == 1:
        due[context.job_id] = time.time() + payload.value
        raise TemporaryError("again", retry_after=payload.value)
    work(START, due.pop(context.job_id))


for number in range(int(os.environ.get("BENCH_SCHEDULES", "0"))):
    schedule(
        job,
        "* * * * *",
        lambda moment: Job(mode=START, value=moment.timestamp()),
        name=f"each-{number}",
    )
'''


def install(cache: Path) -> Home:
    """Render a worker from this checkout and install it."""
    folder = cache / "worker"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    project = render_worker(folder)
    (project / "src/worker_blank/processors/bench.py").write_text(_PROCESSOR, encoding="utf-8")
    return python_home(cache, "worker-blank", "bench_ours.py", ["--editable", str(project)])


def _command(home: Home, _concurrency: int, _processes: int) -> list[str]:
    return [str(home.programs / "worker-blank"), "run"]


def variables(concurrency: int, processes: int, level: str = "info") -> dict[str, str]:
    """The worker's settings."""
    return {
        "WORKER_CONCURRENCY": str(concurrency),
        "WORKER_PROCESSES": str(processes),
        "LOGGER_CONFIG": json.dumps({"level": level}),
    }


CONTENDERS = [
    Contender(
        key="ours",
        title="gen-worker, no log lines",
        install=install,
        command=_command,
        rate=4000,
        variables=lambda concurrency, processes: variables(concurrency, processes, "error"),
        scales=True,
        bulk=True,
        delays=True,
        again=True,
        stats=lambda home: [str(home.programs / "worker-blank"), "stats", "--json"],
        quick=True,
    ),
    Contender(
        key="ours-logging",
        title="gen-worker, as shipped (INFO, JSON)",
        install=install,
        command=_command,
        rate=2500,
        variables=variables,
        delays=True,
        again=True,
        quick=True,
    ),
]
