"""Run the worker: from the first connection to the last one closed."""

from __future__ import annotations

import gc
import logging
import os
import socket
import sys
import threading
from functools import partial
from uuid import uuid4

import structlog
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from ..breaker import breakers
from ..composition import composed
from ..config import Settings
from ..config.redis import is_permanent, publisher, worker_connection
from ..config.topology import refuse_cluster
from ..engine import Options, ThreadWorker, observe, overdue, processors
from ..module import Module
from ..scheduling import Ticker, schedules
from .exit_codes import ExitCode
from .health import BLOCKED, Heartbeat, health_file
from .processes import obey_supervisor
from .shutdown import on_signals
from .startup import wait_for, wait_for_redis

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
        redis.exceptions.RedisError: Redis refuses the worker, and waiting does not cure it.
    """
    modules = composed().modules
    for module in modules:
        module.prepare()
        observe(module)
    composed().load_processors()
    run = _Run(settings)
    ticker = Ticker(publisher(settings), schedules())
    with on_signals(run.drain):
        obey_supervisor(run.drain)
        try:
            if not burst:
                ticker.start()
            leftover = run.work(burst=burst, max_jobs=max_jobs)
        finally:
            ticker.close()
            for module in modules:
                _close(module)
            run.heartbeat.remove()
    log.info("worker.stop", givenBack=leftover - run.stuck)
    if run.stuck:
        leave(leftover, ExitCode.STUCK)
    return leftover


def leave(leftover: int, code: ExitCode = ExitCode.OK) -> None:
    """End the process, also when threads still run what nobody waits for.

    Those are jobs that were given back, and calls that a coroutine has left behind in the event
    loop's threads (`asyncio.to_thread`): the interpreter would wait for them to the end.
    """
    if leftover or any(map(_holds_up_the_exit, threading.enumerate())):
        logging.shutdown()
        sys.stderr.flush()
        os._exit(code)  # threads cannot be ended; their jobs run again elsewhere


def _holds_up_the_exit(thread: threading.Thread) -> bool:
    if thread is threading.main_thread():
        return False
    return not thread.daemon or thread.name.startswith("asyncio_")


class _Run:
    """One run of the process: waits for Redis, works, and can be told to drain.

    Args:
        settings: The checked settings.
    """

    def __init__(self, settings: Settings) -> None:
        self.heartbeat = Heartbeat(
            health_file(settings),
            settings.worker_concurrency,
            lambda: overdue(BLOCKED),
            breakers,
        )
        self._settings = settings
        self._stop = threading.Event()
        self._worker: ThreadWorker | None = None
        self.stuck = 0  # jobs that went on long after their timeout

    def drain(self, now: bool) -> None:
        """Stop taking jobs. Called in another thread.

        Args:
            now: Give back at once what still runs.
        """
        if self._stop.is_set() and not now:
            return  # asked for by a signal and by the supervisor
        log.info("worker.drain", atOnce=now, timeout=self._settings.worker_shutdown_timeout)
        self._stop.set()
        if self._worker is not None:
            self._worker.drain(now=now)

    def work(self, *, burst: bool, max_jobs: int | None) -> int:
        """Take jobs until told to stop. Returns how many were given back."""
        connection = worker_connection(self._settings)
        started = False
        while wait_for_redis(connection, self._stop, partial(self.heartbeat.beat, False)):
            refuse_cluster(connection)
            if not started:
                if not all(map(self._start, composed().modules)):
                    return 0
                started = True
            try:
                self._worker = worker = self._make_worker(connection)
                if self._stop.is_set():  # the signal came while the worker was made
                    worker.drain()
                # What the start has made stays: a look for garbage in it holds up all jobs.
                gc.freeze()
                leftover = worker.run(burst=burst, max_jobs=max_jobs)
                self.stuck = worker.hopeless
                return leftover
            except (RedisConnectionError, RedisTimeoutError) as error:
                if is_permanent(error):
                    raise
                # It went away again while the worker signed on; no job was taken.
                log.warning("redis.lost", error=type(error).__name__)
        return 0

    def _start(self, module: Module) -> bool:
        """Start a module, as soon as what it needs is there. False when told to stop instead."""
        beat = partial(self.heartbeat.beat, True)
        return wait_for(module.start, self._stop, beat, event="module.wait", module=module.name)

    def _make_worker(self, connection: Redis) -> ThreadWorker:
        settings = self._settings
        worker = ThreadWorker(
            settings.queues,
            connection,
            _unique_name(settings),
            _options(settings, self.heartbeat),
        )
        log.info(
            "worker.start",
            worker=worker.name,
            queue=",".join(settings.queues),
            concurrency=settings.worker_concurrency,
            jobs=[each.name for each in processors()],
        )
        return worker


def _options(settings: Settings, heartbeat: Heartbeat) -> Options:
    return Options(
        concurrency=settings.worker_concurrency,
        shutdown_timeout=settings.worker_shutdown_timeout,
        lease=settings.worker_lease,
        delivery_limit=settings.worker_delivery_limit,
        gate=breakers,
        beat=heartbeat.beat,
    )


def _unique_name(settings: Settings) -> str:
    """RQ wants a name of its own for every process."""
    return f"{settings.process_name}-{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:6]}"


def _close(module: Module) -> None:
    try:
        module.close()
    except Exception:
        log.exception("module.close", module=module.name)
