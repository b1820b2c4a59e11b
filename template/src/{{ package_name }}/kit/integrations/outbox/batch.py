"""One transaction of the relay: take rows, publish them, delete them.

Rows are published before their deletion commits. Where that commit fails or the worker dies, they
are read again, and a mark in Redis, made in one step with the job, tells that they were published.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import structlog
from sqlalchemy import Connection, Select, case, delete, select, text, update

from ...engine import Processor, Publisher, processors
from ..database.text import error_text
from .rows import ROLLOUT, Job, Row, UnfitError, job_of
from .table import LONGEST, SMALL, age, kind, now, outbox, size
from .trip import Trip

log = structlog.get_logger(__name__)

BATCH = 500  # rows
_LOCK = 1_869_967_971  # any number that nobody else uses for pg_advisory_lock


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of a batch: so many rows were read, published, and set aside."""

    read: int = 0
    published: int = 0
    set_aside: int = 0

    @property
    def may_have_more(self) -> bool:
        """Whether the batch was full, and the next one will be another one."""
        return self.read == BATCH and self.published + self.set_aside > 0


def relay(connection: Connection, publisher: Publisher) -> Moved:
    """Publish the rows that wait, as many as a batch has.

    Args:
        connection: To the outbox's database, without a transaction.
        publisher: Where they go.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: The database is away, or refuses.
        redis.exceptions.RedisError: Redis is away; the rows stay.
    """
    known = {each.name: each for each in processors()}
    if not known:
        return Moved()
    trip = Trip(publisher)
    refused: list[tuple[Row, str]] = []
    with _transaction(connection, publisher.queue) as in_order:
        rows = _take(connection, publisher.queue, known, in_order=in_order)
        for row in rows:
            try:
                job = _job(connection, row, known)
            except UnfitError as error:
                refused.append((row, str(error)))
            else:
                if job is not None:
                    trip.add(job)
        trip.end()
        _delete(connection, trip.published)
        for row, reason in refused:
            _set_aside(connection, row, reason)
    trip.forget_marks()
    return Moved(len(rows), len(trip.published), len(refused))


def refuse_unknown(connection: Connection, publisher: Publisher) -> int:
    """Set rows aside whose job type no worker has learnt in the time that a rollout takes.

    Returns:
        How many.
    """
    names = [each.name for each in processors()]
    dialect = connection.dialect.name
    old = age(dialect) > ROLLOUT
    statement = (
        update(outbox)
        .where(outbox.c.queue == publisher.queue, outbox.c.set_aside_at.is_(None))
        .where(outbox.c.job_type.not_in(names), old)
        .values(set_aside_at=now(dialect), reason="this worker knows no job of this type")
    )
    with connection.begin():
        count = connection.execute(statement).rowcount
    if count:
        log.warning("outbox.set_aside", rows=count, reason="unknown job type")
    return count


@contextmanager
def _transaction(connection: Connection, queue: str) -> Iterator[bool]:
    """One transaction.

    Yields:
        Whether rows with an `order_key` may be taken: one relay at a time does so, since two that
        skip each other's locked rows would publish a later row before an earlier one.
    """
    dialect = kind(connection.dialect.name)
    if dialect != "mysql":
        with connection.begin():
            lock = (_LOCK << 32) | zlib.crc32(queue.encode())
            take = text(f"SELECT pg_try_advisory_xact_lock({lock})")
            yield dialect == "sqlite" or bool(connection.scalar(take))
        return
    # Here the lock belongs to the connection, of all databases of the server.
    name = f"worker_outbox_{zlib.crc32(f'{connection.engine.url.database} {queue}'.encode())}"
    with connection.begin():
        mine = connection.scalar(text(f"SELECT GET_LOCK('{name}', 0)")) == 1
    try:
        with connection.begin():
            yield mine
    finally:
        if mine and not connection.invalidated:
            with connection.begin():
                connection.execute(text(f"SELECT RELEASE_LOCK('{name}')"))


def _take(
    connection: Connection, queue: str, known: dict[str, Any], *, in_order: bool
) -> list[Row]:
    """Lock the oldest rows that no other relay has, and read them."""
    dialect = connection.dialect.name
    length = size(dialect)
    columns = (outbox.c.job_type, outbox.c.job_id, outbox.c.at_front, outbox.c.traceparent)
    statement: Select[Any] = (
        select(
            outbox.c.id,
            *columns,
            outbox.c.delay_ms,
            outbox.c.created_at,
            age(dialect).label("age"),
            length.label("size"),
            case((length <= SMALL, outbox.c.payload)).label("payload"),
        )
        .where(outbox.c.queue == queue, outbox.c.set_aside_at.is_(None))
        .where(outbox.c.job_type.in_(sorted(known)))
        .order_by(outbox.c.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    if not in_order:
        statement = statement.where(outbox.c.order_key.is_(None))
    return [
        Row(
            id=each.id,
            job_type=each.job_type,
            payload=each.payload,
            size=each.size,
            job_id=each.job_id,
            delay=max(0.0, each.delay_ms / 1000 - float(each.age)) if each.delay_ms > 0 else 0.0,
            at_front=bool(each.at_front),
            traceparent=each.traceparent,
            created_at=each.created_at,
            age=float(each.age),
        )
        for each in connection.execute(statement)
    ]


def _job(connection: Connection, row: Row, known: dict[str, Processor[Any, Any]]) -> Job | None:
    processor = known.get(row.job_type)
    if processor is None:  # a collation took it for one that is known
        raise UnfitError("this worker knows no job of this type")
    if row.payload is None and row.size <= LONGEST:
        wanted = select(outbox.c.payload).where(outbox.c.id == row.id)
        row = replace(row, payload=connection.scalar(wanted))
    return job_of(row, processor)


def _delete(connection: Connection, ids: list[int]) -> None:
    if ids:
        connection.execute(delete(outbox).where(outbox.c.id.in_(ids)))


def _set_aside(connection: Connection, row: Row, reason: str) -> None:
    reason = error_text(reason)
    values = {"set_aside_at": now(connection.dialect.name), "reason": reason}
    connection.execute(update(outbox).where(outbox.c.id == row.id).values(values))
    log.warning("outbox.set_aside", row=row.id, jobType=row.job_type, reason=reason)
