"""Approve an order's payment."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import Field
from sqlalchemy import BigInteger, Column, DateTime, String, Table, insert

from ..kit import Backoff, Payload, PermanentError, get_logger, processor
from ..kit.integrations.database import Session, metadata

log = get_logger(__name__)

# Made by migrations/versions/0001_payments.py.
payments = Table(
    "payments",
    metadata,
    Column("order_id", String(64), primary_key=True),
    Column("amount", BigInteger, nullable=False),
    Column("approved_at", DateTime(timezone=True), nullable=False),
)


class ApprovePayload(Payload):
    """`{"orderId": "A-1", "amount": 12000}`"""

    order_id: str = Field(min_length=1, max_length=64)
    amount: int = Field(default=0, ge=0, description="In won; 0 means what the order says.")


@processor(
    attempts=3,
    backoff=Backoff(first=3.0),
    timeout=30,
    job_id="approve-{order_id}",
    target="{order_id}",
)
def approve(payload: ApprovePayload, session: Session) -> dict[str, str]:
    """Approve one order, and write that down in the transaction that marks it done.

    A job for an order that is done is skipped; an error leaves neither row.
    """
    if payload.order_id.startswith("CANCELED-"):
        raise PermanentError("the order was canceled")  # no retry: it will not change
    # Call the payment provider here, with the order's id as its idempotency key: what is
    # outside of the database cannot be rolled back. Anything it raises is retried by the
    # policy above.
    approved = {"order_id": payload.order_id, "amount": payload.amount}
    session.execute(insert(payments).values(approved_at=datetime.now(UTC), **approved))
    log.info("payment.approved", orderId=payload.order_id)
    return {"orderId": payload.order_id, "status": "approved"}
