"""The outbox's part in the worker's life."""

from __future__ import annotations

from ...config.redis import worker_connection
from ...config.settings import Settings
from ..database.instances import instances
from .insight import demand_skip_locked
from .relay import Relay
from .settings import OutboxSettings

_running: list[Relay] = []


def start() -> None:
    """Begin to publish.

    Raises:
        OutageError: The database is away.
        DatabaseError: Its server cannot skip locked rows.
    """
    shared, worker, settings = instances(), Settings(), OutboxSettings()
    name = settings.outbox_instance
    with shared.explained(name), shared.tool_connection(name) as connection:
        demand_skip_locked(connection)
    poll = settings.outbox_poll_interval / 1000
    relay = Relay(shared, name, worker_connection(worker), worker.queues, poll)
    relay.start()
    _running.append(relay)


def close() -> None:
    """Stop publishing."""
    while _running:
        _running.pop().close()
