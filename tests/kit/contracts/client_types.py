"""What the types of the client say: mypy finds every mistake that is marked here."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import uuid4

import redis.asyncio
from client_plain import (
    AsyncClientJobsClient,
    Card,
    ClientJobsClient,
    EverythingPayload,
    Line,
    OrderPayload,
    Receipt,
)
from redis import Redis

payload = EverythingPayload(
    order_id="A-1",
    day=date(2026, 1, 31),
    at=datetime.now(UTC),
    key=uuid4(),
    lines=[Line(sku="a")],
    method=Card(kind="card", digits="1234"),
    color="하늘",
)


def use(connection: Redis) -> list[Receipt]:
    jobs = ClientJobsClient(connection, queue="other")
    jobs.everything.enqueue(payload, delay=1.5, job_id="x", at_front=True)
    jobs.order.enqueue(OrderPayload(order_id="A-1"), queue="elsewhere")  # type: ignore[arg-type]
    jobs.order.enqueue(OrderPayload(orderId="A-1"))  # type: ignore[call-arg]
    jobs.order.enqueue(OrderPayload(order_id=1))  # type: ignore[arg-type]
    jobs.order.enqueue(payload)  # type: ignore[arg-type]
    return jobs.order.enqueue_many(
        [OrderPayload(order_id="A-1")], job_id=lambda each: each.order_id
    )


async def use_it(connection: redis.asyncio.Redis) -> Receipt:
    return await AsyncClientJobsClient(connection).order.enqueue(OrderPayload(order_id="A-1"))
