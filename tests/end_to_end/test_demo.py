"""From the generator's command line to a worker that has run: `make demo`, as a user types it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def worker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository made by the installed command."""
    folder = tmp_path_factory.mktemp("end-to-end")
    command = [str(Path(sys.executable).parent / "gen-worker"), "payment", "--yes", "--no-git"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "worker-payment"


@pytest.fixture
def bare_machine(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment that offers Python, make and the system's tools, but no uv."""
    tools = tmp_path_factory.mktemp("tools")
    (tools / "python3").symlink_to(Path(sys.base_prefix) / "bin" / "python3")
    kept = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    return kept | {"PATH": f"{tools}:/usr/bin:/bin"}


def processes_in(folder: Path) -> list[str]:
    """The command lines of running processes that name a folder."""
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return [line for line in listing.stdout.splitlines() if str(folder) in line]


def test_one_command_shows_the_worker_at_work(worker: Path, bare_machine: dict[str, str]) -> None:
    """It makes an environment, which later commands find, and leaves no process; so does Ctrl-C."""
    the_demo_runs_to_its_end(worker, bare_machine)
    assert processes_in(worker) == []
    the_second_command_needs_no_set_up(worker, bare_machine)
    ctrl_c_ends_the_demo(worker, bare_machine)
    assert processes_in(worker) == []


def the_demo_runs_to_its_end(worker: Path, bare_machine: dict[str, str]) -> None:
    """Its own environment, its own server; one command."""
    done = subprocess.run(
        ["make", "demo"],
        cwd=worker,
        env=bare_machine,
        capture_output=True,
        text=True,
        check=False,
    )
    out = done.stdout
    assert done.returncode == 0, out + done.stderr
    assert "payment.approved" in out
    assert "8 jobs of 1 s ended in 2." in out
    assert "report-2026-01-01 queued" in out
    assert "report-2026-01-01 refused" in out
    assert out.count("job.retry") == 2
    assert "Kept with their tracebacks: charge-card, nonsense." in out
    assert "exit code 0; 2 jobs wait for the next one" in out


def ctrl_c_ends_the_demo(worker: Path, bare_machine: dict[str, str]) -> None:
    """A terminal sends the signal to every process of the foreground."""
    process = subprocess.Popen(
        ["make", "demo"],
        cwd=worker,
        env=bare_machine,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    with process, process.stdout as lines:
        assert any("jobId=task-1" in line for line in lines)
        os.killpg(process.pid, signal.SIGINT)
        rest = lines.read()
    assert process.returncode != 0
    assert "Traceback" not in rest


def the_second_command_needs_no_set_up(worker: Path, bare_machine: dict[str, str]) -> None:
    """The environment is made once."""
    began = time.monotonic()
    done = subprocess.run(
        ["make", "check"], cwd=worker, env=bare_machine, capture_output=True, text=True, check=False
    )
    assert "Setting up" not in done.stdout
    assert "ok   processors" in done.stdout
    assert time.monotonic() - began < 30
    assert shutil.which("uv", path=bare_machine["PATH"]) is None
