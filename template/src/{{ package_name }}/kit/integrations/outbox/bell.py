"""What wakes the relay: a new row on PostgreSQL, the time elsewhere, and the end of the worker."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from selectors import EVENT_READ, DefaultSelector
from typing import Any

from sqlalchemy import Connection, text

from ..database.postgresql import goes_through_pooler
from .table import CHANNEL

_LOOK = 5.0  # seconds between looks where PostgreSQL tells of new rows


class Bell:
    """Waits for new rows.

    Args:
        queues: The queues that they may name.
        poll: Seconds between looks where nothing tells of new rows.
    """

    def __init__(self, queues: Sequence[str], poll: float) -> None:
        self._queues = queues
        self._poll = poll
        self._driver: Any = None  # psycopg's connection, while it listens
        self._heard = False
        self._rope, self._end = socket.socketpair()

    @property
    def listens(self) -> bool:
        """Whether the database tells of new rows."""
        return self._driver is not None

    def listen(self, connection: Connection) -> None:
        """Listen on a connection from now on, if its database tells of new rows.

        A pooler gives each transaction another server connection, which knows no listener.
        """
        self._driver = None
        if connection.dialect.name != "postgresql" or goes_through_pooler(connection):
            return
        with connection.begin():
            connection.execute(text(f"LISTEN {CHANNEL}"))
        driver: Any = connection.connection.driver_connection
        driver.add_notify_handler(self._hear)
        self._driver = driver

    def wait(self) -> None:
        """Wait for a row, for the time to look again, or for `ring`."""
        heard, self._heard = self._heard, False
        if heard:
            return
        if self._driver is None:
            self.pause(self._poll)
            return
        from psycopg import OperationalError  # noqa: PLC0415 - other databases lack this driver

        try:
            server = self._driver.pgconn.socket
            if server in _ready(_LOOK, self._rope, server):
                self._driver.pgconn.consume_input()
                while self._driver.pgconn.notifies():
                    pass  # one look at the table finds all rows
        except OperationalError:
            pass  # the connection is gone, as the next statement tells

    def pause(self, seconds: float) -> None:
        """Wait for a time, or for `ring`."""
        _ready(seconds, self._rope)

    def ring(self) -> None:
        """End every wait, this one and those to come. Called in any thread."""
        self._end.send(b".")

    def close(self) -> None:
        """Close the sockets."""
        self._rope.close()
        self._end.close()

    def _hear(self, notify: Any) -> None:
        """Note what came while a statement ran."""
        self._heard = self._heard or notify.payload in self._queues


def _ready(seconds: float, *files: Any) -> list[Any]:
    """Wait until one of these can be read, and return those that can."""
    with DefaultSelector() as selector:
        for file in files:
            selector.register(file, EVENT_READ)
        return [key.fileobj for key, _ in selector.select(seconds)]
