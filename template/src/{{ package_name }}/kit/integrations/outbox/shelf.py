"""Rows that were set aside: to be seen, published after all, or deleted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import ColumnElement, Connection, Delete, Update, delete, select, text, update

from ...config.settings import Settings
from ..database.commands import databases
from .settings import OutboxSettings
from .table import CHANNEL, outbox


def listed(limit: int) -> list[dict[str, Any]]:
    """The oldest rows, without their payloads."""
    with _connected() as (connection, queues):
        statement = select(outbox).where(*_wanted(queues, None)).order_by(outbox.c.id).limit(limit)
        return [
            {
                "id": row.id,
                "jobType": row.job_type,
                "jobId": row.job_id,
                "createdAt": row.created_at.isoformat(timespec="seconds"),
                "setAsideAt": row.set_aside_at.isoformat(timespec="seconds"),
                "reason": row.reason,
            }
            for row in connection.execute(statement)
        ]


def retry(rows: Sequence[int] | None) -> int:
    """Let rows be published, all of them when none is named. Returns how many there were."""
    return _change(rows, update(outbox).values(set_aside_at=None, reason=None), tell=True)


def discard(rows: Sequence[int] | None) -> int:
    """Delete rows, all of them when none is named. Returns how many there were."""
    return _change(rows, delete(outbox), tell=False)


def _change(rows: Sequence[int] | None, statement: Update | Delete, *, tell: bool) -> int:
    with _connected() as (connection, queues), connection.begin():
        count = connection.execute(statement.where(*_wanted(queues, rows))).rowcount
        if tell and connection.dialect.name == "postgresql":
            tell_relays = text(f"SELECT pg_notify('{CHANNEL}', :queue)")
            connection.execute(tell_relays, [{"queue": queue} for queue in queues])
        return count


def _wanted(queues: Sequence[str], rows: Sequence[int] | None) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [
        outbox.c.queue.in_(queues),
        outbox.c.set_aside_at.is_not(None),
    ]
    if rows is not None:
        wanted.append(outbox.c.id.in_(rows))
    return wanted


@contextmanager
def _connected() -> Iterator[tuple[Connection, Sequence[str]]]:
    with (
        databases() as shared,
        shared.tool_connection(OutboxSettings().outbox_instance) as connection,
    ):
        yield connection, Settings().queues
