"""Korean public data (data.go.kr).

A service is described once; a processor asks for the client by its type::

    class AptTrade(PublicRow):
        apt_nm: str
        deal_amount: CommaInt

    TRADES = Service("/1613000/RTMSDataSvcAptTradeDev/getRTMSDataSvcAptTradeDev", AptTrade)


    @processor(attempts=8, timeout=None)
    def collect(payload: CollectPayload, context: JobContext, data: PublicData) -> None:
        question = {"LAWD_CD": payload.district, "DEAL_YMD": payload.month}
        for page in data.pages(TRADES, question, resume=context.target):
            store(page.rows)
"""

from __future__ import annotations

from contextlib import nullcontext

from ...engine import provide
from ..lazy import Lazy
from ..shared_state import shared_state
from .client import PublicData
from .errors import (
    PublicDataRefusedError,
    PublicDataRowError,
    PublicDataUnavailableError,
    QuotaSpentError,
)
from .result_codes import Outcome, ResultCode
from .service import (
    PAGE_NO,
    PER_PAGE,
    CommaDecimal,
    CommaInt,
    Page,
    Paging,
    PublicRow,
    Service,
    normalise_key,
)
from .settings import PublicDataSettings

__all__ = [
    "PAGE_NO",
    "PER_PAGE",
    "CommaDecimal",
    "CommaInt",
    "Outcome",
    "Page",
    "Paging",
    "PublicData",
    "PublicDataRefusedError",
    "PublicDataRowError",
    "PublicDataSettings",
    "PublicDataUnavailableError",
    "PublicRow",
    "QuotaSpentError",
    "ResultCode",
    "Service",
    "close",
    "normalise_key",
    "public_data",
]

_shared: Lazy[PublicData] = Lazy(
    lambda: PublicData(PublicDataSettings(), shared_state("public-data")), PublicData.close
)


def public_data() -> PublicData:
    """The client of this process, made from the settings on first use."""
    return _shared.get()


def close() -> None:
    """End its connections."""
    _shared.close()


provide(PublicData, lambda _: nullcontext(public_data()))
