"""PostgreSQL's connections: time limits and prepared statements, with a pooler or without.

A pooler such as PgBouncer gives each transaction another server connection. A statement that one
client prepared there is unknown to the next, or worse, is another one of the same name; and what
a client sets for its session, a stranger gets.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event

from .settings import InstanceConfig

_POOLER = "pooler"  # in a connection's `info`: whether there is one in between
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
            if not record.info[_POOLER]:
                cursor.execute(for_session)
        connection.autocommit = False
        if not record.info[_POOLER] and "prepare_threshold" not in config.parameters:
            connection.prepare_threshold = _PREPARE_AFTER

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.info.get(_POOLER) and for_transaction:
            connection.exec_driver_sql(for_transaction).close()


def goes_through_pooler(connection: Connection) -> bool:
    """Whether a pooler stands between this worker and the server."""
    return bool(connection.info.get(_POOLER))


def _settings(values: dict[str, int], *, local: bool) -> str:
    """One statement that sets what is not 0, for the transaction or for the session."""
    calls = [f"set_config('{name}', '{value}', {local})" for name, value in values.items() if value]
    return f"SELECT {', '.join(calls)}" if calls else ""
