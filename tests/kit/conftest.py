"""Fixtures of all tests: a real Redis-compatible server, and workers beside the test."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from uuid import uuid4
from weakref import WeakKeyDictionary

import pytest
import structlog
import trustme
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from structlog._config import BoundLoggerLazyProxy

from support import PYTHONPATH, RedisServer
from worker_payment.kit.engine import (
    FailedJob,
    Observer,
    Options,
    Publisher,
    ThreadWorker,
    observe,
)
from worker_payment.worker import worker as composition

TESTS = str(Path(__file__).parent)
_LOGGERS: WeakKeyDictionary[ModuleType, list[BoundLoggerLazyProxy]] = WeakKeyDictionary()


class OnFailed(Observer):
    """Hands every job that failed for good to a function."""

    def __init__(self, call: Callable[[FailedJob], object]) -> None:
        self._call = call

    def failed(self, job: FailedJob) -> None:
        self._call(job)


@pytest.fixture(scope="session")
def few_certificates(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file with one certificate: reading those of the machine takes 50 ms for each client."""
    path = tmp_path_factory.mktemp("certificates") / "one.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture(autouse=True)
def _no_test_leaves_the_machine(few_certificates: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """So none has to trust anybody whom the machine trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", few_certificates)


@pytest.fixture(autouse=True)
def _programs_find_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs that a test starts import the worker under test, and the jobs of these tests."""
    monkeypatch.setenv("PYTHONPATH", PYTHONPATH)


@pytest.fixture(autouse=True)
def _logging_stays_as_it_was() -> Iterator[None]:
    """What a test sets up of logging ends with it: a worker's command in this process does so.

    structlog's own default draws every local variable of a traceback: a second for one line, and
    minutes where one of them holds a megabyte.
    """
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()
    for logger in _loggers():
        vars(logger).pop("bind", None)  # what it met first


def _loggers() -> list[BoundLoggerLazyProxy]:
    """The loggers of the worker's modules that are loaded; each module is looked through once."""
    for name in [name for name in sys.modules if name.startswith("worker_payment.")]:
        if (module := sys.modules[name]) not in _LOGGERS:
            found = vars(module).values()
            _LOGGERS[module] = [each for each in found if isinstance(each, BoundLoggerLazyProxy)]
    return [each for found in _LOGGERS.values() for each in found]


@pytest.fixture(autouse=True)
def _nothing_of_a_test_runs_on() -> Iterator[None]:
    """Code of a test ends with the test: it would log, count and hold things up in a later one."""
    before = set(threading.enumerate())
    yield
    end = time.monotonic() + 5
    while left := _still_running(set(threading.enumerate()) - before):
        assert time.monotonic() < end, f"still running: {', '.join(left)}"
        time.sleep(0.01)


def _still_running(threads: set[threading.Thread]) -> list[str]:
    """Functions of tests that these threads are in; idle threads of a worker are in none."""
    frames = sys._current_frames()
    return [
        frame.f_code.co_qualname
        for thread in threads
        for frame, _ in traceback.walk_stack(frames.get(thread.ident or 0))
        if frame.f_code.co_filename.startswith(TESTS)
    ]


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server of the whole test session: `REDIS_URL` if it is set, else one of our own."""
    if "REDIS_URL" in os.environ:
        yield os.environ["REDIS_URL"]
        return
    server = RedisServer(tmp_path_factory.mktemp("redis")).start()
    yield server.url
    server.stop()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A server for one test, which may stop and start it. It keeps its data (AOF)."""
    server = RedisServer(tmp_path, "--appendonly", "yes", "--appendfsync", "always").start()
    yield server
    server.stop()


@pytest.fixture
def connection(redis_url: str) -> Iterator[Redis]:
    """A client as the worker's: it does not retry by itself."""
    client = Redis.from_url(redis_url, retry=Retry(NoBackoff(), 0), socket_timeout=5)
    yield client
    client.close()


@pytest.fixture
def queue() -> str:
    """A queue name of this test's own: tests run side by side on one server."""
    return f"test-{uuid4().hex[:12]}"


@pytest.fixture
def publisher(connection: Redis, queue: str) -> Publisher:
    """Publishes to the test's queue."""
    composition.load_processors()
    return Publisher(connection, queue)


@pytest.fixture
def start_worker(connection: Redis, queue: str) -> Iterator[Callable[..., ThreadWorker]]:
    """Start workers in threads of the test; they are drained when it ends."""
    started: list[tuple[ThreadWorker, threading.Thread]] = []
    watching: list[Callable[[], None]] = []

    def start(
        options: Options | None = None,
        *,
        client: Redis | None = None,
        failed: Callable[[FailedJob], object] | None = None,
        queues: Sequence[str] = (),
    ) -> ThreadWorker:
        if failed is not None:
            watching.append(observe(OnFailed(failed)))
        chosen = options or Options(concurrency=5)
        if chosen.promote_interval == Options.promote_interval:
            chosen = replace(chosen, promote_interval=0.05)
        worker = ThreadWorker(
            queues or [queue], client or connection, f"test-{uuid4().hex}", chosen
        )
        thread = threading.Thread(target=worker.run, daemon=True)
        thread.start()
        started.append((worker, thread))
        return worker

    yield start
    for end in watching:
        end()
    for worker, _ in started:
        worker.drain(now=True)
    for _, thread in started:
        thread.join(timeout=10)
        assert not thread.is_alive(), "a worker did not stop"
