"""Korean public data (data.go.kr).

A service is described once; a processor asks for the client by its type::

    class AptTrade(PublicRow):
        apt_nm: str
        deal_amount: CommaInt

    TRADES = Service("/1613000/RTMSDataSvcAptTradeDev/getRTMSDataSvcAptTradeDev", AptTrade)


    @processor(attempts=8, timeout=None)
    def collect(payload: CollectPayload, context: JobContext, data: PublicData) -> None:
        question = {"LAWD_CD": payload.district, "DEAL_YMD": payload.month}
        for page in data.pages(TRADES, question, after=context.state):
            store(page.rows)
            context.checkpoint(page.state)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...lazy import Lazy, lazy_names

if TYPE_CHECKING:
    from .client import PublicData
    from .errors import (
        PublicDataAwayError,
        PublicDataIncompleteError,
        PublicDataPagingError,
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
    "PublicDataAwayError",
    "PublicDataIncompleteError",
    "PublicDataPagingError",
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

# Nothing is loaded before a processor or a call asks for it.
__getattr__ = lazy_names(
    __name__,
    {
        "client": ("PublicData",),
        "errors": (
            "PublicDataAwayError",
            "PublicDataIncompleteError",
            "PublicDataPagingError",
            "PublicDataRefusedError",
            "PublicDataRowError",
            "PublicDataUnavailableError",
            "QuotaSpentError",
        ),
        "result_codes": ("Outcome", "ResultCode"),
        "service": (
            "PAGE_NO",
            "PER_PAGE",
            "CommaDecimal",
            "CommaInt",
            "Page",
            "Paging",
            "PublicRow",
            "Service",
            "normalise_key",
        ),
        "settings": ("PublicDataSettings",),
    },
)


def _make() -> PublicData:
    from ..shared_state import shared_state  # noqa: PLC0415 - see `lazy_names`
    from .client import PublicData  # noqa: PLC0415
    from .settings import PublicDataSettings  # noqa: PLC0415

    return PublicData(PublicDataSettings(), shared_state("public-data"))


_shared: Lazy[PublicData] = Lazy(_make, lambda client: client.close())


def public_data() -> PublicData:
    """Return the client of this process, made from the settings on first use."""
    return _shared.get()


def close() -> None:
    """Close its connections."""
    _shared.close()
