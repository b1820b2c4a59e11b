"""Collect a public data set, one page per job."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pydantic import Field

from ..kit import Backoff, Payload, get_logger, processor

log = get_logger(__name__)

PAGE_SIZE = 100


class CollectPayload(Payload):
    """`{"dataset": "air-quality", "day": "2026-01-01", "page": 1}`"""

    dataset: str = Field(pattern=r"^[a-z0-9-]{1,64}$")
    day: date
    page: int = Field(default=1, ge=1)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the answer.

    Args:
        rows: Its rows.
        total: How many rows the whole data set has.
    """

    rows: list[dict[str, str]]
    total: int


def fetch(dataset: str, day: date, page: int) -> Page:
    """Ask the provider for one page.

    Raises:
        TemporaryError: Too many calls this second, or the provider is busy.
        PermanentError: The key is wrong, or the quota of the day is used up.
    """
    # Call the provider here. This sample makes up 250 rows, the same ones each time.
    total = 250
    first = (page - 1) * PAGE_SIZE
    numbers = range(first, min(first + PAGE_SIZE, total))
    return Page([{"id": f"{dataset}-{day}-{number}"} for number in numbers], total)


def store(rows: list[dict[str, str]]) -> None:
    """Keep the rows. Write so that the same page may come twice: insert or update by id."""
    # Write to your database here.
    log.info("public_data.stored", rows=len(rows))


# One at a time and in order: a page that is retried is not overtaken by the next one.
@processor(
    attempts=5,
    backoff=Backoff(first=10.0, longest=600.0),
    timeout=120,
    keep_order=True,
    job_id="collect-{dataset}-{day}-{page}",
)
def collect_page(payload: CollectPayload) -> dict[str, int]:
    """Collect one page, then publish the job of the next one."""
    page = fetch(payload.dataset, payload.day, payload.page)
    store(page.rows)
    if payload.page * PAGE_SIZE < page.total:
        collect_page.enqueue(payload.model_copy(update={"page": payload.page + 1}))
    return {"page": payload.page, "rows": len(page.rows)}
