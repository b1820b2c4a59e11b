"""Aggregate a day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from ..kit import Backoff, JobContext, Payload, get_logger, processor, schedule

log = get_logger(__name__)

STEP = 1_000  # rows between two checkpoints: what a killed worker's successor reads again at most


class AggregatePayload(Payload):
    """`{"day": "2026-01-01"}`"""

    day: date


@dataclass(frozen=True, slots=True)
class Sale:
    """One row of the source."""

    product: str
    amount: int  # won


def read_sales(day: date, start: int) -> Iterator[list[Sale]]:
    """Read the day's rows from a position on, step by step: memory does not grow with the day."""
    # Read from your database here. This sample makes up 25,000 rows, the same ones each time.
    for first in range(start, 25_000, STEP):
        numbers = range(first, min(first + STEP, 25_000))
        yield [Sale(f"product-{n % 7}", (n + day.toordinal()) % 1000) for n in numbers]


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
def aggregate_day(payload: AggregatePayload, context: JobContext) -> dict[str, int]:
    """Sum up one day's sales by product; after a deployment or a crash, go on where it was."""
    state = context.state or {"rows": 0, "totals": {}}
    rows, totals = state["rows"], Counter[str](state["totals"])
    for sales in read_sales(payload.day, rows):
        for sale in sales:
            totals[sale.product] += sale.amount
        rows += len(sales)
        context.progress(rows, note="rows")
        context.checkpoint({"rows": rows, "totals": totals})
    store(payload.day, totals)
    return {"rows": rows, "products": len(totals), "amount": totals.total()}


# The day before, every night at three. One replica publishes it; a missed night is made up for.
schedule(
    aggregate_day,
    "0 3 * * *",
    lambda due: AggregatePayload(day=due.date() - timedelta(days=1)),
    timezone="Asia/Seoul",
)
