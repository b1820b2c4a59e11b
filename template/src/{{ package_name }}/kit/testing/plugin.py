"""The pytest plugin: `pytest_plugins = ["<package>.kit.testing.plugin"]` in `conftest.py`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from redis import Redis

from ..composition import composed
from ..engine import Publisher, publish_to
from ..jobs import default_publisher
from .server import RedisServer
from .worker import WorkerUnderTest


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run one server for all tests of a process."""
    server = RedisServer(tmp_path_factory.mktemp("redis")).start()
    yield server.url
    server.stop()


@pytest.fixture
def variables(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> Iterator[dict[str, str]]:
    """Give the worker settings of the test's own: `.env.example`, a queue, what modules need.

    The variables are also set for programs that the test starts; your `.env` plays no part.
    """
    worker = composed()
    folder = tmp_path / "worker"
    folder.mkdir()
    example = pytestconfig.rootpath / ".env.example"
    if example.exists():
        shutil.copy(example, folder / ".env")
    monkeypatch.chdir(folder)
    found = {
        "REDIS_URL": redis_url,
        "WORKER_QUEUE": f"test-{uuid4().hex[:12]}",
        "APP_NAME": f"test-{uuid4().hex[:12]}",  # what replicas share is named after it
        "WORKER_HEALTH_FILE": str(folder / "health"),
    }
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    worker.reset()
    for module in worker.modules:
        needed = module.prepare_test(folder)
        found |= needed
        for name, value in needed.items():
            monkeypatch.setenv(name, value)
    yield found
    worker.reset()


@pytest.fixture
def worker(variables: dict[str, str]) -> Iterator[WorkerUnderTest]:
    """Publish and run jobs on a queue of the test's own.

    What a processor publishes goes to that queue, too.
    """
    composed().load_processors()
    with Redis.from_url(variables["REDIS_URL"], socket_timeout=5) as connection:
        publisher = Publisher(connection, variables["WORKER_QUEUE"])
        publish_to(lambda: publisher)
        tested = WorkerUnderTest(publisher, variables["REDIS_URL"])
        yield tested
        tested.discard()
        publish_to(default_publisher)
