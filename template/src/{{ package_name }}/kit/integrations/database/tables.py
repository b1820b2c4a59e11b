"""The worker's own tables. Migrations make them; this is how the code sees them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.types import TypeEngine

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite


# What only one database has is imported for that one: each of them is a megabyte and more.


class UtcDateTime(TypeDecorator[datetime]):
    """A moment. Databases without time zones keep it in UTC, to the microsecond."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name in ("mysql", "mariadb"):
            from sqlalchemy.dialects import mysql  # noqa: PLC0415

            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None or dialect.name == "postgresql":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


class LongText(TypeDecorator[str]):
    """A text of any length: MySQL's own TEXT ends at 64 kB."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name in ("mysql", "mariadb"):
            from sqlalchemy.dialects import mysql  # noqa: PLC0415

            return dialect.type_descriptor(mysql.LONGTEXT())
        return dialect.type_descriptor(Text())


# SQLite counts rows by INTEGER only.
RowId = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData()

RUNNING, DONE, FAILED = "running", "done", "failed"
RETRIED, DISCARDED, SUCCEEDED = "retried", "discarded", "succeeded"

job_records = Table(
    "worker_job_records",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("job_type", String(255), nullable=False),
    Column("target_id", String(255), nullable=False),
    Column("state", String(16), nullable=False),  # done, failed, or running
    Column("attempts", Integer, nullable=False),
    Column("queue", String(64), nullable=False),
    Column("job_id", String(255), nullable=False),
    Column("payload", LongText),
    Column("checkpoint", LongText),  # the state of a long job
    Column("error", Text),
    Column("worker", String(255), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),  # of a running one: its last checkpoint
    UniqueConstraint("job_type", "target_id", name="uq_worker_job_records_target"),
)

failed_jobs = Table(
    "worker_failed_jobs",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("queue", String(64), nullable=False),
    Column("job_id", String(255), nullable=False),
    Column("job_type", String(255), nullable=False),
    Column("path", String(255), nullable=False),
    Column("state", String(16), nullable=False),  # failed, retried, discarded, succeeded
    Column("attempts", Integer, nullable=False),  # of the last delivery
    Column("failures", Integer, nullable=False),  # how often it failed for good
    Column("retries", Integer, nullable=False),  # how often somebody ran it again
    Column("payload", LongText),
    Column("error", Text),
    Column("traceback", LongText),
    Column("worker", String(255), nullable=False),
    Column("failed_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime),  # when somebody retried or discarded it
    Column("changed_by", String(255)),
    UniqueConstraint("queue", "job_id", name="uq_worker_failed_jobs_job"),
)


def insert_or_change(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Make the insert of PostgreSQL or SQLite that can change the row that is there."""
    if dialect == "sqlite":
        from sqlalchemy.dialects import sqlite  # noqa: PLC0415

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415

    return postgresql.insert(table)
