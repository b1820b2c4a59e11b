"""Collect the apartment trades of one district and month from data.go.kr.

The service: 국토교통부 아파트 매매 실거래가 상세 자료 (data.go.kr, 15126468).
"""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field

from ..kit import Backoff, JobContext, Payload, get_logger, processor
from ..kit.integrations.public_data import CommaInt, Page, PublicData, PublicRow, Service

log = get_logger(__name__)

PAGE_SIZE = 1000
FOLDER = Path("data/apt-trades")


class AptTrade(PublicRow):
    """One trade, as far as it is kept. Each field is named after the service's."""

    apt_nm: str
    umd_nm: str
    jibun: str | None = None
    deal_year: int
    deal_month: int
    deal_day: int
    deal_amount: CommaInt = Field(description="In 10,000 won.")
    exclu_use_ar: float = Field(description="In square metres.")
    floor: int | None = None
    build_year: int | None = None


TRADES = Service("/1613000/RTMSDataSvcAptTradeDev/getRTMSDataSvcAptTradeDev", AptTrade)


class CollectPayload(Payload):
    """`{"district": "11680", "month": "202601"}`"""

    district: str = Field(pattern=r"^\d{5}$", description="First five digits of the 법정동코드.")
    month: str = Field(pattern=r"^20\d{2}(0[1-9]|1[0-2])$", description="Year and month.")


def store(payload: CollectPayload, page: Page[AptTrade]) -> None:
    """Keep one page as JSON lines. The same page may come twice and replaces itself."""
    # Or write to your database here: insert, or update where the trade is known.
    folder = FOLDER / f"{payload.district}-{payload.month}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"page-{page.number:04}.jsonl"
    lines = [row.model_dump_json(by_alias=True) + "\n" for row in page.rows]
    unfinished = path.with_suffix(".part")
    unfinished.write_text("".join(lines), encoding="utf-8")
    os.replace(unfinished, path)  # noqa: PTH105 - a reader sees the whole page or none


# One at a time. The attempts also count the nights that are waited through when the quota of
# the day is spent; the run then goes on with the page that was not finished.
@processor(
    attempts=8,
    backoff=Backoff(first=10.0, longest=600.0),
    timeout=1800,
    job_id="trades-{district}-{month}",
)
def collect(payload: CollectPayload, context: JobContext, data: PublicData) -> dict[str, int]:
    """Collect all pages of one district and month."""
    question = {"LAWD_CD": payload.district, "DEAL_YMD": payload.month}
    rows = pages = 0
    for page in data.pages(TRADES, question, size=PAGE_SIZE, after=context.state):
        store(payload, page)
        rows, pages = rows + len(page.rows), pages + 1
        log.info("public_data.stored", page=page.number, rows=len(page.rows), of=page.total)
        context.checkpoint(page.state)  # whatever ends this attempt, the next page comes first
    return {"pages": pages, "rows": rows}
