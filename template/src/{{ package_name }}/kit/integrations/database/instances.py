"""The named databases of this process, each connected at its first use."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from ...breaker import Breaker, breakers
from ...config.settings import Settings
from ...engine import JobError, OutageError, processors
from ...lazy import Lazy
from . import MAIN
from .engines import address, make_engine
from .errors import (
    DatabaseError,
    LostConnectionError,
    is_lost,
    is_shutdown,
    is_unreachable,
    refusal,
    translate,
)
from .reduction import describe, reduce
from .settings import DatabaseSettings, InstanceConfig

log = structlog.get_logger(__name__)


class Instances:
    """One engine per named database.

    Args:
        settings: The database's settings.
        worker: The worker's settings: concurrency, name and queues.
    """

    def __init__(self, settings: DatabaseSettings, worker: Settings) -> None:
        self.settings = settings
        self.queues = worker.queues
        self.worker = f"{worker.worker_name}-{socket.gethostname()}-{os.getpid()}"
        self._concurrency = worker.worker_concurrency
        self._engines: dict[str, Engine] = {}
        self._breakers: dict[str, Breaker] = {}
        self._lock = threading.Lock()

    @property
    def main(self) -> Engine:
        """The default database, which also keeps the failed jobs."""
        return self.engine(MAIN)

    def engine(self, name: str) -> Engine:
        """The engine of an instance.

        Raises:
            DatabaseError: `DATABASE_CONFIG` has no instance of this name.
        """
        with self._lock:
            if name not in self._engines:
                config = self.config(name)
                if config.pool_size is not None and config.pool_size < self._concurrency:
                    log.warning(
                        "database.pool",
                        instance=name,
                        poolSize=config.pool_size,
                        concurrency=self._concurrency,
                        detail="jobs will wait for a connection",
                    )
                self._engines[name] = make_engine(
                    config,
                    pool_size=self._concurrency + 1,  # one for housekeeping
                    statement_timeout=_longest_job(),
                )
            return self._engines[name]

    def breaker(self, name: str) -> Breaker:
        """What keeps jobs away from an instance that does not answer."""
        with self._lock:
            if name not in self._breakers:
                self._breakers[name] = breakers.add(
                    Breaker(
                        f"database {name}",
                        self.settings.database_breaker,
                        probe=lambda: self.probe(name),
                        needed=lambda path: name in _instances_of(path),
                        essential=True,  # it keeps what every job did, and those that failed
                    )
                )
            return self._breakers[name]

    def probe(self, name: str) -> None:
        """Ask an instance whether it answers, on a new connection.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: It does not.
        """
        with self.tool_connection(name) as connection:
            connection.execute(text("SELECT 1"))

    def meaning(self, name: str, error: BaseException) -> BaseException:
        """Return the error that a job of an instance shall end with instead.

        Opens the instance's breaker when it is away. A connection that broke although the
        database is there costs an attempt: the job's own statement may have broken it.
        """
        reduce(error)
        if isinstance(error, JobError):
            return error  # it says already what it means
        cause: BaseException | None = error
        while cause is not None and not is_unreachable(cause):
            cause = cause.__cause__
        if cause is None:
            return translate(error)
        if is_lost(cause) and not is_shutdown(cause) and self._answers(name):
            return LostConnectionError()
        self.breaker(name).failed(f"{self.place(name)}: {describe(cause)}", certain=True)
        return self.breaker(name).error()

    def _answers(self, name: str) -> bool:
        try:
            self.probe(name)
        except SQLAlchemyError:
            return False
        return True

    @contextmanager
    def explained(self, name: str) -> Iterator[None]:
        """Turn errors of an instance into sentences that say where and why.

        Raises:
            OutageError: The instance does not answer.
            DatabaseError: It refuses this worker, or has not the tables that are needed.
        """
        try:
            yield
        except SQLAlchemyError as error:
            reduce(error)
            said = f"database {name} at {self.place(name)}: {describe(error)}"
            if is_unreachable(error):
                raise OutageError(said, of=f"database {name}") from error
            hint = "" if refusal(error) else "; `db check` compares its tables"
            raise DatabaseError(said + hint) from error

    def place(self, name: str) -> str:
        """Where an instance is, without user and password."""
        url = address(self.config(name))
        if self.config(name).dbms == "sqlite":
            return str(url.database)
        return f"{url.host}:{url.port}/{url.database}" if url.port else f"{url.host}/{url.database}"

    def config(self, name: str) -> InstanceConfig:
        """The settings of an instance.

        Raises:
            DatabaseError: There is none of this name.
        """
        try:
            return self.settings.database_config.instances[name]
        except KeyError:
            known = ", ".join(sorted(self.settings.database_config.instances))
            problem = f"DATABASE_CONFIG has no instance {name!r}; it has {known}"
            raise DatabaseError(problem) from None

    @contextmanager
    def tool_connection(self, name: str) -> Iterator[Connection]:
        """A connection beside the pool and without a limit for statements, for migrations."""
        config = self.config(name).model_copy(update={"statement_timeout": 0})
        engine = make_engine(config, pool_size=1, statement_timeout=0, pooled=False)
        with engine.connect() as connection:
            yield connection

    def dispose(self, *, close: bool = True) -> None:
        """Close every pool. In the child of a fork, forget them without closing."""
        for engine in self._engines.values():
            engine.dispose(close=close)
        for breaker in self._breakers.values():
            breaker.close()


def _instances_of(path: str) -> set[str]:
    """The instances that a processor's parameters name."""
    from .session import instances_of  # noqa: PLC0415 - it imports this module

    return {name for each in processors() if each.path == path for name in instances_of(each)}


def _longest_job() -> int:
    """Milliseconds after which no job can want an answer any more; 0 if one has no limit."""
    limits = [each.policy.timeout for each in processors()]
    if not limits or None in limits:
        return 0
    return 1000 * max(limit for limit in limits if limit is not None)


_shared: Lazy[Instances] = Lazy(
    lambda: Instances(DatabaseSettings(), Settings()), lambda instances: instances.dispose()
)
instances = _shared.get
close_instances = _shared.close


def _forget_in_child() -> None:
    for made in _shared._made:  # noqa: SLF001 - never make one just to forget it
        made.dispose(close=False)


os.register_at_fork(after_in_child=_forget_in_child)
