"""What `stats` and `check` show of the database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from ...config.settings import Settings
from .instances import instances
from .settings import SQLITE_FILE, DatabaseSettings
from .tables import DONE, FAILED, job_records


def counts() -> dict[str, int]:
    """Rows of this worker's queues. Each count is a range of an index and stays cheap.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: The database does not answer, or has no tables yet.
    """
    shared = instances()
    mine = job_records.c.queue.in_(shared.queues)
    hour = datetime.now(UTC) - timedelta(hours=1)
    recent = select(func.count()).where(
        mine, job_records.c.state == DONE, job_records.c.finished_at >= hour
    )
    failing = select(func.count()).where(mine, job_records.c.state == FAILED)
    with shared.main.connect() as connection:
        return {
            "done_last_hour": connection.scalar(recent) or 0,
            "failing_targets": connection.scalar(failing) or 0,
        }


def warnings() -> Iterator[str]:
    """Pools that make jobs wait, and a file where a database is meant."""
    concurrency, settings = Settings().worker_concurrency, DatabaseSettings()
    if settings.is_demo:
        yield (
            "DATABASE_CONFIG is not set: everything is kept in a file of this machine, "
            f"{SQLITE_FILE}, which no other replica sees; name the database there"
        )
    for name, config in settings.database_config.instances.items():
        if config.pool_size is None or config.pool_size > concurrency:
            continue
        size = f"{name}: poolSize {config.pool_size}"
        if config.pool_size < concurrency:
            yield (
                f"{size} is less than WORKER_CONCURRENCY {concurrency}: "
                "jobs will wait for a connection"
            )
        else:
            yield (
                f"{size} leaves no connection for a second transaction: jobs that open "
                "transaction() beside their Session would wait for each other until poolTimeout; "
                f"set it above WORKER_CONCURRENCY {concurrency}"
            )
