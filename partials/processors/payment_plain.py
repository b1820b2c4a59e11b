"""Approve an order's payment."""

from __future__ import annotations

from pydantic import Field

from ..kit import Backoff, Payload, PermanentError, get_logger, processor

log = get_logger(__name__)


class ApprovePayload(Payload):
    """`{"orderId": "A-1", "amount": 12000}`"""

    order_id: str = Field(min_length=1, max_length=64)
    amount: int = Field(default=0, ge=0, description="In won; 0 means what the order says.")


@processor(
    attempts=3,
    backoff=Backoff(first=3.0),
    timeout=30,
    job_id="approve-{order_id}",
)
def approve(payload: ApprovePayload) -> dict[str, str]:
    """Approve one order. The same order waits or runs only once."""
    if payload.order_id.startswith("CANCELED-"):
        raise PermanentError("the order was canceled")  # no retry: it will not change
    # Call the payment provider here. Anything it raises is retried by the policy above.
    log.info("payment.approved", orderId=payload.order_id)
    return {"orderId": payload.order_id, "status": "approved"}
