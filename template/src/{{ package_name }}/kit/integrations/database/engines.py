"""One SQLAlchemy engine per database: address, driver options, time limits, pool."""

from __future__ import annotations

import math
import time
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import NullPool

from .postgresql import prepare_postgresql
from .reduction import reduce_errors
from .settings import InstanceConfig, TlsConfig

_DRIVER_NAMES = {
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
    "sqlite": "sqlite+pysqlite",
}
_IDLE = 10.0  # seconds after which a connection is asked whether it still lives


def make_engine(
    config: InstanceConfig, *, pool_size: int, statement_timeout: int, pooled: bool = True
) -> Engine:
    """Make an engine; nothing is connected yet.

    Args:
        config: The instance.
        pool_size: Connections at most, where the instance does not say.
        statement_timeout: Milliseconds a statement may take, where the instance does not say;
            0 for no limit.
        pooled: False opens a connection for each use, for tools.
    """
    limit = statement_timeout if config.statement_timeout is None else config.statement_timeout
    options: dict[str, Any] = (
        {
            "pool_size": config.pool_size or pool_size,
            "max_overflow": 0,
            "pool_timeout": config.pool_timeout / 1000,
            "pool_recycle": config.pool_recycle / 1000,
            "pool_use_lifo": True,
        }
        if pooled
        else {"poolclass": NullPool}
    )
    if config.dbms in ("mysql", "mariadb"):
        # Their default, REPEATABLE READ, locks gaps between rows and so finds more deadlocks.
        options["isolation_level"] = "READ COMMITTED"
    engine = create_engine(
        address(config),
        connect_args=_CONNECT_ARGS[config.dbms](config, limit) | config.parameters,
        hide_parameters=True,  # errors are logged, and parameters are payloads
        **options,
    )
    reduce_errors(engine)
    if config.dbms == "sqlite":
        _prepare_sqlite(engine)
    elif config.dbms == "postgresql":
        prepare_postgresql(engine, config, limit)
    if pooled and config.dbms != "sqlite":
        _ask_idle_connections(engine)
    return engine


def address(config: InstanceConfig) -> URL:
    """The instance's URL, with our driver."""
    driver = _DRIVER_NAMES[config.dbms]
    if config.url is not None:
        return make_url(config.url.get_secret_value()).set(drivername=driver)
    if config.dbms == "sqlite":
        return URL.create(driver, database=config.database)
    return URL.create(
        driver,
        username=config.user,
        password=config.password.get_secret_value() if config.password else None,
        host=config.host,
        port=config.port,
        database=config.database,
    )


def _postgresql_args(config: InstanceConfig, _statement_timeout: int) -> dict[str, Any]:
    # No `options`: connection poolers refuse them. What they would say follows later.
    args: dict[str, Any] = {
        "connect_timeout": math.ceil(config.connect_timeout / 1000),
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "prepare_threshold": None,
    }
    if config.tls is not None:
        tls = {
            "sslmode": config.tls.mode,
            "sslrootcert": config.tls.ca,
            "sslcert": config.tls.cert,
            "sslkey": config.tls.key,
        }
        args |= {name: value for name, value in tls.items() if value}
    return args


def _mysql_args(config: InstanceConfig, statement_timeout: int) -> dict[str, Any]:
    args: dict[str, Any] = {"connect_timeout": math.ceil(config.connect_timeout / 1000)}
    password = address(config).password
    if password:
        args["password"] = password.encode()  # PyMySQL alone would take it for Latin-1
    if statement_timeout:
        # The driver's own limit: the server has none for writes. Locks are given up before.
        longest = max(statement_timeout, config.lock_timeout)
        args["read_timeout"] = math.ceil(longest / 1000) + 5
    if config.lock_timeout:
        seconds = math.ceil(config.lock_timeout / 1000)
        args["init_command"] = f"SET SESSION innodb_lock_wait_timeout={seconds}"
    if config.tls is not None and config.tls.mode != "disable":
        args["ssl"] = _mysql_tls(config.tls)
    return args


def _mysql_tls(tls: TlsConfig) -> dict[str, Any]:
    files = {"ca": tls.ca, "cert": tls.cert, "key": tls.key}
    return {name: path for name, path in files.items() if path} | {
        "verify_mode": "none" if tls.mode == "require" else "required",
        "check_hostname": tls.mode == "verify-full",
    }


def _sqlite_args(config: InstanceConfig, _statement_timeout: int) -> dict[str, Any]:
    # Writers wait for each other here; None hands transactions over to `_prepare_sqlite`.
    return {"timeout": config.lock_timeout / 1000, "isolation_level": None}


_CONNECT_ARGS = {
    "postgresql": _postgresql_args,
    "mysql": _mysql_args,
    "mariadb": _mysql_args,
    "sqlite": _sqlite_args,
}


def _prepare_sqlite(engine: Engine) -> None:
    """Real transactions: Python's driver begins late and leaves savepoints behind."""

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _ask_idle_connections(engine: Engine) -> None:
    """Ask a connection that was idle whether it still lives.

    SQLAlchemy's `pool_pre_ping` asks every time, which would cost each job a round trip. One
    that was used a moment ago is taken as it is: if its server has gone since, the job is
    retried, and the whole pool renewed.
    """

    @event.listens_for(engine, "checkin")
    def checkin(_: Any, record: Any) -> None:
        record.info["idle_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def checkout(connection: Any, record: Any, _: Any) -> None:
        idle_since = record.info.get("idle_since")
        if idle_since is None or time.monotonic() - idle_since < _IDLE:
            return
        try:
            alive = engine.dialect.do_ping(connection)
        except Exception:
            alive = False
        if not alive:
            raise InvalidatePoolError
