"""The relay: a thread beside the jobs that publishes what API servers have written down."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import structlog
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from ...config.redis import describe_error
from ...engine import OutageError, Publisher
from ..database.engines import make_engine
from ..database.instances import Instances
from ..database.reduction import describe
from .batch import refuse_unknown, relay
from .bell import Bell

log = structlog.get_logger(__name__)

_STATEMENT = 30_000  # milliseconds for one statement
_FIRST, _LONGEST = 0.5, 30.0  # seconds between tries
_REFUSE_EVERY = 30.0  # seconds
_FIRST_LOOK = 5.0  # seconds that the worker's start waits for
_END = 5.0  # seconds for the batch that is under way when the worker stops


class Relay:
    """Publishes rows of one outbox until it is closed. Any number of them share the work.

    Args:
        shared: The databases.
        instance: The one that holds the outbox.
        client: Of Redis; closed with the relay.
        queues: The queues whose rows are published.
        poll: Seconds between looks where the database does not tell of new rows.
    """

    def __init__(
        self, shared: Instances, instance: str, client: Redis, queues: Sequence[str], poll: float
    ) -> None:
        self._shared = shared
        self._instance = instance
        self._client = client
        self._publishers = [Publisher(client, queue) for queue in queues]
        self._bell = Bell(queues, poll)
        self._stop = threading.Event()
        self._looked = threading.Event()  # once everything, or in vain
        self._wait = _FIRST
        self._paused: float | None = None  # since when, after an error that was logged
        self._refuse_at = 0.0
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    def start(self) -> None:
        """Begin, and return when what waits already is published, or after a few seconds.

        So a worker that ends when its queue is empty finds the jobs there.
        """
        self._thread.start()
        self._looked.wait(_FIRST_LOOK)

    def close(self) -> None:
        """End after the batch that is under way, or leave it behind if a server hangs.

        Nothing is lost or doubled then: the rows stay, and Redis remembers what was published.
        """
        self._stop.set()
        self._bell.ring()
        self._thread.join(_END)
        if self._thread.is_alive():
            log.warning("outbox.left", detail="a server did not answer in time; the rows stay")
            return
        self._bell.close()
        self._client.close()

    def _run(self) -> None:
        engine = self._engine()
        while not self._stop.is_set():
            try:
                with engine.connect() as connection:
                    self._work(connection)
            except RedisError as error:
                self._pause(describe_error(error))
            except SQLAlchemyError as error:
                self._database_failed(error)
            except Exception as error:  # the jobs go on, whatever it is
                log.exception("outbox.error")
                self._pause(type(error).__name__)

    def _engine(self) -> Engine:
        """A connection of its own: jobs shall not wait for the relay, nor the relay for jobs."""
        config = self._shared.config(self._instance)
        return make_engine(config, pool_size=1, statement_timeout=_STATEMENT, pooled=False)

    def _work(self, connection: Connection) -> None:
        self._bell.listen(connection)
        while not self._stop.is_set():
            moved = [relay(connection, each) for each in self._publishers]
            self._resume()
            self._refuse_unknown(connection)
            if not any(each.may_have_more for each in moved):
                self._looked.set()
                self._bell.wait()

    def _refuse_unknown(self, connection: Connection) -> None:
        if time.monotonic() < self._refuse_at:
            return
        for each in self._publishers:
            refuse_unknown(connection, each)
        self._refuse_at = time.monotonic() + _REFUSE_EVERY

    def _database_failed(self, error: SQLAlchemyError) -> None:
        """Let the breaker of the instance log an outage and look for its end."""
        self._looked.set()
        meaning = self._shared.meaning(self._instance, error)
        if not isinstance(meaning, OutageError):
            self._pause(f"database {self._instance}: {describe(error)}")
            return
        breaker = self._shared.breaker(self._instance)
        while breaker.is_open and not self._stop.is_set():
            self._bell.pause(0.2)

    def _pause(self, reason: str) -> None:
        """Wait after an error: one line in the log, longer each time."""
        self._looked.set()
        if self._paused is None:
            self._paused = time.monotonic()
            log.warning("outbox.wait", error=reason, detail="the rows stay where they are")
        self._bell.pause(self._wait)
        self._wait = min(self._wait * 2, _LONGEST)

    def _resume(self) -> None:
        if self._paused is not None:
            log.info("outbox.resume", seconds=round(time.monotonic() - self._paused, 1))
        self._paused, self._wait = None, _FIRST
