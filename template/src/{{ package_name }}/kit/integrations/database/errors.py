"""What the database's errors mean for a job."""

from __future__ import annotations

import random

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ...engine import JobError, TemporaryError

_CONFLICT_STATES = {"40001", "40P01"}  # PostgreSQL: serialization failure, deadlock
_CONFLICT_CODES = {1213, 1020}  # MySQL, MariaDB: deadlock, record has changed
_BUSY_STATES = {"55P03"}  # lock not available in time
_BUSY_CODES = {1205, 3572}


class DatabaseError(JobError):
    """The database cannot be used as it is: unreachable, or its tables are not right."""


class ConflictError(TemporaryError):
    """Two transactions were in each other's way (deadlock, serialization). Try again soon."""

    def __init__(self) -> None:
        wait = random.uniform(0.1, 1.0)  # noqa: S311 - keeps two jobs from meeting again
        super().__init__("the transaction collided with another one", retry_after=wait)


class BusyError(TemporaryError):
    """A lock was not free in time: most often the same target is being worked on elsewhere."""

    def __init__(self) -> None:
        super().__init__("a row or table was locked by another transaction for too long")


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
    """Whether a lock was not to be had in time."""
    if _state(error) in _BUSY_STATES or _code(error) in _BUSY_CODES:
        return True
    return isinstance(error, OperationalError) and "database is locked" in str(error.orig)


def is_unreachable(error: BaseException) -> bool:
    """Whether the database is away: nothing can be written to it now."""
    if isinstance(error, PoolTimeoutError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    # A failed connection attempt has neither a state nor a statement.
    return isinstance(error, OperationalError | InterfaceError) and error.statement is None


def translate(error: BaseException) -> BaseException:
    """The error that a job shall raise instead; the same one where it says enough."""
    if is_conflict(error):
        return ConflictError()
    if is_busy(error):
        return BusyError()
    return error


def _state(error: BaseException) -> str | None:
    return getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None


def _code(error: BaseException) -> object:
    # PyMySQL puts the server's number first; the numbers mean nothing elsewhere.
    if not isinstance(error, DBAPIError) or not type(error.orig).__module__.startswith("pymysql"):
        return None
    return error.orig.args[0] if error.orig is not None and error.orig.args else None
