"""The database's part in the worker's life: start, check, failed jobs, close."""

from __future__ import annotations

import time
from dataclasses import replace

import structlog
from redis.exceptions import RedisError
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy import make_url, text
from sqlalchemy.exc import SQLAlchemyError

from ...config.redis import worker_connection
from ...config.settings import Settings
from ...engine import FailedJob
from . import failures, schema
from .engines import address
from .errors import DatabaseError, is_unreachable
from .housekeeping import Housekeeping
from .instances import Instances, close_instances, instances
from .postgresql import goes_through_pooler
from .reduction import describe
from .sweep import published

log = structlog.get_logger(__name__)

_PATIENCE = 10.0  # seconds that a database is given to answer at start
_running: list[Housekeeping] = []


def start() -> None:
    """Bring the tables up to date, or make sure that they are, and begin the upkeep.

    Raises:
        DatabaseError: The database does not answer, or its tables are not what is needed.
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
        with shared.tool_connection(name) as connection:
            version = ".".join(str(part) for part in connection.dialect.server_version_info or ())
            connection.execute(text("SELECT 1"))
            pooler = goes_through_pooler(connection)
        ready, detail = schema.state(shared, name)
        if not ready and not _upgrades(shared):
            raise DatabaseError(f"{name}: {detail}; run `db upgrade`")
        server = f"{shared.config(name).dbms} {version} at {_place(shared, name)}"
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
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            if _upgrades(shared):
                for sentence in schema.upgrade(shared, name):
                    log.info("database.upgraded", detail=sentence)
            ready, detail = schema.state(shared, name)
        except SQLAlchemyError as error:
            if not is_unreachable(error) or time.monotonic() > end:
                raise DatabaseError(
                    f"database {name} at {_place(shared, name)}: {describe(error)}"
                ) from error
            log.warning("database.wait", instance=name, error=type(error).__name__)
            time.sleep(1)
        else:
            if not ready:
                raise DatabaseError(f"database {name}: {detail}; run `db upgrade`")
            return


def _upgrades(shared: Instances) -> bool:
    return shared.settings.database_auto_upgrade or shared.settings.is_demo


def _place(shared: Instances, name: str) -> str:
    url = make_url(address(shared.config(name)))
    if shared.config(name).dbms == "sqlite":
        return str(url.database)
    return f"{url.host}:{url.port}/{url.database}" if url.port else f"{url.host}/{url.database}"
