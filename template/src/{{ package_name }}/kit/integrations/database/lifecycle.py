"""The database's part in the worker's life: start, check, failed jobs, close."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import structlog
from redis.exceptions import RedisError
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from ...config.redis import worker_connection
from ...config.settings import Settings
from ...engine import FailedJob, OutageError
from . import failures, schema
from .errors import DatabaseError, is_unreachable
from .housekeeping import Housekeeping
from .instances import Instances, close_instances, instances
from .postgresql import goes_through_pooler
from .reduction import describe, reduce
from .sweep import published

log = structlog.get_logger(__name__)

_running: list[Housekeeping] = []


def start() -> None:
    """Bring the tables up to date, or make sure that they are, and begin the upkeep.

    Raises:
        OutageError: A database does not answer.
        DatabaseError: A database refuses this worker, or its tables are not what is needed.
    """
    shared = instances()
    if shared.settings.is_demo:
        log.warning(
            "database.sqlite",
            file=shared.config("MAIN").database,
            detail="DATABASE_CONFIG is not set: a file in this folder is the database",
        )
    for name in schema.used_instances():
        _prepare(shared, name)
    housekeeping = Housekeeping(shared, worker_connection(Settings()))
    housekeeping.start()
    _running.append(housekeeping)


def close() -> None:
    """End the upkeep and close every connection."""
    while _running:
        _running.pop().close()
    close_instances()


def check() -> str:
    """Reach every database that the processors use, and look at its tables.

    Raises:
        DatabaseError: Tables are missing or old, and nobody will bring them up to date.
    """
    shared = instances()
    found = []
    for name in schema.used_instances():
        with _explained(shared, name), shared.tool_connection(name) as connection:
            version = ".".join(str(part) for part in connection.dialect.server_version_info or ())
            connection.execute(text("SELECT 1"))
            pooler = goes_through_pooler(connection)
        ready, detail = schema.state(shared, name)
        if not ready and not _upgrades(shared):
            raise DatabaseError(f"{name}: {detail}; run `db upgrade`")
        server = f"{shared.config(name).dbms} {version} at {shared.place(name)}"
        later = "" if ready else " (brought up to date at start)"
        if pooler:
            server += " through a connection pooler (limits are set for each transaction)"
        found.append(f"{name} {server}: {detail}{later}")
    return "; ".join(found)


def on_failed(job: FailedJob) -> None:
    """Keep a job that failed for good. What fails here is made up for by the sweep."""
    try:
        failures.record(instances().main, _with_payload(job))
    except SQLAlchemyError as error:
        log.warning(
            "failed.deferred",
            jobId=job.job_id,
            error=type(error).__name__,
            detail="the job stays in Redis and is recorded when the database is back",
        )


def _with_payload(job: FailedJob) -> FailedJob:
    """A job that never became runnable comes without what its publisher sent: it is in Redis."""
    if job.payload is not None:
        return job
    connection = worker_connection(Settings())
    try:
        sent = Job.fetch(job.job_id, connection, serializer=JSONSerializer)
        path, payload = published(sent.data)
    except (NoSuchJobError, RedisError):
        return job  # better without it than not at all
    finally:
        connection.close()
    return replace(job, path=path, payload=payload)


def _prepare(shared: Instances, name: str) -> None:
    with _explained(shared, name):
        if _upgrades(shared):
            for sentence in schema.upgrade(shared, name):
                log.info("database.upgraded", detail=sentence)
        ready, detail = schema.state(shared, name)
    if not ready:
        raise DatabaseError(f"database {name}: {detail}; run `db upgrade`")


@contextmanager
def _explained(shared: Instances, name: str) -> Iterator[None]:
    """Turn errors of the database into sentences that say where and why."""
    try:
        yield
    except SQLAlchemyError as error:
        reduce(error)
        said = f"database {name} at {shared.place(name)}: {describe(error)}"
        if is_unreachable(error):
            raise OutageError(said, of=f"database {name}") from error
        raise DatabaseError(said) from error


def _upgrades(shared: Instances) -> bool:
    return shared.settings.database_auto_upgrade or shared.settings.is_demo
