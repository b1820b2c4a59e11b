"""A Sentry for each test, and a worker that reports to it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from sentry_server import SentryServer, serve

from program import Program, program
from support import PYTHONPATH

StartWorker = Callable[..., AbstractContextManager[Program]]


@pytest.fixture
def sentry() -> Iterator[SentryServer]:
    """The Sentry of this test."""
    made, server = serve()
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def worker(tmp_path: Path, redis_url: str, queue: str, sentry: SentryServer) -> StartWorker:
    """Start the real program with the tests' jobs; keywords are variables."""

    def start(*command: str, **variables: str) -> AbstractContextManager[Program]:
        paths = [PYTHONPATH, Path(__file__).parent]
        chosen = {"PYTHONPATH": os.pathsep.join(map(str, paths)), "SENTRY_DSN": sentry.dsn}
        options = chosen | variables
        return program(
            tmp_path, redis_url, queue, *command, jobs="sentry_jobs", modules=True, **options
        )

    return start
