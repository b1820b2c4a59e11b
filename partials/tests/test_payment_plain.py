"""Payment: what becomes of one order."""

from __future__ import annotations

import pytest

from {{ package_name }}.kit import PayloadError, PermanentError
from {{ package_name }}.processors.payment import ApprovePayload, approve


def test_approves_an_order(worker):
    payload = ApprovePayload(order_id="A-1", amount=12_000)
    assert worker.run(approve, payload) == {"orderId": "A-1", "status": "approved"}


def test_a_canceled_order_fails_for_good(worker):
    """Trying again would not change it."""
    with pytest.raises(PermanentError):
        worker.run(approve, ApprovePayload(order_id="CANCELED-1"))


@pytest.mark.parametrize("wrong", [{}, {"orderId": ""}, {"orderId": "A-1", "amount": -1}])
def test_a_wrong_payload_is_refused_by_the_name_of_its_field(worker, wrong):
    with pytest.raises(PayloadError, match=r"(orderId|amount): "):
        worker.run(approve, wrong)


def test_one_order_waits_only_once_and_runs(worker):
    """From the queue to the result, through a real server."""
    assert approve.enqueue(ApprovePayload(order_id="A-1")).queued
    assert not approve.enqueue(ApprovePayload(order_id="A-1")).queued
    (ended,) = worker.drain()
    assert ended.job_id == "approve-A-1"
    assert ended.result == {"orderId": "A-1", "status": "approved"}


def test_a_canceled_order_is_kept_after_one_attempt(worker):
    approve.enqueue(ApprovePayload(order_id="CANCELED-1"))
    (ended,) = worker.drain()
    assert ended.status == "failed"
    assert "the order was canceled" in ended.error
