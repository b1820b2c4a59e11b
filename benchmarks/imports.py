"""What a worker's start costs: its modules before they are used, and its quick programs.

Usage: python benchmarks/imports.py [--rounds N] [--python PROGRAM] [FOLDER ...]

Renders a worker without modules, one for each module, and one with all. Each is started as a whole
process that imports its worker and its command line and looks at every module, turn by turn, so
that whatever else the machine does hits all alike. Then the programs that other programs start or
import: their processor time, which a busy machine changes least; the first job; the memory; the
same two with a database, PostgreSQL. These run like in an image, in an environment that holds what
the worker needs and nothing else: redis-py, for instance, loads OpenTelemetry wherever it is
installed. The first table needs the packages of all modules (the template's `dependencies` and
`dev_dependencies`). The exit code is 1 when a goal is missed.

With folders of workers that `gen-worker blank` has made, an old one and a new one for instance,
only the second table is printed, with a column for each. `--python` names what runs them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, cast

import copier
import yaml
from contenders.base import python_home
from gen_worker.template.definition import find_template
from measuring import look_at_tree
from workers import ROOT, Server, render_worker, start_postgres

GOAL_MS = 100  # more than a worker without modules, for all modules together
GOAL_MB = 10
# Libraries of vendors: none may be imported before its module is used.
VENDORS = (
    "alembic",
    "boto3",
    "botocore",
    "firebase_admin",
    "google",
    "httpx",
    "jinja2",
    "sqlalchemy",
)
_WORKER = ("-m", "{package}")
_JOB = ("enqueue", "example.hello")
_JOBS = """
from {package}.processors.example import HelloPayload, hello
start = {start}  # a job with a record runs once for ever
hello.enqueue_many([HelloPayload(name=str(start + number)) for number in range({count})])
"""
# The example, with its record, and a statement of its own in the transaction.
_RECORDED = """
from pydantic import Field
from sqlalchemy import text

from ..kit import Payload, processor
from ..kit.integrations.database import Session


class HelloPayload(Payload):
    name: str = Field(min_length=1, max_length=100)


@processor(target="{name}")
def hello(payload: HelloPayload, session: Session) -> None:
    session.execute(text("SELECT 1"))
"""
_SLOTS, _COUNT = 50, 3000  # jobs at once, and in all, while memory is measured
_PATIENCE = 120.0  # seconds until a worker that does not do its jobs is given up
# What is started, and the seconds of the processor that it may take; the first two are the scale.
PROGRAMS: dict[str, tuple[tuple[str, ...], float | None]] = {
    "Python alone": (("-c", "pass"), None),
    "import redis": (("-c", "import redis"), None),
    "import of a publisher": (("-c", "import {package}.processors.example"), 0.25),
    "health": ((*_WORKER, "health"), 0.35),
    "check --only settings": ((*_WORKER, "check", "--only", "settings"), 0.35),
    "enqueue": ((*_WORKER, *_JOB, '{"name": "you"}'), 0.35),
    "--help": ((*_WORKER, "--help"), None),
}
START = """
import sys
import {package}.kit.cli, {package}.kit.process.runner
from {package}.worker import worker
names = [module.name for module in worker.modules]
try:
    # Of this program alone; what the system keeps for a process counts its parent's too.
    lines = open("/proc/self/status").read().splitlines()
    peak = next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
except OSError:  # macOS
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
print(*names, "|", *[name for name in {vendors} if name in sys.modules], "|", peak)
"""


# What is measured of a worker, and the most that it may be.
Measures = dict[str, tuple[Callable[[Path], float], float | None]]


@dataclass
class Variant:
    """A worker with some modules, and what its starts cost."""

    name: str
    modules: list[str]
    folder: Path
    loaded: str = ""
    seconds: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)

    @property
    def time(self) -> float:
        """The median start, in seconds."""
        return statistics.median(self.seconds)

    @property
    def work(self) -> float:
        """The median time of the processor, in seconds: what a busy machine does not change."""
        return statistics.median(self.processor)

    @property
    def memory(self) -> float:
        """The median peak of resident memory, in MB."""
        return statistics.median(self.megabytes)

    def render(self, template: Path) -> None:
        """Make the worker's repository."""
        answers = {f"with_{module.replace('-', '_')}": True for module in self.modules}
        copier.run_copy(
            str(template),
            self.folder,
            data={"worker_type": "bench", "preset": "blank", **answers},
            defaults=True,
            quiet=True,
        )

    def start(self, *, counted: bool) -> None:
        """Start it once as a process of its own.

        Args:
            counted: Keep what it cost; warm-up runs are not kept.
        """
        code = START.format(package="worker_bench", vendors=VENDORS)
        environment = {**os.environ, "PYTHONPATH": str(self.folder / "src")}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # users have compiled packages
        begin = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        output = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.stdout:
            process.stdout.close()
        if process.returncode:
            raise SystemExit(f"{self.name}: the worker could not be imported")
        found, self.loaded, peak = (part.strip() for part in output.split("|"))
        if sorted(found.split()) != sorted(self.modules):
            raise SystemExit(f"{self.name}: expected {self.modules}, found {found.split()}")
        if counted:
            self.seconds.append(seconds)
            self.processor.append(usage.ru_utime + usage.ru_stime)
            self.megabytes.append(float(peak))


def plain_template(folder: Path) -> Path:
    """Copy the template out of its repository: Copier then renders it as it stands."""
    root, copy = find_template(), folder / "template-copy"
    copy.mkdir()
    shutil.copy(root / "copier.yml", copy)
    for part in ("template", "partials"):
        shutil.copytree(root / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def module_names(template: Path) -> dict[str, list[str]]:
    """The modules of the catalogue, each with the one that it needs."""
    questions = yaml.safe_load((template / "copier.yml").read_text(encoding="utf-8"))
    modules = yaml.safe_load(questions["catalog"]["default"])["modules"]
    return {
        name: [*([entry["needs"]] if "needs" in entry else []), name]
        for name, entry in modules.items()
    }


def main() -> int:
    """Measure and print.

    Returns:
        0, or 1 when a goal is missed.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", type=Path, nargs="*", help="workers of the preset blank")
    parser.add_argument("--rounds", type=int, default=10, help="counted starts of each variant")
    parser.add_argument("--python", help="what runs them, instead of an environment made for them")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache/benchmarks")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as servers:
        folder = Path(name)
        server = Server(folder)
        servers.callback(server.stop)
        workers = [each.resolve() for each in options.folders] or [render_worker(folder)]
        runner = Runner(options.python or install(workers[-1], options.cache / "start"), server)
        if options.folders:
            return report_programs(runner, workers, options.rounds)
        missed = report(compare_modules(folder, options.rounds))
        missed |= report_programs(runner, workers, options.rounds)
        postgres = start_postgres(folder, durable=True)
        servers.callback(postgres.remove)
        worker = render_worker(folder / "database", "blank", "--with", "database")
        (worker / "src/worker_blank/processors/example.py").write_text(_RECORDED)
        runner = Runner(
            options.python or install(worker, options.cache / "start-database"),
            server,
            {"DATABASE_CONFIG": json.dumps({"instances": {"MAIN": postgres.config()}})},
        )
        return report_database(runner, worker, options.rounds) | missed


def install(worker: Path, cache: Path) -> str:
    """Install what a worker needs, and nothing else, and return the interpreter."""
    home = python_home(cache, worker.name, "bench_ours.py", ["--editable", str(worker)])
    return str(home.programs / "python")


def compare_modules(folder: Path, rounds: int) -> list[Variant]:
    """Start a worker without modules, one with each, and one with all."""
    template = plain_template(folder)
    every = module_names(template)
    chosen = {"none": [], **every, "all": list(every)}
    variants = [Variant(name, modules, folder / name) for name, modules in chosen.items()]
    for variant in variants:
        variant.render(template)
        variant.start(counted=False)
    for _ in range(rounds):
        for variant in variants:
            variant.start(counted=True)
    return variants


def report(variants: list[Variant]) -> int:
    """Print the table and the goals; 1 when one is missed."""
    none, *_, every = variants
    titles = f"{'start':>7} {'processor':>10} {'more':>7} {'peak':>8} {'more':>8}"
    print(f"{'modules':<12} {titles}  libraries")
    for each in variants:
        print(
            f"{each.name:<12} {each.time * 1000:4.0f} ms {each.work * 1000:7.0f} ms"
            f" {(each.work - none.work) * 1000:+4.0f} ms {each.memory:5.1f} MB"
            f" {each.memory - none.memory:+5.1f} MB  {each.loaded or '-'}"
        )
    more, megabytes = every.work - none.work, every.memory - none.memory
    goals = [
        (f"all: {more * 1000:+.0f} ms of the processor, goal {GOAL_MS}", more * 1000, GOAL_MS),
        (f"all: {megabytes:+.1f} MB, goal {GOAL_MB}", megabytes, GOAL_MB),
        (f"libraries imported before use: {every.loaded or 'none'}", len(every.loaded), 0),
    ]
    for text, value, goal in goals:
        print(f"{'ok  ' if value <= goal else 'MISS'} {text}")
    return int(any(value > goal for _, value, goal in goals))


@dataclass(frozen=True, slots=True)
class Runner:
    """Starts programs of workers.

    Args:
        python: The interpreter, with the packages that workers need.
        server: Their Redis.
        settings: Variables of all programs.
    """

    python: str
    server: Server
    settings: Mapping[str, str] = field(default_factory=dict)

    def start(self, worker: Path, *arguments: str, **variables: str) -> subprocess.Popen[bytes]:
        """Start one of a worker's programs; its output can be read."""
        environment = {**os.environ, "PYTHONPATH": str(worker / "src")}
        environment |= {"REDIS_URL": self.server.url, **self.settings, **variables}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # users have compiled packages
        package = package_of(worker)
        return subprocess.Popen(
            [self.python, *(each.replace("{package}", package) for each in arguments)],
            cwd=worker,
            env=environment,
            stdout=subprocess.PIPE,
        )

    def processor_time(self, worker: Path, arguments: Sequence[str]) -> float:
        """Return the seconds of the processor that a program takes from start to end."""
        with self.start(worker, *arguments) as process:
            output(process).read()
            _, _, usage = os.wait4(process.pid, 0)
            process.returncode = 0
        return usage.ru_utime + usage.ru_stime

    def first_job(self, worker: Path) -> tuple[float, float]:
        """Return the seconds from a start to the end of the first job: clock, processor."""
        self.server.client.flushall()
        self.processor_time(worker, (*_WORKER, *_JOB, f'{{"name": "{time.time_ns()}"}}'))
        begin = time.perf_counter()
        with self.start(worker, *_WORKER, "run") as process:
            while b"job.done" not in (line := output(process).readline()):
                if not line:
                    raise SystemExit(f"{worker}: the worker ended before its first job")
            found = time.perf_counter() - begin, look_at_tree(process.pid).cpu
            process.terminate()
        return found

    def memory(self, worker: Path) -> float:
        """Return the peak of resident memory, in MB, of a worker that does many jobs at once."""
        client = self.server.client
        client.flushall()
        jobs = _JOBS.replace("{start}", str(time.time_ns())).replace("{count}", str(_COUNT))
        self.processor_time(worker, ("-c", jobs))
        variables = {"WORKER_CONCURRENCY": str(_SLOTS), "LOGGER_CONFIG": '{"level": "error"}'}
        end = time.monotonic() + _PATIENCE
        with self.start(worker, *_WORKER, "run", **variables) as process:
            while client.zcard("rq:finished:blank") < _COUNT:
                if time.monotonic() > end or process.poll() is not None:
                    raise SystemExit(f"{worker}: the worker did not do its jobs")
                time.sleep(0.05)
            peak = look_at_tree(process.pid).memory / 1024**2
            process.terminate()
        return peak


def output(process: subprocess.Popen[bytes]) -> IO[bytes]:
    """Return what a program prints."""
    return cast("IO[bytes]", process.stdout)


def package_of(worker: Path) -> str:
    """Return the name of a worker's package."""
    return next(kit.parent.name for kit in worker.glob("src/*/kit"))


def report_programs(runner: Runner, workers: list[Path], rounds: int) -> int:
    """Print what the programs of workers without modules cost, least; 1 when a goal is missed."""
    programs: Measures = {
        f"{name}, s of the processor": (partial(runner.processor_time, arguments=arguments), goal)
        for name, (arguments, goal) in PROGRAMS.items()
    }
    return report_least("without modules", programs | running(runner, 0.6, 55.0), workers, rounds)


def report_database(runner: Runner, worker: Path, rounds: int) -> int:
    """Print what a worker with a database costs, least; 1 when a goal is missed."""
    return report_least("with the database", running(runner, None, 75.0), [worker], rounds)


def running(runner: Runner, first_job: float | None, memory: float) -> Measures:
    """Measures of `run`, with their goals."""
    return {
        "first job, s of the processor": (lambda each: runner.first_job(each)[1], None),
        "first job, s": (lambda each: runner.first_job(each)[0], first_job),
        f"memory with {_SLOTS} slots, MB": (runner.memory, memory),
    }


def report_least(title: str, measures: Measures, workers: list[Path], rounds: int) -> int:
    """Print the least of each measure, a column for each worker; 1 when a goal is missed."""
    missed = 0
    titles = " ".join(f"{each.parent.name[-12:]:>12}" for each in workers)
    print(f"\n{title + ', least':<44} {titles}")
    for name, (measure, goal) in measures.items():
        found: list[list[float]] = [[] for _ in workers]
        for _ in range(rounds + 1):  # the first one compiles
            for worker, values in zip(workers, found, strict=True):
                values.append(measure(worker))
        least = [min(values) for values in found]
        missed |= goal is not None and least[-1] > goal
        row = " ".join(f"{value:12.3g}" for value in least)
        print(f"{name:<44} {row}" + (f", goal {goal:g}" if goal else ""), flush=True)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
