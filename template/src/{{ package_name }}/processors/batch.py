"""Aggregate a day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import structlog

from ..kit import Backoff, Payload, processor, schedule

log = structlog.get_logger(__name__)

PROGRESS = 10_000  # rows between two lines in the log: a long job shows that it moves


class AggregatePayload(Payload):
    """`{"day": "2026-01-01"}`"""

    day: date


@dataclass(frozen=True, slots=True)
class Sale:
    """One row of the source."""

    product: str
    amount: int  # won


def read_sales(day: date) -> Iterator[Sale]:
    """Read the day's rows one by one, so that memory does not grow with the day."""
    # Read from your database here. This sample makes up 25,000 rows, the same ones each time.
    for number in range(25_000):
        yield Sale(f"product-{number % 7}", (number + day.toordinal()) % 1000)


def store(day: date, totals: dict[str, int]) -> None:
    """Keep the result. Replace the day as a whole, so that a second run changes nothing."""
    # Write to your database here.
    log.info("batch.stored", day=day.isoformat(), products=len(totals))


# A long job: few attempts, a generous timeout, and the same day waits or runs only once.
@processor(
    attempts=2,
    backoff=Backoff(first=60.0),
    timeout=3600,
    job_id="aggregate-{day}",
)
def aggregate_day(payload: AggregatePayload) -> dict[str, int]:
    """Sum up one day's sales by product."""
    totals: dict[str, int] = defaultdict(int)
    rows = 0
    for sale in read_sales(payload.day):
        totals[sale.product] += sale.amount
        rows += 1
        if rows % PROGRESS == 0:
            log.info("batch.progress", rows=rows)
    store(payload.day, totals)
    return {"rows": rows, "products": len(totals), "amount": sum(totals.values())}


# The day before, every night at three. One replica publishes it; a missed night is made up for.
schedule(
    aggregate_day,
    "0 3 * * *",
    lambda due: AggregatePayload(day=due.date() - timedelta(days=1)),
    timezone="Asia/Seoul",
)
