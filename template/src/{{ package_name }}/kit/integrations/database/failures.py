"""Jobs that failed for good, in `MAIN`: recorded, found, and their state changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Insert, Row, Select, select, update
from sqlalchemy.dialects import mysql, postgresql, sqlite

from ...engine import FailedJob
from .tables import FAILED, failed_jobs
from .text import error_text, key_text, payload_text, traceback_text


@dataclass(frozen=True, slots=True)
class Filter:
    """Which failed jobs are meant.

    Args:
        queue: The queue they came from.
        job_ids: These jobs; all when empty.
        job_type: A part of the job's name.
        since: Failed at or after this moment.
        error: A part of the error's text.
        state: failed, retried, discarded or succeeded; any when None.
        limit: At most so many, the oldest first.
    """

    queue: str
    job_ids: tuple[str, ...] = ()
    job_type: str | None = None
    since: datetime | None = None
    error: str | None = None
    state: str | None = FAILED
    limit: int = 100


def record(engine: Engine, job: FailedJob, *, failed_at: datetime | None = None) -> None:
    """Keep a failed job. One that failed before under the same id is updated.

    Args:
        engine: The database.
        job: The job.
        failed_at: When it failed; by default now.

    Raises:
        sqlalchemy.exc.DBAPIError: It could not be written.
    """
    row: dict[str, Any] = {
        "queue": job.queue,
        "job_id": key_text(job.job_id),
        "job_type": key_text(job.job_type),
        "path": key_text(job.path),
        "state": FAILED,
        "attempts": job.attempts,
        "failures": 1,
        "retries": 0,
        "payload": payload_text(job.payload),
        "error": error_text(job.error),
        "traceback": traceback_text(job.traceback),
        "worker": key_text(job.worker),
        "failed_at": failed_at or datetime.now(UTC),
    }
    with engine.begin() as connection:
        connection.execute(_upsert(connection.dialect.name, row))


def recorded(engine: Engine, queue: str, job_ids: Sequence[str]) -> dict[str, datetime]:
    """When each of these jobs was last recorded as failed."""
    wanted = select(failed_jobs.c.job_id, failed_jobs.c.failed_at).where(
        failed_jobs.c.queue == queue, failed_jobs.c.job_id.in_(key_text(each) for each in job_ids)
    )
    with engine.connect() as connection:
        return {row.job_id: row.failed_at for row in connection.execute(wanted)}


def find(engine: Engine, wanted: Filter) -> list[Row[Any]]:
    """The failed jobs that are meant, the oldest first."""
    with engine.connect() as connection:
        return list(connection.execute(_select(wanted)))


def lock(connection: Connection, row_id: int) -> Row[Any] | None:
    """Lock a job that is still failed; None when somebody else has dealt with it."""
    statement = select(failed_jobs).where(failed_jobs.c.id == row_id, failed_jobs.c.state == FAILED)
    return connection.execute(statement.with_for_update()).one_or_none()


def change(connection: Connection, row_id: int, state: str, who: str, *, retried: bool) -> None:
    """Record what was done with a job, by whom and when."""
    connection.execute(
        update(failed_jobs)
        .where(failed_jobs.c.id == row_id)
        .values(
            state=state,
            changed_by=key_text(who),
            changed_at=datetime.now(UTC),
            retries=failed_jobs.c.retries + int(retried),
        )
    )


def payload_of(row: Row[Any]) -> Any:
    """The payload as it was published."""
    return json.loads(row.payload) if row.payload else None


def _select(wanted: Filter) -> Select[Any]:
    column = failed_jobs.c
    statement = select(failed_jobs).where(column.queue == wanted.queue)
    if wanted.state is not None:
        statement = statement.where(column.state == wanted.state)
    if wanted.job_ids:
        statement = statement.where(column.job_id.in_(key_text(each) for each in wanted.job_ids))
    if wanted.job_type:
        statement = statement.where(column.job_type.icontains(wanted.job_type, autoescape=True))
    if wanted.error:
        statement = statement.where(column.error.icontains(wanted.error, autoescape=True))
    if wanted.since:
        statement = statement.where(column.failed_at >= wanted.since)
    return statement.order_by(column.failed_at, column.id).limit(wanted.limit)


def _upsert(dialect: str, row: dict[str, Any]) -> Insert:
    kept = ("queue", "job_id", "retries", "failures")
    more = {"failures": failed_jobs.c.failures + 1}
    if dialect in ("mysql", "mariadb"):
        statement = mysql.insert(failed_jobs).values(row)
        new = {name: statement.inserted[name] for name in row if name not in kept}
        return statement.on_duplicate_key_update(new | more)
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    other = insert(failed_jobs).values(row)
    new = {name: other.excluded[name] for name in row if name not in kept}
    return other.on_conflict_do_update(
        index_elements=[failed_jobs.c.queue, failed_jobs.c.job_id], set_=new | more
    )
