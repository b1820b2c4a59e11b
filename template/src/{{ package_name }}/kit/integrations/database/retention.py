"""Old rows leave by themselves, a bounded number at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Engine, Table, delete, select

from .tables import DONE, FAILED, RUNNING, failed_jobs, job_records

_BATCH = 1_000  # rows per transaction: a long one would hold up the jobs
_BATCHES = 20


def clean_records(
    engine: Engine, queues: Sequence[str], *, done_days: int, failed_days: int
) -> int:
    """Delete job records that are older than they need be.

    Args:
        engine: The database.
        queues: Only rows of these queues: other workers may share the table.
        done_days: Days that a done row stays. After that its target could be done again.
        failed_days: Days that a row stays which was never done, counted from its last checkpoint.

    Returns:
        How many rows were deleted.
    """
    column = job_records.c
    return sum(
        _delete(engine, job_records, column.queue.in_(queues), column.state == state, *old)
        for state, days in ((DONE, done_days), (FAILED, failed_days), (RUNNING, failed_days))
        if (old := _older(column.finished_at, days))
    )


def clean_failed(engine: Engine, queues: Sequence[str], *, days: int) -> int:
    """Delete failed jobs of some queues after so many days, whatever became of them."""
    column = failed_jobs.c
    old = _older(column.failed_at, days)
    return _delete(engine, failed_jobs, column.queue.in_(queues), *old) if old else 0


def _older(column: ColumnElement[datetime], days: int) -> list[ColumnElement[bool]]:
    return [column < datetime.now(UTC) - timedelta(days=days)] if days else []


def _delete(engine: Engine, table: Table, *conditions: ColumnElement[bool]) -> int:
    deleted = 0
    for _ in range(_BATCHES):
        with engine.begin() as connection:
            # MySQL takes no LIMIT in a subquery, so the ids come here first.
            ids = connection.scalars(select(table.c.id).where(*conditions).limit(_BATCH)).all()
            if ids:
                connection.execute(delete(table).where(table.c.id.in_(ids)))
        deleted += len(ids)
        if len(ids) < _BATCH:
            break
    return deleted
