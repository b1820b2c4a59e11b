"""A changed contract rolls out under load: old payloads are understood, newer ones wait."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from uuid import uuid4

import pytest
from pydantic import Field
from rq import Queue

from support import eventually
from worker_payment.kit.engine import (
    Attempt,
    Backoff,
    FailedJob,
    NewerPayloadError,
    Observer,
    Payload,
    PayloadError,
    observe,
    processor,
)
from worker_payment.kit.engine.job import payload as contract
from worker_payment.kit.engine.job.payload import (
    VERSION_KEY,
    dump_payload,
    load_payload,
    payload_json,
)

paid: list[tuple[str, str]] = []


class Charge(Payload):
    """Version 1 had no currency, and called the order `order`."""

    payload_version = 2
    order_id: str
    currency: str

    @classmethod
    def upgrade_payload(cls, values: dict[str, Any], version: int) -> dict[str, Any]:
        return {"orderId": values["order"], "currency": "KRW"}


class Refund(Payload):
    """It never changed."""

    order_id: str


class Empty(Payload):
    """It was born with a version."""

    payload_version = 3


@processor(attempts=2, backoff=Backoff(first=0.05))
def charge(payload: Charge) -> None:
    """Note what was paid."""
    paid.append((payload.order_id, payload.currency))


@processor(attempts=2, backoff=Backoff(first=0.05), keep_order=True)
def charge_in_order(payload: Charge) -> None:
    """The same, and no later one overtakes it."""
    paid.append((payload.order_id, payload.currency))


def test_the_publisher_sends_the_version():
    sent = dump_payload(Charge(order_id="A", currency="USD"))
    assert sent == {"orderId": "A", "currency": "USD", VERSION_KEY: 2}
    assert load_payload(Charge, sent, "x") == Charge(order_id="A", currency="USD")
    for payload in (Charge(order_id="A", currency="USD"), Refund(order_id="A"), Empty()):
        assert json.loads(payload_json(payload)) == dump_payload(payload)


def test_an_old_payload_is_brought_up_to_date():
    assert load_payload(Charge, {"order": "A"}, "x") == Charge(order_id="A", currency="KRW")
    assert load_payload(Charge, {"order": "A", VERSION_KEY: 1}, "x").currency == "KRW"


def test_a_newer_payload_waits_for_a_newer_worker():
    with pytest.raises(NewerPayloadError, match="newer worker") as refused:
        load_payload(Charge, {VERSION_KEY: 3}, "x")
    assert refused.value.retry_after


@pytest.mark.parametrize("values", [{"nothing": "s3cret"}, {VERSION_KEY: "s3cret"}])
def test_what_cannot_be_read_is_refused_without_its_values(values):
    with pytest.raises(PayloadError) as refused:
        load_payload(Charge, values, "x")
    assert "s3cret" not in str(refused.value)


def test_a_payload_that_never_changed_sends_no_version():
    assert dump_payload(Refund(order_id="A")) == {"orderId": "A"}
    assert load_payload(Refund, {"orderId": "A", VERSION_KEY: 1}, "x") == Refund(order_id="A")


def test_the_name_of_the_version_is_taken():
    with pytest.raises(TypeError, match=VERSION_KEY):

        class Wrong(Payload):
            version: int = Field(alias=VERSION_KEY)


def test_during_a_rollout_nothing_is_lost(connection, queue, publisher, start_worker):
    """Payloads of every version wait in one queue; each is done or kept."""
    plain = Queue(queue, connection=connection, serializer="json")
    name = uuid4().hex
    plain.enqueue(charge.path, {"order": f"{name}-old"})
    publisher.publish(charge, Charge(order_id=f"{name}-new", currency="USD"))
    newer = plain.enqueue(charge.path, {"id": f"{name}-newer", VERSION_KEY: 3})
    broken = plain.enqueue(charge.path, {"what": f"{name}-broken"})
    kept: list[FailedJob] = []
    start_worker(failed=kept.append)
    eventually(lambda: len([each for each in paid if each[0].startswith(name)]) == 2)
    eventually(lambda: [each.job_id for each in kept] == [broken.id])
    assert sorted(each for each in paid if each[0].startswith(name)) == [
        (f"{name}-new", "USD"),
        (f"{name}-old", "KRW"),
    ]
    assert kept[0].payload == {"what": f"{name}-broken"}
    eventually(lambda: newer.get_status() == "scheduled")  # for the newer worker


@pytest.fixture
def soon(monkeypatch):
    """Newer workers are looked for all the time."""
    monkeypatch.setattr(contract, "_PATIENCE", 0.05)


@pytest.fixture
def looks():
    """The ids of jobs that a worker looked at, once for each time."""
    seen: list[str] = []

    class Looks(Observer):
        def attempt(self, attempt: Attempt) -> AbstractContextManager[None]:
            seen.append(attempt.job_id)
            return nullcontext()

    end = observe(Looks())
    yield seen
    end()


@pytest.mark.parametrize("job", [charge, charge_in_order], ids=lambda job: job.name)
def test_waiting_for_a_newer_worker_spends_no_attempt(
    connection, queue, start_worker, monkeypatch, soon, looks, job
):
    name = uuid4().hex
    newer = {"orderId": name, "currency": "EUR", VERSION_KEY: 3}
    plain = Queue(queue, connection=connection, serializer="json")
    receipt = plain.enqueue(job.path, newer)
    start_worker()
    eventually(lambda: looks.count(receipt.id) > 3)  # more often than it has attempts
    monkeypatch.setattr(Charge, "payload_version", 3)  # the newer worker
    eventually(lambda: (name, "EUR") in paid)
    result = eventually(receipt.latest_result)
    assert result.type.name == "SUCCESSFUL"
    assert int(connection.hget(receipt.key, "number_of_retries") or 0) == 0


def test_nobody_waits_for_a_newer_worker_for_ever(connection, queue, start_worker, soon):
    """After a day the policy counts, and the job is kept with the failed ones."""
    plain = Queue(queue, connection=connection, serializer="json")
    receipt = plain.enqueue(charge.path, {"orderId": "A", VERSION_KEY: 3})
    connection.hset(receipt.key, "created_at", "2020-01-01T00:00:00.000000Z")
    kept: list[FailedJob] = []
    start_worker(failed=kept.append)
    eventually(lambda: [each.job_id for each in kept] == [receipt.id])
    assert kept[0].attempts == 2
    assert kept[0].payload == {"orderId": "A", VERSION_KEY: 3}
