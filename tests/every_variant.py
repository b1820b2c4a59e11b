"""Judge every combination of modules: parallel, resumable, with progress and a table.

    python tests/every_variant.py                 all of them
    python tests/every_variant.py --covering      none, each alone, each pair, all
    python tests/every_variant.py --shard 3/16    a share, for a machine of a matrix
    python tests/every_variant.py --matrix        that matrix, as JSON for a GitHub workflow

What passed once is not judged again until its rendering changes; --fresh forgets that. Tests of a
worker take most of the time: they are run where three answers meet that met nowhere else.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import queue
import sys
import tempfile
import time
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import kit_worker
from importer import Importer
from judging import PROJECT, Combination, Judge, Verdict, combinations, covering, digest, files_of
from type_cache import type_cache

_MEMORY = PROJECT / ".cache" / "variants.json"
_SHARE = 32  # combinations for one machine of a matrix: some minutes, setting up included
_STEPS = ("traces", "lint", "format", "types", "imports", "own tests", "kit tests")


class Memory:
    """Remembers by content what passed, also after Ctrl-C."""

    def __init__(self, *, fresh: bool) -> None:
        """Read what an earlier run left.

        Args:
            fresh: Forget it.
        """
        self._passed: dict[str, str] = {}
        if _MEMORY.is_file() and not fresh:
            self._passed = json.loads(_MEMORY.read_text())

    def knows(self, content: str, *, tests: bool) -> bool:
        """Tell whether a rendering passed before; what passed without tests counts less."""
        return self._passed.get(content) in ({"tested"} if tests else {"tested", "judged"})

    def add(self, content: str, *, tests: bool) -> None:
        """Remember one that passed, at once."""
        self._passed[content] = "tested" if tests else "judged"
        _MEMORY.parent.mkdir(exist_ok=True)
        hidden = _MEMORY.with_suffix(f".{os.getpid()}")
        hidden.write_text(json.dumps(self._passed))
        hidden.replace(_MEMORY)


def run(
    chosen: Sequence[Combination], memory: Memory, *, jobs: int, tested: Collection[Combination]
) -> list[Verdict]:
    """Judge combinations.

    Args:
        chosen: Which ones.
        memory: What passed before.
        jobs: How many at the same time.
        tested: Those whose tests are run.

    Returns:
        A verdict for each, in their order.
    """
    verdicts: dict[str, Verdict] = {}
    with ExitStack() as opened:
        temporary = opened.enter_context(tempfile.TemporaryDirectory(prefix="variants-"))
        judges: queue.SimpleQueue[Judge] = queue.SimpleQueue()
        for number in range(jobs):
            folder = Path(temporary, str(number))
            folder.mkdir()
            forks = opened.enter_context(Importer())
            types = partial(type_cache, user=f"variants-{number}")
            judges.put(Judge(folder, types, forks.problem))

        def work(combination: Combination) -> Verdict:
            content, tests = digest(files_of(combination)), combination in tested
            if memory.knows(content, tests=tests):
                return Verdict(combination)
            judge = judges.get()
            try:
                verdict = judge.judge(combination, tests=tests)
            finally:
                judges.put(judge)
            if verdict.problem is None:
                memory.add(content, tests=tests)
            return verdict

        with ThreadPoolExecutor(jobs) as pool:
            running = [pool.submit(work, combination) for combination in chosen]
            try:
                for number, future in enumerate(as_completed(running), 1):
                    verdict = future.result()
                    verdicts[verdict.combination.name] = verdict
                    _progress(number, len(chosen), verdict)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    return [verdicts[one.name] for one in chosen]


def _progress(number: int, total: int, verdict: Verdict) -> None:
    sys.stderr.write(
        f"[{number:3}/{total}] {_result(verdict):8} {sum(verdict.seconds.values()):6.1f} s  "
        f"{verdict.combination.name}\n"
    )
    sys.stderr.flush()


def _result(verdict: Verdict) -> str:
    if verdict.problem is not None:
        return "FAILED"
    return "passed" if verdict.seconds else "as before"


def table(verdicts: Sequence[Verdict]) -> str:
    """Show all verdicts.

    Args:
        verdicts: What became of each.

    Returns:
        A line for each, with the seconds of each step.
    """
    width = max(len(one.combination.name) for one in verdicts)
    head = f"{'MODULES':{width}}  {'PRESET':12}  LANG  FILES  "
    lines = [head + "  ".join(f"{step.upper():>9}" for step in _STEPS) + "  RESULT"]
    for one in verdicts:
        spent = [f"{one.seconds[s]:9.1f}" if s in one.seconds else "        -" for s in _STEPS]
        which = one.combination
        start = (
            f"{which.name:{width}}  {which.preset:12}  {which.language:4}  {one.files or '-':>5}"
        )
        lines.append(f"{start}  {'  '.join(spent)}  {_result(one)}")
    return "\n".join(lines)


def meeting(every: Sequence[Combination], size: int = 3) -> set[Combination]:
    """Choose combinations in which all answers meet that meet in any.

    Code for one answer is reached by another one, and by two others; no file is there for four.

    Args:
        every: What to choose from.
        size: How many answers meet.

    Returns:
        A few of them.
    """
    numbers: dict[tuple[str, ...], int] = {}
    met: dict[Combination, int] = {}  # a bit for every group of answers
    for one in every:
        groups = itertools.combinations([one.preset, *one.settings], size)
        met[one] = sum(1 << numbers.setdefault(group, len(numbers)) for group in groups)
    left, chosen = (1 << len(numbers)) - 1, set()
    while left:
        best = max(every, key=lambda one: (met[one] & left).bit_count())
        left &= ~met[best]
        chosen.add(best)
    return chosen


def matrix() -> str:
    """Share out all combinations for a GitHub workflow."""
    total = len(combinations())
    shares = -(-total // _SHARE)
    return json.dumps({"shard": [f"{number}/{shares}" for number in range(1, shares + 1)]})


def _share(chosen: list[Combination], shard: str) -> list[Combination]:
    """Take every n-th, so that large and small ones are spread."""
    number, shares = map(int, shard.split("/"))
    if not 1 <= number <= shares:
        raise SystemExit(f"--shard goes from 1/{shares} to {shares}/{shares}.")
    return chosen[number - 1 :: shares]


def main() -> int:
    """Read the command line, judge, report.

    Returns:
        1 when one failed, else 0.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--covering", action="store_true")
    parser.add_argument("--shard", metavar="N/OF")
    parser.add_argument("--matrix", action="store_true")
    parser.add_argument("--fresh", action="store_true")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--no-tests", action="store_true", help="run no worker's tests")
    which.add_argument("--all-tests", action="store_true", help="run every worker's tests")
    # One more than there are processors: half of a worker's own tests is waiting.
    parser.add_argument("--jobs", type=int, default=(os.cpu_count() or 1) + 1)
    options = parser.parse_args()
    if options.matrix:
        sys.stdout.write(f"{matrix()}\n")
        return 0
    chosen = covering() if options.covering else combinations()
    if options.shard:
        chosen = _share(chosen, options.shard)
    tested = set(chosen) if options.all_tests else meeting(combinations())
    started = time.monotonic()
    kit_worker.refresh()
    memory = Memory(fresh=options.fresh)
    tested = set() if options.no_tests else tested
    verdicts = run(chosen, memory, jobs=options.jobs, tested=tested)
    failed = [one for one in verdicts if one.problem is not None]
    sys.stdout.write(f"{table(verdicts)}\n")
    for one in failed:
        sys.stdout.write(f"\n--- {one.combination.name}\n{one.problem}\n")
    minutes = (time.monotonic() - started) / 60
    sys.stdout.write(f"\n{len(verdicts)} combinations, {len(failed)} failed, {minutes:.1f} min.\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
