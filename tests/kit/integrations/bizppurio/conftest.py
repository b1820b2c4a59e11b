"""A Bizppurio of the test's own, and clients that speak to it."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from bizppurio_vendor import FakeBizppurio
from pytest_httpserver import HTTPServer
from redis import Redis

from worker_payment.kit.integrations.bizppurio import (
    Bizppurio,
    BizppurioSettings,
)
from worker_payment.kit.integrations.shared_state import SharedState


@pytest.fixture
def vendor(httpserver: HTTPServer) -> Iterator[FakeBizppurio]:
    """The fake of this test."""
    fake = FakeBizppurio(httpserver)
    yield fake
    for request in fake.requests:
        request.close()


@pytest.fixture
def prefix() -> str:
    """Keys of this test's own; clients with the same prefix are replicas of one worker."""
    return f"test-{uuid4().hex[:12]}:bizppurio"


@pytest.fixture
def make_client(vendor: FakeBizppurio, redis_url: str, prefix: str):
    """Make a client as a replica has it; keywords change its settings."""
    made: list[Bizppurio] = []

    def make(**changed) -> Bizppurio:
        values = {
            "bizppurio_msg_base_url": vendor.server.url_for("").rstrip("/"),
            "bizppurio_msg_id": "tester",
            "bizppurio_msg_password": "s3cret",
            "bizppurio_msg_from": "07000000000",
            "bizppurio_msg_sender_key": "k" * 40,
            "bizppurio_msg_timeout": 10_000,
            "bizppurio_msg_rate": 0,
        }
        settings = BizppurioSettings(_env_file=None, **values | changed)
        made.append(Bizppurio(settings, SharedState(Redis.from_url(redis_url), prefix)))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(make_client) -> Bizppurio:
    """One replica."""
    return make_client()
