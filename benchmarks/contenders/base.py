"""What a system must say about itself to take part."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

APPS = Path(__file__).resolve().parents[1] / "apps"


@dataclass(frozen=True, slots=True)
class Home:
    """Where a system is installed.

    Args:
        programs: Folder of its commands.
        publisher: Command line of its publishing side (see apps/bench_publish.py).
        version: Its version.
        environment: Variables that both sides need.
    """

    programs: Path
    publisher: list[str]
    version: str
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Contender:
    """One way of running one system.

    Args:
        key: Short name for the command line and the JSON.
        title: Name in the tables.
        install: Installs the system below a cache folder; None when this machine cannot run it.
        command: The worker's command line, from its home, concurrency and processes.
        rate: Rough no-op jobs per second; sizes the first round only.
        variables: Environment of the worker, from concurrency and processes.
        most: The highest concurrency at which it takes part.
        database: Its queue is in PostgreSQL, at `BENCH_DATABASE`.
        serial: It runs one job at a time, whatever the concurrency.
        scales: It has a setting for processes, and takes part in that case.
        delays: Its publishing side can ask for a delay, and takes part in the lateness case.
        publishes: It is another publisher of a system, and takes part in publishing alone.
        bulk: Its publishing side has a way of publishing many at once.
        again: Its job can fail and name the time of its next attempt (`again` of the publishing
            side), and it publishes jobs each minute when `BENCH_SCHEDULES` says how many.
        stats: The command that shows what waits, from its home; empty: it does not take part in
            the cases of many waiting.
        side: A variant of another entry: throughput of the no-op only.
        quick: Takes part in all cases of a quick run.
    """

    key: str
    title: str
    install: Callable[[Path], Home | None]
    command: Callable[[Home, int, int], list[str]]
    rate: float
    variables: Callable[[int, int], dict[str, str]] = lambda _concurrency, _processes: {}
    most: int = 1000
    database: bool = False
    serial: bool = False
    scales: bool = False
    delays: bool = False
    publishes: bool = False
    bulk: bool = False
    again: bool = False
    stats: Callable[[Home], list[str]] = lambda _home: []
    side: bool = False
    quick: bool = False

    def slots(self, concurrency: int) -> int:
        """How many jobs it runs at once when this concurrency is asked for."""
        return 1 if self.serial else concurrency


def python_home(
    cache: Path, name: str, app: str, requirements: list[str], interpreter: str = sys.executable
) -> Home:
    """Install packages into a virtual environment of their own.

    Args:
        cache: Folder for all environments.
        name: Name of this one, and of the package whose version is shown.
        app: File in apps/.
        requirements: What to install.
        interpreter: The Python that runs them.
    """
    programs = cache / name / "bin"
    python = str(programs / "python")
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if not (cache / name / "pyvenv.cfg").exists():
        maker = [uv, "venv", "-q", "--python", interpreter] if uv else [interpreter, "-m", "venv"]
        subprocess.run([*maker, str(cache / name)], check=True)
    pip = (
        [uv, "pip", "install", "-q", "--python", python]
        if uv
        else [python, "-m", "pip", "install", "-q"]
    )
    # Compiled, as pip leaves it and an image has it: else every start would compile.
    subprocess.run([*pip, *(["--compile-bytecode"] if uv else []), *requirements], check=True)
    code = f"import importlib.metadata as m; print(m.version({name!r}))"
    version = subprocess.run(
        [python, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    return Home(programs, [python, str(APPS / app)], version.strip(), {"PYTHONPATH": str(APPS)})


def installer(name: str, app: str, *requirements: str) -> Callable[[Path], Home]:
    """`python_home` with everything but the cache folder settled."""
    return partial(python_home, name=name, app=app, requirements=list(requirements))
