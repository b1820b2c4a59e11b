"""The outbox's table as the code sees it; `sql/` holds what makes it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    MetaData,
    String,
    Table,
    Text,
    func,
)
from sqlalchemy import literal_column as sql

from ..database.tables import RowId, UtcDateTime

CHANNEL = "worker_outbox"  # of PostgreSQL's NOTIFY
LONGEST = 1_000_000  # bytes of a payload
SMALL = 65_536  # bytes up to which a payload comes with its row

outbox = Table(
    "worker_outbox",
    MetaData(),
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("queue", String(64), nullable=False),
    Column("job_type", String(255), nullable=False),
    Column("payload", Text, nullable=False),
    Column("job_id", String(255)),
    Column("delay_ms", BigInteger, nullable=False, default=0),
    Column("at_front", Boolean, nullable=False, default=False),
    Column("order_key", String(255)),
    Column("traceparent", String(255)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("set_aside_at", UtcDateTime),
    Column("reason", Text),
)

_NOW = {
    "postgresql": "clock_timestamp()",
    "mysql": "UTC_TIMESTAMP(6)",
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f000', 'now')",
}
_AGE = {
    "postgresql": "EXTRACT(EPOCH FROM clock_timestamp() - created_at)::float8",
    "mysql": "TIMESTAMPDIFF(MICROSECOND, created_at, UTC_TIMESTAMP(6)) / 1e6",
    "sqlite": "(julianday('now') - julianday(created_at)) * 86400.0",
}


def kind(dialect: str) -> str:
    """The dialect whose SQL is used: MariaDB speaks MySQL's."""
    return "mysql" if dialect == "mariadb" else dialect


def now(dialect: str) -> ColumnElement[Any]:
    """The database's clock: replicas and API servers need not agree on the time."""
    return sql(_NOW[kind(dialect)])


def age(dialect: str) -> ColumnElement[Any]:
    """Seconds since a row was written."""
    return sql(_AGE[kind(dialect)])


def size(dialect: str) -> ColumnElement[int]:
    """Bytes of a row's payload."""
    return (
        func.length(outbox.c.payload)
        if dialect == "sqlite"
        else func.octet_length(outbox.c.payload)
    )
