"""Jobs with every kind of field, for the clients."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from worker_payment.kit.engine import Payload, processor


class Color(Enum):
    RED = "red"
    SKY = "하늘"


class Card(Payload):
    """Paid by card."""

    kind: Literal["card"]
    digits: str = Field(pattern=r"^\d{4}$")


class Bank(Payload):
    kind: Literal["bank"]
    holder: str = "익명"


class Line(Payload):
    """One line of an order; lines hold lines."""

    sku: str = Field(min_length=1, max_length=8, pattern=r"^[\w.-]+$")
    price: float = Field(default=1.0, ge=0, multiple_of=0.01)
    parts: list[Line] = Field(default=[])


class EverythingPayload(Payload):
    """Every kind of field.

    Its text */ ends no comment, and \\ and \"\"\" end no docstring.
    """

    order_id: str = Field(min_length=1, max_length=64, description="Which order.")
    amount: int = Field(default=0, ge=0, le=10**18, multiple_of=1)
    small: int | None = Field(default=None, lt=100, gt=-100)
    ratio: float = 0.1
    exact: Decimal = Decimal("1.50")
    urgent: bool = False
    color: Color = Color.RED
    state: Literal["new", 1, None] = "new"
    day: date
    at: datetime
    key: UUID
    note: str | None = "없음"
    lines: list[Line] = Field(min_length=1, max_length=5)
    by_color: dict[Color, int] = Field(default={})
    labels: dict[str, str] = Field(default={})
    method: Annotated[Card | Bank, Field(discriminator="kind")]
    first: Line = Line(sku="a")
    mixed: int | str | list[int] = 3
    pair: tuple[int, str] = (1, "x")
    tags: set[str] = Field(default=set())
    anything: Any = None
    class_: str = Field(default="", alias="class")
    HTML_body: str = Field(default="<b>", alias="HTMLBody")


class OrderPayload(Payload):
    payload_version = 2

    order_id: str = Field(min_length=1, max_length=300)
    paid: bool = True
    day: date | None = None


@processor(timeout=None, result_ttl=60)
def everything(payload: EverythingPayload) -> str:
    return payload.order_id


@processor(timeout=20, job_id="order-{order_id}-{paid}-{day}")
def order(payload: OrderPayload) -> str:
    return payload.order_id


@processor(job_id=lambda payload: payload.order_id[::-1])
def backwards(payload: OrderPayload) -> str:
    return payload.order_id
