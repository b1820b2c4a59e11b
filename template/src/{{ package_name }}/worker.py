"""Composes the worker: settings, queue, processors, integrations."""

from __future__ import annotations

import os
import socket
import sys
import threading
from uuid import uuid4

import structlog

from . import processors as _processors
from .bootstrap.health import Heartbeat, health_file
from .bootstrap.shutdown import on_signals
from .bootstrap.startup import wait_for_redis
from .config import Settings
from .config.redis import worker_connection
from .engine import Options, ThreadWorker, processors
from .integrations import chosen_modules

log = structlog.get_logger(__name__)


def run_worker(settings: Settings, *, burst: bool = False, max_jobs: int | None = None) -> int:
    """Run the worker until it is told to stop.

    Args:
        settings: The checked settings.
        burst: Stop when the queue is empty.
        max_jobs: Stop after this many jobs.

    Returns:
        How many jobs had to be given back because they did not end in time.

    Raises:
        redis.exceptions.AuthenticationError: Redis refuses the password.
    """
    _processors.load()
    stop = threading.Event()
    heartbeat = Heartbeat(health_file(settings))
    worker: ThreadWorker | None = None

    def drain(now: bool) -> None:
        stop.set()
        log.info("worker.drain", atOnce=now, timeout=settings.worker_shutdown_timeout)
        if worker is not None:
            worker.drain(now=now)

    with on_signals(drain):
        connection = worker_connection(settings)
        if not wait_for_redis(connection, stop):
            log.info("worker.stop", reason="stopped while waiting for Redis")
            return 0
        for module in chosen_modules():
            module.start()
        worker = ThreadWorker(
            [settings.worker_queue], connection, _unique_name(settings), _options(settings, heartbeat)
        )
        if stop.is_set():  # the signal came while the worker was made
            worker.drain()
        log.info(
            "worker.start",
            worker=worker.name,
            queue=settings.worker_queue,
            concurrency=settings.worker_concurrency,
            jobs=[each.name for each in processors()],
        )
        try:
            leftover = worker.run(burst=burst, max_jobs=max_jobs)
        finally:
            for module in chosen_modules():
                _close(module.name, module.close)
            heartbeat.remove()
        log.info("worker.stop", worker=worker.name, givenBack=leftover)
        return leftover


def leave(leftover: int) -> None:
    """End the process, also when threads still run jobs that were given back."""
    if leftover:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)  # threads cannot be ended; their jobs run again elsewhere


def _options(settings: Settings, heartbeat: Heartbeat) -> Options:
    return Options(
        concurrency=settings.worker_concurrency,
        shutdown_timeout=settings.worker_shutdown_timeout,
        lease=settings.worker_lease,
        delivery_limit=settings.worker_delivery_limit,
        failure_hooks=[each.on_failed for each in chosen_modules() if each.on_failed is not None],
        beat=heartbeat.beat,
    )


def _unique_name(settings: Settings) -> str:
    """RQ wants a name of its own for every process."""
    return f"{settings.worker_name}-{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:6]}"


def _close(name: str, close: object) -> None:
    try:
        close()  # type: ignore[operator]
    except Exception:
        log.exception("module.close", module=name)
