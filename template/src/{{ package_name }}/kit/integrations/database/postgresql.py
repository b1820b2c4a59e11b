"""PostgreSQL's connections: time limits and prepared statements, with a pooler or without.

A pooler such as PgBouncer gives each transaction another server connection. A statement that one
client prepared there is unknown to the next, or worse, is another one of the same name; and what
a client sets for its session, a stranger gets.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError

from .settings import InstanceConfig

_POOLER = "pooler"  # in a connection's `info`: whether there is one in between
_LIMITS = "limits"  # in `info`: the statement that sets each transaction's time limits, "" for none
_SENT = "sent"  # in `info`: whether the next transaction's first statement takes them along
_PREPARE_AFTER = 5  # runs of a statement; psycopg's own default


def prepare_postgresql(engine: Engine, config: InstanceConfig, statement_timeout: int) -> None:
    """Set up each new connection, and each transaction that goes through a pooler.

    Args:
        engine: The engine.
        config: Its instance.
        statement_timeout: Milliseconds a statement may take; 0 for no limit.
    """
    limits = {"lock_timeout": config.lock_timeout, "statement_timeout": statement_timeout}
    # The server, too, must notice that a worker's machine is gone: until then it holds the
    # locks of its jobs. It looks after two hours if nobody tells it.
    session = limits | {
        "tcp_keepalives_idle": 30,
        "tcp_keepalives_interval": 10,
        "tcp_keepalives_count": 3,
    }
    for_session = _settings(session, local=False)
    for_transaction = _settings(limits, local=True)

    @event.listens_for(engine, "connect")
    def connect(connection: Any, record: Any) -> None:
        from psycopg.rows import tuple_row  # noqa: PLC0415 - other databases lack this driver

        connection.autocommit = True
        with connection.cursor(row_factory=tuple_row) as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            # A pooler answers for the server and tells a number of its own.
            record.info[_POOLER] = cursor.fetchone()[0] != connection.info.backend_pid
            record.info[_LIMITS] = for_transaction if record.info[_POOLER] else ""
            if not record.info[_POOLER]:
                cursor.execute(for_session)
        connection.autocommit = False
        if not record.info[_POOLER] and "prepare_threshold" not in config.parameters:
            connection.prepare_threshold = _PREPARE_AFTER

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if not connection.info.pop(_SENT, False) and (limits := connection.info.get(_LIMITS)):
            connection.exec_driver_sql(limits).close()


def begin_with(connection: Connection, statement: str, values: Iterable[str]) -> str | None:
    """Begin a transaction and run its first statement by one message to the server.

    psycopg sends BEGIN, a pooler's limits and the statement one after the other: up to three round
    trips. A message of several statements has no parameters, so the values are quoted by libpq.

    Args:
        connection: A connection without a transaction.
        statement: With `{}` for each value; it must not care whether it is run twice.
        values: What it inserts.

    Returns:
        The first column of the row that it returns. None if there is none, or if this connection
        cannot do so; then the next statement begins the transaction, or says what is wrong.

    Raises:
        sqlalchemy.exc.DBAPIError: The server refused the statement, or a lock was not free in time.
    """
    from psycopg import Error, errors, generators  # noqa: PLC0415 - other databases lack this driver
    from psycopg.pq import ConnStatus, Escaping, ExecStatus  # noqa: PLC0415 - as above

    raw: Any = connection.connection.driver_connection
    if raw.autocommit or raw.isolation_level or raw.read_only or raw.deferrable:
        return None  # the owner wants another BEGIN
    if raw.info.encoding != "utf-8":
        return None  # psycopg knows what to do
    connection.info[_SENT] = True
    connection.begin()
    server = raw.pgconn
    quote = Escaping(server).escape_literal
    filled = statement.format(*(quote(each.encode()).decode() for each in values))
    message = ";".join(filter(None, ("BEGIN", connection.info[_LIMITS], filled)))
    try:
        with raw.lock:
            server.send_query(message.encode())
            results = raw.wait(generators.execute(server))
    except Error:
        return None
    except BaseException:  # the job's time is over: the answer may still come
        connection.invalidate()
        raise
    if server.status != ConnStatus.OK:
        return None
    last = results[-1]
    if last.status == ExecStatus.FATAL_ERROR:
        error = errors.error_from_result(last)
        raise DBAPIError.instance("", None, error, Error, hide_parameters=True)
    return last.get_value(0, 0).decode() if last.ntuples else None


def goes_through_pooler(connection: Connection) -> bool:
    """Whether a pooler stands between this worker and the server."""
    return bool(connection.info.get(_POOLER))


def _settings(values: dict[str, int], *, local: bool) -> str:
    """One statement that sets what is not 0, for the transaction or for the session."""
    calls = [f"set_config('{name}', '{value}', {local})" for name, value in values.items() if value]
    return f"SELECT {', '.join(calls)}" if calls else ""
