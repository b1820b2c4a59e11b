"""Payment: what becomes of one order."""

from __future__ import annotations

from uuid import uuid4

import pytest
from rq.job import JobStatus

from {{ package_name }}.kit import PayloadError, PermanentError
from {{ package_name }}.processors import payment


def test_approves_an_order():
    """A processor is a function: a test calls it."""
    payload = payment.ApprovePayload(order_id="A-1", amount=12_000)
    assert payment.approve(payload) == {"orderId": "A-1", "status": "approved"}


def test_a_canceled_order_fails_for_good():
    """Trying again would not change it."""
    with pytest.raises(PermanentError):
        payment.approve(payment.ApprovePayload(order_id="CANCELED-1"))


@pytest.mark.parametrize("wrong", [{}, {"orderId": ""}, {"orderId": "A-1", "amount": -1}])
def test_a_wrong_payload_is_refused_by_the_name_of_its_field(wrong):
    with pytest.raises(PayloadError, match=r"(orderId|amount): "):
        payment.approve(wrong)


def test_runs_in_a_worker(work):
    """From the queue to the result, through a real server."""
    order = uuid4().hex
    job = work(payment.approve, payment.ApprovePayload(order_id=order))
    assert job.id == f"approve-{order}"
    assert job.return_value() == {"orderId": order, "status": "approved"}


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
