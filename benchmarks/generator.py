"""Time gen-worker against plain `copier copy`, as whole processes, in one go.

Usage: python benchmarks/generator.py [--rounds N]

Both sides render the same template with the same answers, turn by turn, so that whatever else the
machine does hits both alike. Copier reads a committed copy of the template, as it would for a
user; gen-worker reads its own. The lines end with the goal; the exit code is 1 when one is missed.
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

from gen_worker.template.definition import find_template

GOAL_RATIO = 0.5  # gen-worker's time by Copier's
GOAL_HELP = 0.15  # seconds


@dataclass
class Contender:
    """One command line and how long its runs took, in seconds."""

    name: str
    arguments: list[str]
    output: str | None = None
    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The median run, in seconds."""
        return statistics.median(self.seconds)

    def run(self, folder: Path, *, counted: bool) -> None:
        """Run once in an empty state.

        Args:
            folder: Where to run.
            counted: Keep the time; warm-up runs are not kept.
        """
        if self.output:
            shutil.rmtree(folder / self.output, ignore_errors=True)
        environment = {**os.environ}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # users have compiled packages
        start = time.perf_counter()
        subprocess.run(self.arguments, cwd=folder, env=environment, check=True, capture_output=True)
        if counted:
            self.seconds.append(time.perf_counter() - start)


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


def main() -> int:
    """Run the benchmark.

    Returns:
        0 when every goal is met, else 1.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=9, help="counted runs of each side")
    rounds = parser.parse_args().rounds
    tools = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        template = committed_template(folder)
        ours = Contender(
            "gen-worker payment --yes --no-git",
            [str(tools / "gen-worker"), "payment", "--yes", "--no-git"],
            "worker-payment",
        )
        theirs = Contender(
            "copier copy --defaults",
            [
                *(str(tools / "copier"), "copy", "--quiet", "--defaults"),
                *("--data", "worker_type=payment", str(template), "by-copier"),
            ],
            "by-copier",
        )
        shown = Contender("gen-worker --help", [str(tools / "gen-worker"), "--help"])
        contenders = [ours, theirs, shown]
        for number in range(rounds + 1):
            for contender in contenders:
                contender.run(folder, counted=number > 0)
        files = sum(path.is_file() for path in (folder / "worker-payment").rglob("*"))

    print(f"{rounds} rounds, {files} files; median, fastest and slowest in seconds")
    for contender in contenders:
        low, high = min(contender.seconds), max(contender.seconds)
        print(f"  {contender.name:<35} {contender.median:6.3f}  ({low:.3f} to {high:.3f})")
    ratio = ours.median / theirs.median
    print(f"gen-worker by Copier: {ratio:.2f} (goal: at most {GOAL_RATIO})")
    print(f"help: {shown.median:.3f} s (goal: at most {GOAL_HELP} s)")
    return 0 if ratio <= GOAL_RATIO and shown.median <= GOAL_HELP else 1


if __name__ == "__main__":
    sys.exit(main())
