"""What `stats` and `check` show of the outbox."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from ...config.settings import Settings
from ..database.errors import DatabaseError
from ..database.instances import instances
from ..database.postgresql import goes_through_pooler
from .settings import OutboxSettings
from .table import age, kind, outbox

_MOST = 10_000  # rows that are counted; more would make `stats` slow
_OLD = 60.0  # seconds after which a row that waits is worth a warning
_SKIPS_LOCKED = {"mysql": (8, 0, 1), "mariadb": (10, 6)}


@dataclass(frozen=True, slots=True)
class Outbox:
    """What is in the table. `waiting` and `set_aside` end at 10,000.

    Args:
        waiting: Rows that are to be published.
        oldest: Seconds since the oldest of them was written.
        set_aside: Rows that cannot be published.
    """

    waiting: int
    oldest: float
    set_aside: int


def look() -> Outbox:
    """Count this worker's rows.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: The database does not answer, or there is no table.
    """
    with _connected() as connection:
        mine = outbox.c.queue.in_(Settings().queues)
        waits = outbox.c.set_aside_at.is_(None)
        first = select(age(connection.dialect.name)).where(mine, waits).order_by(outbox.c.id)
        return Outbox(
            waiting=_count(connection, mine, waits),
            oldest=float(connection.scalar(first.limit(1)) or 0),
            set_aside=_count(connection, mine, outbox.c.set_aside_at.is_not(None)),
        )


def counts() -> dict[str, int]:
    """The numbers for `stats`."""
    found = look()
    return {
        "waiting": found.waiting,
        "oldest_seconds": round(found.oldest),
        "set_aside": found.set_aside,
    }


def check() -> str:
    """Reach the table, and tell what is in it.

    Raises:
        DatabaseError: The server is too old for several relays.
    """
    with _connected() as connection:
        demand_skip_locked(connection)
        listens = connection.dialect.name == "postgresql" and not goes_through_pooler(connection)
    found = look()
    settings = OutboxSettings()
    how = "hears of new rows" if listens else f"looks every {settings.outbox_poll_interval} ms"
    where = f"worker_outbox in {settings.outbox_instance}"
    return f"{where}: {_some(found.waiting)} to be published; the relay {how}"


def warnings() -> Iterator[str]:
    """Rows that need somebody, and rows that nobody publishes."""
    found = look()
    if found.set_aside:
        yield f"{_some(found.set_aside)} cannot be published: see `outbox list`"
    if found.oldest > _OLD:
        yield f"the oldest row has waited for {found.oldest:.0f} s: is a worker running?"


def demand_skip_locked(connection: Connection) -> None:
    """Refuse a server that is too old.

    Raises:
        DatabaseError: It cannot skip locked rows.
    """
    dialect: Any = connection.dialect
    name = "mariadb" if getattr(dialect, "is_mariadb", False) else kind(dialect.name)
    needed = _SKIPS_LOCKED.get(name)
    version = dialect.server_version_info or ()
    if needed and version < needed:
        raise DatabaseError(
            f"the outbox needs {name} {'.'.join(map(str, needed))}, which skips locked rows;"
            f" this is {'.'.join(map(str, version))}"
        )


def _count(connection: Connection, *wanted: ColumnElement[bool]) -> int:
    rows = select(outbox.c.id).where(*wanted).limit(_MOST).subquery()
    return connection.scalar(select(func.count()).select_from(rows)) or 0


def _some(count: int) -> str:
    at_least = "at least " if count == _MOST else ""
    return f"{at_least}{count} {'row' if count == 1 else 'rows'}"


@contextmanager
def _connected() -> Iterator[Connection]:
    with instances().tool_connection(OutboxSettings().outbox_instance) as connection:
        yield connection
