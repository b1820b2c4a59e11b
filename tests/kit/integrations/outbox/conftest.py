"""An outbox on a server of each kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import outbox_jobs  # noqa: F401 - registers them
import pytest
from database_servers import Server
from database_support import prepare
from outbox_support import Outbox

from support import prepare as prepare_folder
from worker_payment.kit.engine import Publisher
from worker_payment.kit.integrations.database.instances import close_instances
from worker_payment.kit.integrations.outbox.relay import Relay


@pytest.fixture(autouse=True)
def _variables_of_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings are read whole: other chosen modules must find theirs."""
    prepare_folder(tmp_path)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def outbox(
    server: Server, publisher: Publisher, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Outbox]:
    """An outbox of the test's own queue."""
    made = prepare(server.config(), publisher.queue, redis_url, monkeypatch)
    yield Outbox(publisher, made.config)
    close_instances()


@pytest.fixture
def start_relay(outbox: Outbox) -> Iterator[Callable[[], Relay]]:
    """Start relays, which end with the test."""
    started: list[Relay] = []

    def start() -> Relay:
        started.append(outbox.relay())
        started[-1].start()
        return started[-1]

    yield start
    for relay in started:
        relay.close()
