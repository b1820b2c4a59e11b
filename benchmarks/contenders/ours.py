"""The worker that gen-worker makes: rendered, installed, run by its console command."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from workers import render_worker

from contenders.base import Contender, Home, python_home

QUEUE = "bench"

_PROCESSOR = '''"""The comparison's job."""

from bench_body import work

from ..kit import Payload, processor


class Job(Payload):
    mode: str
    value: float


@processor
def job(payload: Job) -> None:
    work(payload.mode, payload.value)
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
        quick=True,
    ),
]
