"""A client for the public data, and a clock that a test can set."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from uuid import uuid4

import pytest
from pytest_httpserver import HTTPServer
from redis import Redis

from worker_payment.kit.integrations.public_data import (
    PublicData,
    PublicDataSettings,
)
from worker_payment.kit.integrations.shared_state import SharedState

KST = timezone(timedelta(hours=9))


class Clock:
    """A clock of the test's own, in Korea at nine in the morning."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, 9, tzinfo=KST)

    def __call__(self) -> float:
        return self.now.timestamp()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def slept() -> list[float]:
    """Seconds the client slept, one entry a sleep."""
    return []


@pytest.fixture
def make_data(httpserver: HTTPServer, redis_url: str, clock: Clock, slept: list[float]):
    """Make a client as a replica has it; keywords change its settings."""
    made: list[PublicData] = []
    prefix = f"test-{uuid4().hex[:12]}:public-data"

    def make(**changed) -> PublicData:
        values = {
            "base_url": httpserver.url_for("").rstrip("/"),
            "timeout": 10_000,
            "service_key": "key+with/signs==",
            "rate": 0,
        }
        settings = PublicDataSettings(_env_file=None, **values | changed)
        state = SharedState(Redis.from_url(redis_url), prefix, slept.append)
        made.append(PublicData(settings, state, clock))
        return made[-1]

    yield make
    for data in made:
        data.close()


@pytest.fixture
def data(make_data) -> PublicData:
    """One replica."""
    return make_data()
