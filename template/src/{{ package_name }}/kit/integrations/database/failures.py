"""Jobs that failed for good, in `MAIN`: recorded, found, and their state changed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Insert, Row, Select, func, select, update

from ...engine import FailedJob
from ...failed import FailedEntry, Wanted
from .tables import FAILED, failed_jobs, insert_or_change
from .text import error_text, key_text, payload_text, traceback_text

_PAGE = 500  # rows per look


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


def recorded(engine: Engine, queue: str, job_ids: Sequence[str]) -> dict[str, Any]:
    """Return when each of these jobs was last recorded as failed, and its state since."""
    column = failed_jobs.c
    wanted = select(column.job_id, column.failed_at, column.state).where(
        failed_jobs.c.queue == queue, failed_jobs.c.job_id.in_(key_text(each) for each in job_ids)
    )
    with engine.connect() as connection:
        return {row.job_id: row for row in connection.execute(wanted)}


def find(engine: Engine, queues: Sequence[str], wanted: Wanted) -> Iterator[FailedEntry]:
    """Yield the failed jobs that are meant, the oldest first."""
    last: Row[Any] | None = None
    while True:
        statement = _select(queues, wanted, after=last).limit(_PAGE)
        with engine.connect() as connection:
            rows = list(connection.execute(statement))
        yield from map(_entry, rows)
        if len(rows) < _PAGE:
            return
        last = rows[-1]


def count(engine: Engine, queues: Sequence[str]) -> int:
    """Count the jobs that are failed and not dealt with."""
    column = failed_jobs.c
    counted = select(func.count()).where(column.queue.in_(queues), column.state == FAILED)
    with engine.connect() as connection:
        return connection.scalar(counted) or 0


def newest(engine: Engine, queue: str, limit: int) -> list[Any]:
    """Return id, job id and moment of the jobs that failed last."""
    column = failed_jobs.c
    statement = (
        select(column.id, column.job_id, column.failed_at)
        .where(column.queue == queue, column.state == FAILED)
        .order_by(column.failed_at.desc())
        .limit(limit)
    )
    with engine.connect() as connection:
        return list(connection.execute(statement))


def draw_back(engine: Engine, row: Any, state: str) -> None:
    """Record what a tool of RQ has done with a job, unless it has failed again since."""
    column = failed_jobs.c
    with engine.begin() as connection:
        connection.execute(
            update(failed_jobs)
            .where(column.id == row.id, column.state == FAILED, column.failed_at == row.failed_at)
            .values(state=state, changed_by="rq", changed_at=datetime.now(UTC))
        )


def lock(connection: Connection, entry: FailedEntry) -> int | None:
    """Lock a job that is still failed; None when somebody else has dealt with it."""
    column = failed_jobs.c
    statement = select(column.id).where(
        column.queue == entry.queue,
        column.job_id == entry.job_id,
        column.state == FAILED,
    )
    return connection.execute(statement.with_for_update()).scalar_one_or_none()


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


def _select(queues: Sequence[str], wanted: Wanted, *, after: Row[Any] | None) -> Select[Any]:
    column = failed_jobs.c
    statement = select(failed_jobs).where(column.queue.in_(queues))
    if wanted.state is not None:
        statement = statement.where(column.state == wanted.state)
    if wanted.job_ids:
        # A long id is listed in its short form.
        either = [*wanted.job_ids, *(key_text(each) for each in wanted.job_ids)]
        statement = statement.where(column.job_id.in_(either))
    if wanted.job_type:
        statement = statement.where(column.job_type.icontains(wanted.job_type, autoescape=True))
    if wanted.error:
        statement = statement.where(column.error.icontains(wanted.error, autoescape=True))
    if wanted.since:
        statement = statement.where(column.failed_at >= wanted.since)
    if after is not None:
        later = column.failed_at > after.failed_at
        same = (column.failed_at == after.failed_at) & (column.id > after.id)
        statement = statement.where(later | same)
    return statement.order_by(column.failed_at, column.id)


def _entry(row: Row[Any]) -> FailedEntry:
    return FailedEntry(
        job_id=row.job_id,
        job_type=row.job_type,
        path=row.path,
        queue=row.queue,
        failed_at=row.failed_at,
        error=row.error or "",
        payload=json.loads(row.payload) if row.payload else None,
        traceback=row.traceback or "",
        attempts=row.attempts,
        worker=row.worker,
        more={
            "state": row.state,
            "failures": row.failures,
            "retries": row.retries,
            "changedAt": row.changed_at.isoformat() if row.changed_at else None,
            "changedBy": row.changed_by,
        },
    )


def _upsert(dialect: str, row: dict[str, Any]) -> Insert:
    kept = ("queue", "job_id", "retries", "failures")
    more = {"failures": failed_jobs.c.failures + 1}
    if dialect in ("mysql", "mariadb"):
        from sqlalchemy.dialects import mysql  # noqa: PLC0415

        statement = mysql.insert(failed_jobs).values(row)
        new = {name: statement.inserted[name] for name in row if name not in kept}
        return statement.on_duplicate_key_update(new | more)
    other = insert_or_change(dialect, failed_jobs).values(row)
    new = {name: other.excluded[name] for name in row if name not in kept}
    return other.on_conflict_do_update(
        index_elements=[failed_jobs.c.queue, failed_jobs.c.job_id], set_=new | more
    )
