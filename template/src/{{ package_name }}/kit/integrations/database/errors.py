"""What the database's errors mean for a job, and for the worker."""

from __future__ import annotations

import random
import re

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ...engine import Duplicate, JobError, Snooze, TemporaryError
from ...module import UnusableError
from .reduction import describe, mysql_code

_CONFLICT_STATES = {"40001", "40P01"}  # PostgreSQL: serialization failure, deadlock
_CONFLICT_CODES = {1213, 1020}  # MySQL, MariaDB: deadlock, record has changed
_BUSY_STATES = {"55P03"}  # lock not available in time
_BUSY_CODES = {1205, 3572}
# The server ends connections, starts, or has no more of them: shutdown, crash, 53300.
_AWAY_STATES = {"57P01", "57P02", "57P03", "53300"}
_AWAY_CODES = {1040, 1053, 1203, 1927, 2002, 2003, 2006, 2013, 2055}
_SHUTDOWN_CODES = {1040, 1053, 1203, 1927}
# Access, existence, permission: waiting is no cure. PostgreSQL 28xxx, 3Dxxx, 3Fxxx, 42501.
_REFUSAL_STATES = ("28", "3D", "3F", "42501")
_REFUSAL_CODES = {1044, 1045, 1049, 1130, 1142, 1143, 1227, 1698}
_REFUSAL_RESULTS = ("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_NOTADB")
# While it connects, libpq passes on the server's text without its sqlstate.
_REFUSAL_TEXTS = re.compile(
    r"authentication failed|no password supplied|no pg_hba\.conf entry|permission denied"
    r'|(?:role|database) "[^"]*" does not exist|is not permitted to log in'
    r"|certificate verify failed|does not support SSL|root certificate file|no such user"
)


class DatabaseError(UnusableError):
    """The database cannot be used as it is, and waiting is no cure."""


class ConflictError(TemporaryError):
    """Two transactions were in each other's way (deadlock, serialization). Try again soon."""

    def __init__(self) -> None:
        wait = random.uniform(0.1, 1.0)  # noqa: S311 - keeps two jobs from meeting again
        super().__init__("the transaction collided with another one", retry_after=wait)


class BusyError(TemporaryError):
    """A lock was not free in time: most often the same target is being worked on elsewhere."""

    def __init__(self) -> None:
        super().__init__("a row or table was locked by another transaction for too long")


class DoneBeforeError(Duplicate):
    """The job's target is done already.

    Args:
        kept: What its record keeps of the job that did it.
    """

    def __init__(self, kept: str | None) -> None:
        super().__init__("the target is done already")
        self.kept = kept


class UnfinishedError(Snooze):
    """Another job on the same target has come to a checkpoint and goes on from it."""

    def __init__(self) -> None:
        super().__init__(15.0, at_most=5_000)


class TakenOverError(TemporaryError):
    """Another worker has gone on with the target: what was written since the last checkpoint is gone."""

    def __init__(self) -> None:
        super().__init__("another worker has gone on with this target", retry_after=1.0)


class PoolExhaustedError(TemporaryError):
    """No connection of the pool was free in time."""

    def __init__(self) -> None:
        super().__init__(
            "no connection of the pool was free within poolTimeout: a job that opens"
            " transaction() beside its Session needs two, so set poolSize in DATABASE_CONFIG"
            " above WORKER_CONCURRENCY"
        )


class LostConnectionError(TemporaryError):
    """The connection broke in the middle of the job, and the database was there."""

    def __init__(self) -> None:
        super().__init__("the connection to the database was lost in the middle of the job")


class TransactionEndedError(JobError):
    """The processor ended the transaction that was to hold its record."""

    def __init__(self) -> None:
        super().__init__(
            "the processor rolled back the job's transaction; raise an error instead, or use"
            " session.begin_nested() for a part that may fail"
        )


def is_conflict(error: BaseException) -> bool:
    """Whether the database broke the transaction because of another one."""
    return _state(error) in _CONFLICT_STATES or _code(error) in _CONFLICT_CODES


def is_busy(error: BaseException) -> bool:
    """Whether a lock was not free in time."""
    if _state(error) in _BUSY_STATES or _code(error) in _BUSY_CODES:
        return True
    return _result(error).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def is_lost(error: BaseException) -> bool:
    """Whether a connection that worked before is dead."""
    return isinstance(error, DBAPIError) and error.connection_invalidated


def is_shutdown(error: BaseException) -> bool:
    """Whether the server itself said that it ends this connection or cannot take one now."""
    return _state(error) in _AWAY_STATES or _code(error) in _SHUTDOWN_CODES


def is_unreachable(error: BaseException) -> bool:
    """Whether the database is away, or was when this connection was lost."""
    if not isinstance(error, DBAPIError) or refusal(error):
        return False
    if error.connection_invalidated or _state(error) in _AWAY_STATES or _code(error) in _AWAY_CODES:
        return True
    # psycopg's own errors of a connection have no state; they may come from any statement.
    unknown = _state(error) is None and _code(error) is None and not _result(error)
    attempt = isinstance(error, InterfaceError) and error.statement is None
    return unknown and (isinstance(error, OperationalError) or attempt)


def refusal(error: BaseException) -> str | None:
    """Why the database refuses this worker; None where that is not what the error says."""
    if not isinstance(error, DBAPIError) or error.orig is None:
        return None
    state, text = _state(error), describe(error)
    refused = (
        (state or "").startswith(_REFUSAL_STATES)
        or _code(error) in _REFUSAL_CODES
        or _result(error).startswith(_REFUSAL_RESULTS)
        or (state is None and not error.connection_invalidated and _REFUSAL_TEXTS.search(text))
    )
    return text if refused else None


def translate(error: BaseException) -> BaseException:
    """The error that a job shall raise instead; the same one where it says enough."""
    if is_conflict(error):
        return ConflictError()
    if is_busy(error):
        return BusyError()
    if isinstance(error, PoolTimeoutError):
        return PoolExhaustedError()
    return error


def _state(error: BaseException) -> str | None:
    return getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None


def _code(error: BaseException) -> int | None:
    if not isinstance(error, DBAPIError) or error.orig is None:
        return None
    return mysql_code(error.orig)


def _result(error: BaseException) -> str:
    original = error.orig if isinstance(error, DBAPIError) else None
    return str(getattr(original, "sqlite_errorname", None) or "")
