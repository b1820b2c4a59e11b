"""The database's part in the worker's life: start, check, failed jobs, close."""

from __future__ import annotations

import structlog
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from ...config.redis import worker_connection
from ...config.settings import Settings
from ...engine import FailedJob
from ...engine.store import keys
from ...inspection.jobs import published
from . import failures, schema
from .errors import DatabaseError
from .housekeeping import Housekeeping
from .instances import Instances, close_instances, instances
from .postgresql import goes_through_pooler

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
    for name in schema.kept_instances():
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
    for name in schema.kept_instances():
        with shared.explained(name), shared.tool_connection(name) as connection:
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
        data = connection.hget(keys.JOB + job.job_id, "data")
    except RedisError:
        data = None
    finally:
        connection.close()
    if not isinstance(data, bytes):
        return job  # better without it than not at all
    path, payload = published(data)
    return job._replace(path=path, payload=payload)


def _prepare(shared: Instances, name: str) -> None:
    with shared.explained(name):
        if _upgrades(shared):
            for sentence in schema.upgrade(shared, name):
                log.info("database.upgraded", detail=sentence)
        ready, detail = schema.state(shared, name)
    if not ready:
        raise DatabaseError(f"database {name}: {detail}; run `db upgrade`")


def _upgrades(shared: Instances) -> bool:
    return shared.settings.database_auto_upgrade or shared.settings.is_demo
