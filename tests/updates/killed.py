"""Kill `gen-worker update` at each of its steps and look at what `--abort` makes of it.

A script: it loads the program once and forks for every update. One update leaves a copy of the
worker as it is before each of its steps, which is what a kill there leaves; every eighth step
really kills one, and both must have left the same.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from command import contents, git, invoke

_JOURNAL = "gen-worker-update.json.part"
# What changes something, or starts a program that may.
_STEPS = frozenset({"open", "os.rename", "os.remove", "os.link", "os.mkdir", "subprocess.Popen"})


def main(template: Path, prepared: Path, work: Path) -> None:
    """Take an update back at every step, until one gets through.

    Args:
        template: The template's repository.
        prepared: A worker with an update ahead that changes everything.
        work: An empty folder for copies.
    """
    before = _state(prepared)
    # What a rehearsal loads and compiles, no fork has to load and compile again.
    assert invoke("update", str(prepared), "--dry-run", template=template).exit_code == 3
    assert _state(prepared) == before
    worker, copies = work / prepared.name, work / "copies"

    def copy(step: int) -> None:
        shutil.copytree(worker, copies / str(step), symlinks=True)

    shutil.copytree(prepared, worker, symlinks=True)
    assert not _killed(template, worker, copy)
    steps = len(list(copies.iterdir()))
    for step in range(1, steps + 1):
        left = copies / str(step)
        if step % 8 == 0:
            shutil.rmtree(worker)
            shutil.copytree(prepared, worker, symlinks=True)
            assert _killed(template, worker, partial(_kill_at, step))
            assert contents(worker) == contents(left), f"step {step}"
        else:
            shutil.rmtree(worker)
            left.rename(worker)
        done = invoke("update", "--abort", str(worker), template=template)
        under_way = "No update is under way" not in done.stderr
        assert done.exit_code == 0 or not under_way, f"step {step}: {done.stderr}"
        after = _state(worker)
        assert after == before, f"step {step}: {_difference(before, after)}"
        if step % 8 == 0:
            again = invoke("update", str(worker), "--overwrite", template=template)
            assert again.exit_code == 3, f"step {step}: {again.stderr}"
    sys.stdout.write(f"{steps}\n")


def _kill_at(last: int, step: int) -> None:
    if step == last:
        os.killpg(0, signal.SIGKILL)


def _state(worker: Path) -> dict[str, object]:
    """Read the files, git's view of them, and what lies in git's folder."""
    # The part of a journal that was never begun is written over by the next one.
    left = {path.name for path in (worker / ".git").glob("*gen-worker*") if path.suffix != ".part"}
    left |= {path.name for path in (worker / ".git").glob("index.lock")}
    return {**contents(worker), "git status": git(worker, "status", "--porcelain"), "left": left}


def _difference(before: dict[str, object], after: dict[str, object]) -> list[str]:
    return [name for name in {**before, **after} if before.get(name) != after.get(name)]


def _killed(template: Path, worker: Path, watched: Callable[[int], None]) -> bool:
    """Run an update in a process of its own that is watched; return whether it was killed.

    Args:
        template: The template's repository.
        worker: The worker.
        watched: Is called before every step, with its number from 1.
    """
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)  # git goes with it
        step, begun, busy = 0, False, False

        def watch(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal step, begun, busy
            begun = begun or (event == "open" and str(arguments[0]).endswith(_JOURNAL))
            if event not in _STEPS or not begun or busy:  # a rehearsal changes nothing
                return
            if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & 3):
                return  # reading changes nothing
            step, busy = step + 1, True
            watched(step)
            busy = False

        sys.addaudithook(watch)
        done = invoke("update", str(worker), "--overwrite", template=template)
        os._exit(done.exit_code)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
