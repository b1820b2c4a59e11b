"""A thread beside the jobs: records failed jobs that are missing, deletes old rows."""

from __future__ import annotations

import threading
import time

import structlog
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from .instances import Instances
from .retention import clean_failed, clean_records
from .schema import used_instances
from .sweep import Sweep

log = structlog.get_logger(__name__)

_SWEEP_EVERY = 15.0  # seconds
_CLEAN_EVERY = 600.0
_SETTLED = 5.0


class Housekeeping:
    """Runs the database's upkeep until it is closed.

    Args:
        shared: The databases.
        connection: A Redis client of its own, closed with it.
    """

    def __init__(self, shared: Instances, connection: Redis) -> None:
        self._shared = shared
        self._connection = connection
        days = shared.settings.failed_retention_days
        self._sweeps = [Sweep(connection, each, keep_days=days) for each in shared.queues]
        self._clean_at = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Begin with a look at once."""
        self._thread.start()

    def close(self) -> None:
        """End after what is under way, or leave it behind if the database hangs."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        self._connection.close()

    def _run(self) -> None:
        trouble = False
        while not self._stop.is_set():
            try:
                for sweep in self._sweeps:
                    sweep.run(self._shared.main, settled=_SETTLED)
                self._clean()
                trouble = False
            except (SQLAlchemyError, RedisError) as error:
                if not trouble:  # once per outage
                    log.warning("database.housekeeping", error=type(error).__name__)
                trouble = True
            except Exception:
                log.exception("database.housekeeping")
            self._stop.wait(_SWEEP_EVERY)

    def _clean(self) -> None:
        if time.monotonic() < self._clean_at:
            return
        settings, queues = self._shared.settings, self._shared.queues
        deleted = clean_failed(self._shared.main, queues, days=settings.failed_retention_days)
        for name in used_instances():
            deleted += clean_records(
                self._shared.engine(name),
                queues,
                done_days=settings.record_retention_days,
                failed_days=settings.failed_retention_days,
            )
        if deleted:
            log.info("database.cleaned", rows=deleted)
        self._clean_at = time.monotonic() + _CLEAN_EVERY
