"""Payment: what becomes of one order, and of its row."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from rq.job import JobStatus
from sqlalchemy import select

from {{ package_name }}.kit import (
    Duplicate,
    PayloadError,
    PermanentError,
)
from {{ package_name }}.kit.integrations.database import transaction
from {{ package_name }}.kit.integrations.database.instances import (
    close_instances,
    instances,
)
from {{ package_name }}.kit.integrations.database.schema import upgrade
from {{ package_name }}.processors import payment


@pytest.fixture(autouse=True)
def database(tmp_path, monkeypatch):
    """A SQLite file with the worker's tables and the payments."""
    main = {"dbms": "sqlite", "database": str(tmp_path / "worker.sqlite3")}
    monkeypatch.setenv("DATABASE_CONFIG", json.dumps({"instances": {"MAIN": main}}))
    close_instances()
    upgrade(instances(), "MAIN")
    yield
    close_instances()


def paid():
    """The rows of the table: order and amount."""
    with transaction() as session:
        column = payment.payments.c
        return [tuple(row) for row in session.execute(select(column.order_id, column.amount))]


def test_approves_an_order_and_writes_it_down():
    """A processor is a function: a test calls it."""
    payload = payment.ApprovePayload(order_id="A-1", amount=12_000)
    assert payment.approve(payload) == {"orderId": "A-1", "status": "approved"}
    assert paid() == [("A-1", 12_000)]


def test_an_order_is_never_paid_twice():
    payload = payment.ApprovePayload(order_id="A-1", amount=12_000)
    payment.approve(payload)
    with pytest.raises(Duplicate):
        payment.approve(payload)
    assert paid() == [("A-1", 12_000)]


def test_a_canceled_order_fails_for_good_and_leaves_no_row():
    """Trying again would not change it."""
    with pytest.raises(PermanentError):
        payment.approve(payment.ApprovePayload(order_id="CANCELED-1"))
    assert not paid()


@pytest.mark.parametrize("wrong", [{}, {"orderId": ""}, {"orderId": "A-1", "amount": -1}])
def test_a_wrong_payload_is_refused_by_the_name_of_its_field(wrong):
    with pytest.raises(PayloadError, match=r"(orderId|amount): "):
        payment.approve(wrong)


def test_runs_in_a_worker(work):
    """From the queue to the row, through a real server."""
    order = uuid4().hex
    job = work(payment.approve, payment.ApprovePayload(order_id=order))
    assert job.id == f"approve-{order}"
    assert job.return_value() == {"orderId": order, "status": "approved"}
    assert paid() == [(order, 0)]


def test_a_canceled_order_is_kept_after_one_attempt(work):
    job = work(payment.approve, payment.ApprovePayload(order_id=f"CANCELED-{uuid4().hex}"))
    assert job.get_status() == JobStatus.FAILED
    assert "the order was canceled" in job.latest_result().exc_string


def test_one_order_waits_only_once(publisher):
    """The job id is made of the order."""
    payload = payment.ApprovePayload(order_id=uuid4().hex)
    first = payment.approve.enqueue(payload, publisher=publisher)
    again = payment.approve.enqueue(payload, publisher=publisher)
    assert (first.queued, again.queued) == (True, False)
    assert first.job_id == again.job_id
