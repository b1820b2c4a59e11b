"""Time gen-worker as whole processes, in one go: beside plain `copier copy` and an earlier one.

Usage: python benchmarks/generator.py [--rounds N] [--before CHECKOUT] [--repositories N]

Copier and gen-worker render the same template with the same answers. All rows take turns, so that
whatever else the machine does hits all alike. Copier reads a committed copy of the template, as it
would for a user; gen-worker reads its own. A warm-up run that is not counted compiles and caches.
`fleet status` looks at as many repositories, made of every preset in turn, each with one commit.
Each row has the seconds that a user waits, and those of the processor with all programs that were
started, which a busy machine changes less. The gen-worker of another checkout, which has its .venv,
gets the same rows. The exit code is 1 when a goal is missed.
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
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gen_worker.new.create import Request, create
from gen_worker.new.flags import Choices
from gen_worker.template.catalog import load_catalog
from gen_worker.template.definition import find_template, load_template

GOAL_RATIO = 0.5  # gen-worker's time by Copier's
TAB = {"_GEN_WORKER_COMPLETE": "complete_bash", "COMP_WORDS": "gen-worker --pre", "COMP_CWORD": "1"}
VALUE = {**TAB, "COMP_WORDS": "gen-worker --preset pay", "COMP_CWORD": "2"}


@dataclass
class Contender:
    """One command line, and what its runs took, in seconds."""

    name: str
    arguments: list[str]
    output: str | None = None
    variables: dict[str, str] = field(default_factory=dict)
    goal: float | None = None
    codes: tuple[int, ...] = (0,)
    seconds: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The median run, in seconds."""
        return statistics.median(self.seconds)

    @property
    def missed(self) -> bool:
        """Whether it has a goal and takes longer."""
        return self.goal is not None and self.median > self.goal

    def run(self, folder: Path, *, counted: bool) -> None:
        """Run once in an empty state.

        Args:
            folder: Where to run.
            counted: Keep the time; warm-up runs are not kept.
        """
        if self.output:
            shutil.rmtree(folder / self.output, ignore_errors=True)
        environment = {**os.environ, **self.variables}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # users have compiled packages
        start = time.perf_counter()
        process = subprocess.Popen(
            self.arguments, cwd=folder, env=environment, stdout=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in self.codes:
            raise SystemExit(f"{self.name}: exit code {process.returncode}")
        if counted:
            self.seconds.append(seconds)
            self.processor.append(usage.ru_utime + usage.ru_stime)

    def row(self) -> str:
        """Return the figures: median, fastest and slowest, then the processor's least."""
        spread = f"({min(self.seconds):.3f} to {max(self.seconds):.3f})"
        goal = f"  goal {self.goal}{' MISSED' if self.missed else ''}" if self.goal else ""
        figures = f"{self.median:6.3f} {spread:<18} {min(self.processor):6.3f}"
        return f"  {self.name:<42} {figures}{goal}"


def committed_template(folder: Path) -> Path:
    """Copy the template into a git repository with one tag.

    Args:
        folder: Where to put it.

    Returns:
        The repository.
    """
    root, copy = find_template(), folder / "template-repository"
    copy.mkdir()
    shutil.copy(root / "copier.yml", copy)
    for part in ("template", "partials"):
        if (root / part).is_dir():
            shutil.copytree(root / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    identity = ["-c", "user.name=benchmark", "-c", "user.email=benchmark@localhost"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "1"], ["tag", "v0.1.0"]):
        subprocess.run(["git", *identity, *command], cwd=copy, check=True)
    return copy


def make_fleet(folder: Path, count: int) -> Path:
    """Make worker repositories, of every preset in turn.

    Args:
        folder: Where to put them.
        count: How many.

    Returns:
        The folder that holds them.
    """
    root, fleet = find_template(), folder / "fleet"
    presets = list(load_catalog(load_template(root)).presets)
    for number in range(count):
        choices = Choices(f"w{number}", presets[number % len(presets)])
        create(Request(choices, fleet, root))
    return fleet


def rows(tools: Path, mark: str, fleet: Path) -> Iterator[Contender]:
    """Yield the command lines of one gen-worker.

    Args:
        tools: The folder of its program.
        mark: What its names begin with.
        fleet: The repositories to look at.
    """
    program = str(tools / "gen-worker")
    making = [program, "payment", "--yes", "--no-git"]
    yield Contender(f"{mark}payment --yes --no-git", making, "worker-payment", goal=0.35)
    yield Contender(f"{mark}--help", [program, "--help"], goal=0.1)
    yield Contender(f"{mark}TAB after --pre", [program], variables=TAB, goal=0.15)
    yield Contender(f"{mark}TAB after --preset pay", [program], variables=VALUE)
    yield Contender(f"{mark}list", [program, "list"])
    name = f"{mark}fleet status of {len(list(fleet.iterdir()))}"
    status = [program, "fleet", "status", str(fleet)]
    yield Contender(name, status, codes=(0, 1), goal=3)  # 1: some are not of this commit


def main() -> int:
    """Run the benchmark.

    Returns:
        0 when every goal is met, else 1.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=9, help="counted runs of each row")
    parser.add_argument("--before", type=Path, help="another checkout to compare with")
    parser.add_argument("--repositories", type=int, default=100, help="for fleet status")
    chosen = parser.parse_args()
    tools = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        template, fleet = committed_template(folder), make_fleet(folder, chosen.repositories)
        ours = list(rows(tools, "gen-worker ", fleet))
        theirs = Contender(
            "copier copy --defaults",
            [
                *(str(tools / "copier"), "copy", "--quiet", "--defaults"),
                *("--data", "worker_type=payment", str(template), "by-copier"),
            ],
            "by-copier",
        )
        before = list(rows(chosen.before / ".venv/bin", "before: ", fleet)) if chosen.before else []
        for number in range(chosen.rounds + 1):
            for contender in (*ours, *before, theirs):
                contender.run(folder, counted=number > 0)
        files = sum(path.is_file() for path in (folder / "worker-payment").rglob("*"))

    print(f"{chosen.rounds} rounds, {files} files; seconds: median (fastest to slowest), processor")
    for one in before:
        one.goal = None
    for contender in (*ours, *before, theirs):
        print(contender.row())
    ratio = ours[0].median / theirs.median
    print(f"gen-worker by Copier: {ratio:.2f} (goal: at most {GOAL_RATIO})")
    return int(ratio > GOAL_RATIO or any(one.missed for one in ours))


if __name__ == "__main__":
    sys.exit(main())
