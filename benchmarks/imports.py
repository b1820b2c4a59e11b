"""What a worker's start costs: its modules before they are used, and its quick programs.

Usage: python benchmarks/imports.py [--rounds N]

Renders a worker without modules, one for each module, and one with all. Each is started as a whole
process that imports its worker and its command line and looks at every module, turn by turn, so
that whatever else the machine does hits all alike. Then the programs that other programs start or
import: their processor time, which a busy machine changes least. Needs the packages of all modules
(the template's `dependencies` and `dev_dependencies`). The exit code is 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import copier
import yaml
from gen_worker.template.definition import find_template

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
_WORKER = ("-m", "worker_bench")
# What is started, and the seconds of the processor that it may take; the first two are the scale.
PROGRAMS: dict[str, tuple[tuple[str, ...], float | None]] = {
    "Python alone": (("-c", "pass"), None),
    "import redis": (("-c", "import redis"), None),
    "import of a publisher": (("-c", "import worker_bench.processors.example"), 0.25),
    "health": ((*_WORKER, "health"), 0.35),
    "check --only settings": ((*_WORKER, "check", "--only", "settings"), 0.35),
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
    parser.add_argument("--rounds", type=int, default=10, help="counted starts of each variant")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
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
        missed = report(variants)
        return report_programs(variants[0].folder, rounds) | missed


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


def report_programs(worker: Path, rounds: int) -> int:
    """Print what the quick programs of a worker without modules cost; 1 when a goal is missed."""
    environment = {**os.environ, "PYTHONPATH": str(worker / "src")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    missed = 0
    print(f"\n{'program, without modules':<40} processor, least")
    for name, (arguments, goal) in PROGRAMS.items():
        spent = []
        for _ in range(rounds + 1):  # the first one compiles
            process = subprocess.Popen(
                [sys.executable, *arguments], cwd=worker, env=environment, stdout=subprocess.DEVNULL
            )
            _, _, usage = os.wait4(process.pid, 0)
            process.returncode = 0
            spent.append(usage.ru_utime + usage.ru_stime)
        least = min(spent)
        missed |= goal is not None and least > goal
        print(f"{name:<40} {least * 1000:4.0f} ms" + (f", goal {goal * 1000:.0f}" if goal else ""))
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
