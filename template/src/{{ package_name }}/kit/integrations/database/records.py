"""The job records: one row per job type and target, the last guard against doing work twice.

A row is inserted or changed first thing in the job's transaction, and says `done` when that
commits. Its lock makes a second worker wait; a job that finds its row done is skipped. Whatever
ends the transaction early (an error, a killed worker) takes the row's change with it.

A long job commits at its checkpoints, and its row stays `running` with the state. Each attempt has
a number there: whoever finds another one has been overtaken, and commits no more.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import uuid4

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Insert,
    Update,
    and_,
    bindparam,
    case,
    false,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.sql.dml import ReturningInsert

from ...engine import JobContext
from ...engine.job.payload import dump_payload
from .errors import DoneBeforeError, TakenOverError, UnfinishedError, is_conflict, is_lost
from .postgresql import begin_with
from .reduction import describe
from .tables import DONE, FAILED, RUNNING, insert_or_change, job_records
from .text import error_text, key_text, payload_text

# Made once: building a statement costs more than running it.
_COLUMNS = [c.name for c in job_records.c if c.name not in ("id", "checkpoint")]
_FOUND = [job_records.c[n] for n in ("id", "state", "attempts", "checkpoint", "job_id")]
_FIND = select(*_FOUND).where(
    job_records.c.job_type == bindparam("type"), job_records.c.target_id == bindparam("target")
)
_MINE = (job_records.c.id == bindparam("row")) & (job_records.c.attempts == bindparam("number"))
_FINISH = (
    update(job_records)
    .where(_MINE)
    .values(state=DONE, checkpoint=bindparam("kept"), error=None, finished_at=bindparam("now"))
)
_KEEP = (
    update(job_records)
    .where(_MINE)
    .values(state=RUNNING, checkpoint=bindparam("kept"), finished_at=bindparam("now"))
)
_HOLD = select(job_records.c.id).where(_MINE).with_for_update()
# All that a job needs that is the first of its target, which most are; the others ask `upsert`.
_INSERT = (
    "INSERT INTO worker_job_records (job_type, target_id, state, attempts, queue, job_id, payload,"
    " worker, created_at, started_at, finished_at)"
    " VALUES ({}, {}, 'done', 1, {}, {}, {}, {}, {}, {}, {})"
    " ON CONFLICT (job_type, target_id) DO NOTHING RETURNING id"
)
_RESTING = timedelta(minutes=1)  # without a checkpoint and a lock: its worker is gone
_DONE_FIRST = frozenset({"postgresql", "sqlite"})  # their upsert tells whether it changed the row
_AT_ONCE = 1.0  # seconds that a job may take and still have ended when it began, in its row
_ANY = 2**31 - 1  # attempts that a row may have counted
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
            "resting": now - _RESTING,
            "newest": _ANY,
        }


@dataclass(frozen=True, slots=True)
class Taken:
    """A record that an attempt holds.

    Args:
        row_id: Its row.
        number: The attempt's number there.
        state: What the last checkpoint kept, as JSON.
        done: Whether the row says `done` already, to whoever sees it after the commit.
        since: When it was taken, by the monotonic clock.
    """

    row_id: int
    number: int
    state: str | None
    done: bool
    since: float


def take(connection: Connection, record: JobRecord) -> Taken:
    """Insert the row or lock it, in the transaction of the job.

    Args:
        connection: A connection without a transaction; one is begun.
        record: The attempt.

    Raises:
        Duplicate: The target is done.
        UnfinishedError: Another job goes on with it.
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


def _take(connection: Connection, record: JobRecord) -> Taken:
    dialect, since = connection.dialect, time.monotonic()
    if dialect.name == "postgresql" and (row_id := _insert(connection, record)) is not None:
        return Taken(int(row_id), 1, None, True, since)
    done = dialect.name in _DONE_FIRST
    row, statement = record.row(DONE if done else RUNNING), upsert(dialect.name)
    found = None
    if dialect.insert_returning:
        found = connection.execute(_returning(statement), row).one_or_none()
    else:  # MySQL
        connection.execute(statement, row)
    if found is None:  # MySQL, or the row was left as it is
        key = {"type": record.job_type, "target": record.target_id}
        found = connection.execute(_FIND, key).one()
        done = False
    if found.state == DONE and not done:
        raise DoneBeforeError(found.checkpoint)
    if found.job_id != record.job_id:
        raise UnfinishedError
    return Taken(int(found.id), found.attempts, found.checkpoint, done, since)


def _insert(connection: Connection, record: JobRecord) -> str | None:
    """Insert the row in the same trip that begins the transaction; None if there is one already."""
    now = datetime.now(UTC).isoformat()
    texts = (record.job_type, record.target_id, record.queue, record.job_id)
    return begin_with(connection, _INSERT, (*texts, record.payload, record.worker, now, now, now))


def keep(connection: Connection, taken: Taken, state: str) -> Taken:
    """Write the state of a checkpoint, in the transaction of the job; the row says `running`.

    Raises:
        TakenOverError: The row is another attempt's by now.
    """
    _change(connection, _KEEP, taken, kept=state)
    return replace(taken, state=state, done=False)


def hold(connection: Connection, taken: Taken) -> None:
    """Lock the row for the next step, in a new transaction.

    Raises:
        TakenOverError: The row is another attempt's by now.
    """
    held = {"row": taken.row_id, "number": taken.number}
    if connection.execute(_HOLD, held).one_or_none() is None:
        raise TakenOverError


def finish(connection: Connection, taken: Taken, kept: str | None) -> None:
    """Mark the row done, in the transaction of the job, unless all that it needs was said before.

    Args:
        connection: The connection of the job's transaction.
        taken: The record that the attempt holds.
        kept: What the job publishes, for the case that its worker dies before it is published.

    Raises:
        TakenOverError: The row is another attempt's by now.
    """
    at_once = time.monotonic() - taken.since < _AT_ONCE
    if taken.done and taken.state is None and kept is None and at_once:
        return
    _change(connection, _FINISH, taken, kept=kept)


def forget_states(connection: Connection, queue: str, job_id: str) -> None:
    """Let a job begin anew when it is run again."""
    mine = (job_records.c.queue == queue) & (job_records.c.job_id == key_text(job_id))
    unfinished = job_records.c.state.in_((RUNNING, FAILED))
    connection.execute(update(job_records).where(mine, unfinished).values(checkpoint=None))


def has_state(connection: Connection, queue: str, job_id: str) -> bool:
    """Return whether a failed job would go on from a checkpoint."""
    mine = (job_records.c.queue == queue) & (job_records.c.job_id == key_text(job_id))
    failed = job_records.c.state == FAILED
    wanted = select(job_records.c.id).where(mine, failed, job_records.c.checkpoint.is_not(None))
    return connection.execute(wanted).first() is not None


def _change(connection: Connection, statement: Update, taken: Taken, **values: str | None) -> None:
    mine = {"row": taken.row_id, "number": taken.number, "now": datetime.now(UTC)}
    if connection.execute(statement, mine | values).rowcount != 1:
        raise TakenOverError


def record_failure(
    engine: Engine, record: JobRecord, error: BaseException, taken: Taken | None
) -> None:
    """Count a failed attempt, in a transaction of its own. A row that is done stays so.

    Args:
        engine: The database.
        record: The attempt.
        error: What it raised.
        taken: What it held; a row that another attempt has taken since stays as it is.

    Raises:
        sqlalchemy.exc.DBAPIError: It could not be written; another worker may hold the row.
    """
    described = error_text(f"{type(error).__name__}: {describe(error)}")
    with engine.connect() as connection:
        _wait_briefly(connection)
        try:
            row = record.row(FAILED, described)
            if taken is not None:
                row["newest"] = taken.number
            connection.execute(upsert(connection.dialect.name), row)
            connection.commit()
        finally:
            _wait_as_before(connection)


@cache
def upsert(dialect: str) -> Insert:
    """Insert a row, or change the one there is unless it is done or another's. Either locks it.

    A row that is running and committed belongs to the job that came to a checkpoint. Once it rests,
    without a lock and without another checkpoint, any job may go on with it.
    """
    new_names = [name for name in _COLUMNS if name not in ("job_type", "target_id", "created_at")]
    if dialect in ("mysql", "mariadb"):
        return _upsert_mysql(new_names)
    statement = insert_or_change(dialect, job_records)
    changes = {name: statement.excluded[name] for name in new_names}
    return statement.on_conflict_do_update(
        index_elements=[job_records.c.job_type, job_records.c.target_id],
        set_=changes | {"attempts": job_records.c.attempts + 1},
        where=~_left_alone(statement.excluded["job_id"]),
    )


def _upsert_mysql(new_names: list[str]) -> Insert:
    from sqlalchemy.dialects import mysql  # noqa: PLC0415 - see the tables

    statement = mysql.insert(job_records)
    stays = _left_alone(statement.inserted["job_id"])
    new: dict[str, ColumnElement[Any]] = {name: statement.inserted[name] for name in new_names}
    new["attempts"] = job_records.c.attempts + 1
    # Assignments see those before them, so what all of them ask for comes last, and in an order in
    # which each leaves the answer as it was.
    for name in ("job_id", "state", "finished_at", "attempts"):
        new[name] = new.pop(name)
    return statement.on_duplicate_key_update(
        [(name, case((stays, job_records.c[name]), else_=value)) for name, value in new.items()]
    )


def _left_alone(job_id: ColumnElement[str]) -> ColumnElement[bool]:
    column = job_records.c
    in_work = and_(
        column.state == RUNNING,
        column.job_id != job_id,
        column.finished_at >= bindparam("resting", type_=column.finished_at.type),
    )
    overtaken = column.attempts > bindparam("newest")
    return or_(column.state == DONE, overtaken, func.coalesce(in_work, false()))


@cache
def _returning(statement: Insert) -> ReturningInsert[Any]:
    return statement.returning(*_FOUND)


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
