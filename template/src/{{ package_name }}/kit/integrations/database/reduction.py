"""Reduce a database's error to what may be logged: its code and the names it concerns.

The texts of PostgreSQL, MariaDB and SQLite quote rows ("Key (email)=(...) already exists"), and
such a text travels far: into log lines, job records, dead letters, tracebacks, and into the
message of whatever error an owner makes of it. So the error itself is changed, where it arises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import PendingRollbackError, StatementError
from sqlalchemy.orm.exc import FlushError

_SAID = "reduced_to"  # attribute of a driver's error
# Their texts name objects of the database and hold no value.
_NAMING_STATES = {"42P01", "42P07", "42501", "42701", "42710", "42883", "3D000", "3F000"}
_CONNECTING_CODES = {1040, 1044, 1045, 1049, 1130, 1142, 1143, 1146, 1227, 1698, 1927}
_CLIENT_CODES = range(2000, 3000)  # PyMySQL's own: no connection, or a lost one
_NAMING_RESULTS = ("BUSY", "CANTOPEN", "CORRUPT", "FULL", "IOERR", "LOCKED", "MISMATCH", "NOTADB")

# The names at the end of MariaDB's and MySQL's texts, after the value where there is one.
_MYSQL_NAMES = (
    re.compile(r"for key '(?P<constraint>[^']+)'\Z"),
    re.compile(r"\AColumn '(?P<column>[^']+)' cannot be null\Z"),
    re.compile(r"\AField '(?P<column>[^']+)' doesn't have a default value\Z"),
    re.compile(r"\ACheck constraint '(?P<constraint>[^']+)' is violated\.\Z"),
    re.compile(r"\ACONSTRAINT `(?P<constraint>[^`]+)` failed for `[^`]+`\.`(?P<table>[^`]+)`\Z"),
    re.compile(r"for column (?P<column>[`'\w.$]+) at row \d+\Z"),
    re.compile(r"fails \(`[^`]+`\.`(?P<table>[^`]+)`, CONSTRAINT `(?P<constraint>[^`]+)` FOREIGN"),
)
_NO_QUOTES = str.maketrans("", "", "`'")
_SQLITE_NAMES = re.compile(
    r"(?:UNIQUE|NOT NULL|CHECK|FOREIGN KEY|PRIMARY KEY) constraint failed(?:: .*)?"
    r"|cannot store \w+ value in \w+ column [\w.]+"
    r"|no such table: [\w.]+"
    r"|attempt to write a readonly database"
)


def reduce_errors(engine: Engine) -> None:
    """Reduce every error of an engine before anybody sees it."""

    @event.listens_for(engine, "handle_error")
    def reduce_both(context: ExceptionContext) -> None:
        if context.sqlalchemy_exception is not None:
            reduce(context.sqlalchemy_exception)
        else:
            reduce(context.original_exception)


def reduce(error: BaseException) -> None:
    """Reduce an error and all that it is made from, however often it was wrapped."""
    for each in _related(error):
        if is_of_driver(each):
            _reduce_driver(each)
        elif isinstance(each, StatementError):
            _reduce_statement(each)
        elif isinstance(each, PendingRollbackError):
            each.args = ("the session's transaction was rolled back by an earlier error",)
        elif isinstance(each, FlushError):
            each.args = ("the session could not be flushed",)


def describe(error: BaseException) -> str:
    """What an error says without the values of rows, on one line."""
    original = getattr(error, "orig", None) or error
    return _summary(original) if is_of_driver(original) else " ".join(str(original).split())


def is_of_driver(error: BaseException) -> bool:
    """Whether a driver raised it itself."""
    return type(error).__module__.partition(".")[0] in ("psycopg", "pymysql", "sqlite3")


def mysql_code(error: BaseException) -> int | None:
    """The number of a MySQL or MariaDB error; the numbers mean nothing elsewhere."""
    if not type(error).__module__.startswith("pymysql") or not error.args:
        return None
    return error.args[0] if isinstance(error.args[0], int) else None


def _related(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    left: list[BaseException | None] = [error]
    while left:
        each = left.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        left += [each.__cause__, each.__context__]
        if isinstance(each, BaseExceptionGroup):
            left += each.exceptions
        if isinstance(each, StatementError):
            left.append(each.orig)


def _reduce_statement(error: StatementError) -> None:
    original = error.orig
    if original is None or is_of_driver(original):
        said = _summary(original) if original is not None else type(error).__name__
    else:  # a value that its column's type refused; the text may quote it
        said = f"{type(original).__name__}: a value does not fit its column"
        original.args = ("a value does not fit its column",)
        original.__cause__ = original.__context__ = None
    error.args = (said,)
    # Values may stand in the statement itself. "" and not None: that means there was none.
    error.statement = error.statement and ""
    error.params = None
    error.code = None  # a link to SQLAlchemy's documentation
    error.detail = []


def _reduce_driver(error: BaseException) -> None:
    said = _summary(error)
    code = mysql_code(error)
    error.args = (said,) if code is None else (code, said)


def _summary(error: Any) -> str:
    # Kept with the error: once reduced, its text cannot be taken apart again.
    said: str | None = getattr(error, _SAID, None)
    if said is None:
        driver = type(error).__module__.partition(".")[0]
        said = {"psycopg": _postgresql, "pymysql": _mysql, "sqlite3": _sqlite}[driver](error)
        setattr(error, _SAID, said)
    return said


def _postgresql(error: Any) -> str:
    state, diag = error.sqlstate, error.diag
    if state is None:
        # psycopg's own: of a connection, or about a value that it cannot send.
        of_connection = type(error).__name__ in ("OperationalError", "InterfaceError")
        return _line(str(error)) if of_connection else type(error).__name__
    if state in _NAMING_STATES:
        return f"{_line(diag.message_primary or '')} (sqlstate {state})"
    names = {
        "constraint": diag.constraint_name,
        "table": diag.table_name,
        "column": diag.column_name,
        "type": diag.datatype_name,
    }
    return _sentence(type(error).__name__, f"sqlstate {state}", names)


def _mysql(error: Any) -> str:
    code = mysql_code(error)
    text = str(error.args[1]) if len(error.args) > 1 else str(error)
    if code is None or code in _CONNECTING_CODES or code in _CLIENT_CODES:
        return _line(text)
    found = next((match for each in _MYSQL_NAMES if (match := each.search(text))), None)
    named = found.groupdict() if found else {}
    names = {name: value.translate(_NO_QUOTES) for name, value in named.items()}
    return _sentence(type(error).__name__, f"error {code}", names)


def _sqlite(error: Any) -> str:
    result = getattr(error, "sqlite_errorname", None)
    if result is None:
        return type(error).__name__
    text = str(error)
    named = result.removeprefix("SQLITE_").startswith(_NAMING_RESULTS)
    if named or _SQLITE_NAMES.fullmatch(text):
        return f"{text} ({result})"
    return f"{type(error).__name__} ({result})"


def _sentence(kind: str, code: str, names: dict[str, str | None]) -> str:
    parts = [f"{name} {value}" for name, value in names.items() if value]
    return ", ".join([f"{kind} ({code})", *parts])


def _line(text: str) -> str:
    return " ".join(text.split())
