"""The worker that gen-worker makes: rendered, installed, run by its console command."""

from __future__ import annotations

import compileall
import json
import shutil
from dataclasses import replace
from functools import cache as once
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

_ROWS = '''"""The comparison's jobs with a row, exactly once by their record and without one."""

from bench_body import COUNT, work
from sqlalchemy import Column, Integer, MetaData, Table, Text, insert

from ..kit import Payload, processor
from ..kit.integrations.database import Session, transaction

# Made by the benchmark, so not among the tables that migrations look after.
rows = Table("bench_rows", MetaData(), Column("id", Integer), Column("name", Text))


class Row(Payload):
    name: str


@processor(target="{name}")
def with_record(payload: Row, session: Session) -> None:
    session.execute(insert(rows).values(name=payload.name))
    work(COUNT, 0.0)


@processor
def without(payload: Row) -> None:
    with transaction() as session:
        session.execute(insert(rows).values(name=payload.name))
    work(COUNT, 0.0)
'''


def _install(cache: Path, name: str, processor: str, app: str) -> Home:
    """Render a worker from this checkout, give it the processor, and install it."""
    folder = cache / f"worker-{name}-project"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    project = render_worker(folder, name)
    path = project / f"src/worker_{name}/processors/bench.py"
    path.write_text(processor, encoding="utf-8")
    compileall.compile_dir(project / "src", quiet=1)  # as packages are that were installed
    requirements = ["--editable", str(project)]
    return python_home(cache, f"worker-{name}", app, requirements)


@once
def install(cache: Path) -> Home:
    """Install the worker of the comparison without a database."""
    return _install(cache, "blank", _PROCESSOR, "bench_ours.py")


def _install_with_rows(cache: Path) -> Home:
    return _install(cache, "payment", _ROWS, "bench_rows_ours.py")


def _install_without_records(cache: Path) -> Home:
    home = _install_with_rows(cache)
    return replace(home, environment=home.environment | {"BENCH_RECORDS": "no"})


def _command(home: Home, _concurrency: int, _processes: int) -> list[str]:
    return [str(home.programs / "worker-blank"), "run"]


def _command_with_rows(home: Home, _concurrency: int, _processes: int) -> list[str]:
    return [str(home.programs / "worker-payment"), "run"]


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

WITH_ROWS = [
    Contender(
        key="ours",
        title="gen-worker, exactly once by its record",
        install=_install_with_rows,
        command=_command_with_rows,
        rate=800,
        variables=lambda concurrency, processes: variables(concurrency, processes, "error"),
    ),
    Contender(
        key="ours-without",
        title="gen-worker, a transaction without record",
        install=_install_without_records,
        command=_command_with_rows,
        rate=900,
        variables=lambda concurrency, processes: variables(concurrency, processes, "error"),
    ),
]
