"""`check` looks at Redis, at what waits, and at the numbers."""

from __future__ import annotations

import json

import pytest
from redis import Redis
from rq import Queue

from program_jobs import Nap, nap
from support import PACKAGE
from worker_payment.kit.config import Settings
from worker_payment.kit.inspection import capacity, server, waiting
from worker_payment.kit.inspection.capacity import examine_capacity
from worker_payment.kit.inspection.server import examine_server
from worker_payment.kit.inspection.waiting import examine_waiting


def levels(findings, level):
    """The sentences of one level."""
    return [each.detail for each in findings if each.level == level]


@pytest.fixture
def client(redis_server):
    """A client of this test's own server, which it may configure."""
    with Redis(port=redis_server.port) as client:
        yield client


def test_a_server_fit_for_jobs_gives_no_warning(client):
    findings = list(examine_server(client))
    assert {each.level for each in findings} == {"ok"}
    assert "Valkey" in findings[0].detail


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_eviction_is_warned_of(client, policy):
    client.config_set("maxmemory-policy", policy)
    (warning,) = levels(examine_server(client), "warn")
    assert policy in warning


def test_missing_persistence_is_warned_of(client):
    client.config_set("appendonly", "no")
    (warning,) = levels(examine_server(client), "warn")
    assert "appendonly is off" in warning


def test_a_full_server_is_warned_of(client):
    client.config_set("maxmemory", int(client.info("memory")["used_memory"] * 1.1))
    (warning,) = levels(examine_server(client), "warn")
    assert "of maxmemory" in warning


def test_a_clock_that_is_off_is_warned_of(client, monkeypatch):
    class Clock:
        """Five seconds fast."""

        def time(self):
            return client.time()[0] + client.time()[1] / 1e6 + 5

    monkeypatch.setattr(server, "time", Clock())
    (warning,) = levels(examine_server(client), "warn")
    assert "ahead of" in warning


def test_a_replica_fails(client, redis_server):
    client.replicaof("127.0.0.1", redis_server.port + 1)
    assert any("replica" in each for each in levels(examine_server(client), "FAIL"))


def test_jobs_that_cannot_be_done_are_warned_of(publisher, connection, queue):
    publisher.publish_many(nap, [Nap(), Nap()])
    Queue(queue, connection=connection, serializer="json").enqueue("shop.send", {"card": "s3cret"})
    Queue(queue, connection=connection).enqueue("shop.pickled", "s3cret")
    newer = f"{PACKAGE}.processors.payment.of_tomorrow"
    Queue(queue, connection=connection, serializer="json").enqueue(newer, {"card": "s3cret"})
    findings = list(examine_waiting(connection, queue))
    assert levels(findings, "ok") == [f"{queue}: 5 jobs wait"]
    assert levels(findings, "warn") == [
        waiting.UNREADABLE.format(names="shop.pickled (1)"),
        waiting.UNKNOWN.format(names="shop.send (1)"),
        waiting.NEWER.format(names=f"{newer} (1)"),
    ]
    assert "s3cret" not in json.dumps([each.detail for each in findings])
    assert connection.llen(f"rq:queue:{queue}") == 5  # looking takes nothing


def test_concurrency_above_the_advice_is_warned_of(monkeypatch):
    monkeypatch.setattr(capacity, "MOST_AT_ONCE", 3)
    settings = Settings(worker_concurrency=2)
    assert levels(examine_capacity(settings), "warn") == []
    settings = Settings(worker_concurrency=2, worker_processes=2)
    (warning,) = levels(examine_capacity(settings), "warn")
    assert warning.startswith("4 jobs at once")
