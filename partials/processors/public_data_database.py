"""Collect the apartment trades of one district and month from data.go.kr.

The service: 국토교통부 아파트 매매 실거래가 상세 자료 (data.go.kr, 15126468).
"""

from __future__ import annotations

from datetime import date

from pydantic import Field
from sqlalchemy import BigInteger, Column, Date, Float, Integer, String, Table, delete, insert

from ..kit import Backoff, JobContext, Payload, get_logger, processor
from ..kit.integrations.database import metadata, transaction
from ..kit.integrations.public_data import CommaInt, Page, PublicData, PublicRow, Service

log = get_logger(__name__)

PAGE_SIZE = 1000

# Made by migrations/versions/0001_apt_trades.py. The service gives trades no id: a trade is
# known by its place in the answer for its district and month.
apt_trades = Table(
    "apt_trades",
    metadata,
    Column("district", String(5), primary_key=True),
    Column("month", String(6), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("apt_name", String(200), nullable=False),
    Column("neighbourhood", String(100), nullable=False),
    Column("lot", String(50)),
    Column("dealt_on", Date, nullable=False),
    Column("amount", BigInteger, nullable=False),  # in won
    Column("area", Float, nullable=False),  # in square metres
    Column("floor", Integer),
    Column("built", Integer),
)


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


def _row(payload: CollectPayload, number: int, trade: AptTrade) -> dict[str, object]:
    return {
        "district": payload.district,
        "month": payload.month,
        "number": number,
        "apt_name": trade.apt_nm,
        "neighbourhood": trade.umd_nm,
        "lot": trade.jibun,
        "dealt_on": date(trade.deal_year, trade.deal_month, trade.deal_day),
        "amount": trade.deal_amount * 10_000,
        "area": trade.exclu_use_ar,
        "floor": trade.floor,
        "built": trade.build_year,
    }


def store(payload: CollectPayload, page: Page[AptTrade]) -> None:
    """Write one page in a transaction. The same page may come twice and replaces itself."""
    first = (page.number - 1) * PAGE_SIZE
    rows = [_row(payload, first + offset, trade) for offset, trade in enumerate(page.rows)]
    column = apt_trades.c
    mine = (column.district == payload.district) & (column.month == payload.month)
    last = page.total is not None and first + len(rows) >= page.total
    # The last page also takes away what an earlier, longer answer left behind.
    end = column.number >= first if last else column.number.between(first, first + PAGE_SIZE - 1)
    with transaction() as session:
        session.execute(delete(apt_trades).where(mine, end))
        session.execute(insert(apt_trades), rows)


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
