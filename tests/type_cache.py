"""What mypy learnt of the libraries that workers use, once for all tests."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

from kit_worker import kit_worker

_FOLDER = Path(__file__).parent.parent / ".mypy_cache" / "workers"


def type_cache(language: str = "en", user: str | None = None) -> Path:
    """Return a folder for mypy's cache; mypy does not lock it, so each user has one.

    It starts as a copy of one that knows a worker with every module: learning takes ten times as
    long as the check. Each language has its own: half of the kit depends on the modules that speak
    it, and would be checked anew at every change.

    Args:
        language: Of the documents of the workers that are checked.
        user: Who checks; by default this process of the test session.
    """
    own = _FOLDER / f"{user or os.environ.get('PYTEST_XDIST_WORKER', 'main')}-{language}"
    if own.is_dir():
        return own
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with (_FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        first = _FOLDER / "first"
        if not first.is_dir():
            _learn(_FOLDER / "unfinished")
            (_FOLDER / "unfinished").rename(first)
        shutil.copytree(first, own)
    return own


def _learn(folder: Path) -> None:
    """Check the worker of the kit's tests; whether it passes is asked by the tests of variants."""
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(
        [sys.executable, "-m", "mypy"],
        cwd=kit_worker(),
        env={**os.environ, "PYTHONPATH": "src", "MYPY_CACHE_DIR": str(folder)},
        stdout=subprocess.DEVNULL,
        check=False,
    )
