"""The job records: one row per job type and target, the last guard against doing work twice.

A row is inserted or locked first thing in the job's transaction and marked done last thing in
the same one. The lock makes a second worker wait; a job that finds its row done is skipped.
Whatever ends the transaction early (an error, a killed worker) takes the row's change with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import uuid4

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Insert,
    bindparam,
    case,
    select,
    text,
    update,
)
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from ...engine import Duplicate, JobContext
from ...engine.job.payload import dump_payload
from .errors import is_conflict, is_lost
from .reduction import describe
from .tables import DONE, FAILED, RUNNING, job_records
from .text import error_text, key_text, payload_text

# Made once: building a statement costs more than running it.
_COLUMNS = [column.name for column in job_records.c if column.name != "id"]
_FIND = select(job_records.c.id, job_records.c.state).where(
    job_records.c.job_type == bindparam("type"), job_records.c.target_id == bindparam("target")
)
_FINISH = (
    update(job_records)
    .where(job_records.c.id == bindparam("row"))
    .values(state=DONE, error=None, finished_at=bindparam("now"))
)
_TAKES = 3  # one that collides or finds a dead connection is tried again: nothing is done yet


@dataclass(frozen=True, slots=True)
class JobRecord:
    """What is kept of an attempt.

    Args:
        job_type: With `target_id` the row's key.
        target_id: What the job works on.
        queue: Where the job came from.
        job_id: The job's id.
        payload: The payload as JSON.
        worker: Who runs it.
    """

    job_type: str
    target_id: str
    queue: str
    job_id: str
    payload: str
    worker: str

    @classmethod
    def of(cls, context: JobContext, worker: str) -> JobRecord:
        """Describe an attempt. A job without a target is its own target."""
        target = context.target
        if target is None:
            # A processor called directly has no job, so nothing it could repeat.
            target = context.job_id if context.queue else f"direct-{uuid4().hex}"
        return cls(
            job_type=key_text(context.job_type),
            target_id=key_text(target),
            queue=context.queue,
            job_id=key_text(context.job_id),
            payload=payload_text(dump_payload(context.payload)),
            worker=worker,
        )

    def row(self, state: str, error: str | None = None) -> dict[str, Any]:
        """The columns of an attempt that begins, or has failed."""
        now = datetime.now(UTC)
        return {
            "job_type": self.job_type,
            "target_id": self.target_id,
            "state": state,
            "attempts": 1,
            "queue": self.queue,
            "job_id": self.job_id,
            "payload": self.payload,
            "error": error,
            "worker": self.worker,
            "created_at": now,
            "started_at": now,
            "finished_at": None if state == RUNNING else now,
        }


def take(connection: Connection, record: JobRecord) -> int:
    """Insert the row or lock it, in the transaction of the job.

    Args:
        connection: A connection without a transaction; one is begun.
        record: The attempt.

    Returns:
        The row's id.

    Raises:
        Duplicate: The target is done.
        sqlalchemy.exc.DBAPIError: The database is away, or the lock was not free in time.
    """
    for left in reversed(range(_TAKES)):
        try:
            return _take(connection, record)
        except Exception as error:
            if not left or not (is_conflict(error) or is_lost(error)):
                raise
            connection.rollback()  # and connects anew where the connection was lost
    raise AssertionError("unreachable")


def _take(connection: Connection, record: JobRecord) -> int:
    dialect, row = connection.dialect, record.row(RUNNING)
    statement = upsert(dialect.name)
    if dialect.insert_returning:
        found = connection.execute(_returning(statement), row).one_or_none()
    else:  # MySQL
        connection.execute(statement, row)
        found = connection.execute(
            _FIND, {"type": record.job_type, "target": record.target_id}
        ).one()
    if found is None or found.state == DONE:
        raise Duplicate("the target is done already")
    return int(found.id)


def finish(connection: Connection, row_id: int) -> None:
    """Mark the row done, in the transaction of the job."""
    connection.execute(_FINISH, {"row": row_id, "now": datetime.now(UTC)})


def record_failure(engine: Engine, record: JobRecord, error: BaseException) -> None:
    """Count a failed attempt, in a transaction of its own. A row that is done stays so.

    Raises:
        sqlalchemy.exc.DBAPIError: It could not be written; another worker may hold the row.
    """
    described = error_text(f"{type(error).__name__}: {describe(error)}")
    with engine.connect() as connection:
        _wait_briefly(connection)
        try:
            connection.execute(upsert(connection.dialect.name), record.row(FAILED, described))
            connection.commit()
        finally:
            _wait_as_before(connection)


@cache
def upsert(dialect: str) -> Insert:
    """Insert a row, or change the one there is unless it is done. Either locks it."""
    new_names = [name for name in _COLUMNS if name not in ("job_type", "target_id", "created_at")]
    if dialect in ("mysql", "mariadb"):
        return _upsert_mysql(new_names)
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    statement = insert(job_records)
    changes = {name: statement.excluded[name] for name in new_names}
    return statement.on_conflict_do_update(
        index_elements=[job_records.c.job_type, job_records.c.target_id],
        set_=changes | {"attempts": job_records.c.attempts + 1},
        where=job_records.c.state != DONE,
    )


def _upsert_mysql(new_names: list[str]) -> Insert:
    statement = mysql.insert(job_records)
    is_done = job_records.c.state == DONE
    new: dict[str, ColumnElement[Any]] = {name: statement.inserted[name] for name in new_names}
    new["attempts"] = job_records.c.attempts + 1
    # Assignments see those before them, so the state, which all of them ask for, comes last.
    new["state"] = new.pop("state")
    return statement.on_duplicate_key_update(
        [(name, case((is_done, job_records.c[name]), else_=value)) for name, value in new.items()]
    )


@cache
def _returning(statement: Insert) -> ReturningInsert[Any]:
    return statement.returning(job_records.c.id, job_records.c.state)


def _wait_briefly(connection: Connection) -> None:
    """Another worker may hold the row by now, for as long as its job takes."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL lock_timeout = '1s'"))
    elif connection.dialect.name in ("mysql", "mariadb"):
        connection.execute(text("SET @before = @@innodb_lock_wait_timeout"))
        connection.execute(text("SET SESSION innodb_lock_wait_timeout = 1"))


def _wait_as_before(connection: Connection) -> None:
    if connection.dialect.name in ("mysql", "mariadb") and not connection.invalidated:
        connection.execute(text("SET SESSION innodb_lock_wait_timeout = @before"))
