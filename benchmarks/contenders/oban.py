"""Oban for Python: a queue in PostgreSQL, coroutines in one process. Jobs run at least once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from contenders.base import APPS, Contender, Home, python_home

_NEEDED = (3, 12)
_NEWEST = 20  # of Python 3, as far as this looks


def _install(cache: Path) -> Home | None:
    interpreter = sys.executable if sys.version_info >= _NEEDED else _other_python()
    if interpreter is None:
        return None
    return python_home(cache, "oban", "bench_rows_oban.py", ["oban>=0.7,<1"], interpreter)


def _other_python() -> str | None:
    for minor in range(_NEWEST, _NEEDED[1] - 1, -1):
        program = f"python3.{minor}"
        try:
            done = subprocess.run(
                [program, "-c", "import sys; print(sys.executable)"],
                check=True,
                capture_output=True,
                text=True,
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        return done.stdout.strip()
    return None


def _command(home: Home, _concurrency: int, _processes: int) -> list[str]:
    return [str(home.programs / "python"), str(APPS / "bench_rows_oban.py")]


WITH_ROWS = [
    Contender(
        key="oban",
        title="Oban for Python, unique key",
        install=_install,
        command=_command,
        rate=400,
    )
]
