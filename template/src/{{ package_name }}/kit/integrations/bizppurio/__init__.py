"""Bizppurio: AlimTalk, SMS, LMS and MMS to Korean phones.

A processor asks for a client by its type::

    @processor(attempts=5)
    def remind(payload: RemindPayload, context: JobContext, bizppurio: Bizppurio) -> None:
        bizppurio.send(
            AlimTalk("remind_01", f"{payload.name}님, 내일 예약이 있습니다."),
            to=payload.phone,
            refkey=refkey_for(context.job_id),
            fallback=[Sms("내일 예약이 있습니다.")],
        )
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...lazy import Lazy, lazy_names

if TYPE_CHECKING:
    from .client import Accepted, Bizppurio, refkey_for
    from .content import AlimTalk, Button, Content, Lms, Mms, Sms, euc_kr_bytes
    from .errors import (
        BizppurioAwayError,
        BizppurioRefusedError,
        BizppurioUnavailableError,
        BizppurioUncertainError,
        InvalidMessageError,
    )
    from .reports import DeliveryReport, InvalidReportError, parse_report
    from .result_codes import Outcome, ResultCode
    from .settings import BizppurioSettings
    from .templates import AlimTalkTemplate, BizppurioCore, CoreCredentials, TemplatePage

__all__ = [
    "Accepted",
    "AlimTalk",
    "AlimTalkTemplate",
    "Bizppurio",
    "BizppurioAwayError",
    "BizppurioCore",
    "BizppurioRefusedError",
    "BizppurioSettings",
    "BizppurioUnavailableError",
    "BizppurioUncertainError",
    "Button",
    "Content",
    "CoreCredentials",
    "DeliveryReport",
    "InvalidMessageError",
    "InvalidReportError",
    "Lms",
    "Mms",
    "Outcome",
    "ResultCode",
    "Sms",
    "TemplatePage",
    "bizppurio",
    "bizppurio_core",
    "close",
    "euc_kr_bytes",
    "parse_report",
    "refkey_for",
]

# Nothing is loaded before a processor or a call asks for it.
__getattr__ = lazy_names(
    __name__,
    {
        "client": ("Accepted", "Bizppurio", "refkey_for"),
        "content": ("AlimTalk", "Button", "Content", "Lms", "Mms", "Sms", "euc_kr_bytes"),
        "errors": (
            "BizppurioAwayError",
            "BizppurioRefusedError",
            "BizppurioUnavailableError",
            "BizppurioUncertainError",
            "InvalidMessageError",
        ),
        "reports": ("DeliveryReport", "InvalidReportError", "parse_report"),
        "result_codes": ("Outcome", "ResultCode"),
        "settings": ("BizppurioSettings",),
        "templates": ("AlimTalkTemplate", "BizppurioCore", "CoreCredentials", "TemplatePage"),
    },
)


def _make_client() -> Bizppurio:
    from ..shared_state import shared_state  # noqa: PLC0415 - see `lazy_names`
    from .client import Bizppurio  # noqa: PLC0415
    from .settings import BizppurioSettings  # noqa: PLC0415

    return Bizppurio(BizppurioSettings(), shared_state("bizppurio"))


def _make_core() -> BizppurioCore:
    from .settings import BizppurioSettings  # noqa: PLC0415
    from .templates import BizppurioCore  # noqa: PLC0415

    return BizppurioCore(BizppurioSettings())


_client: Lazy[Bizppurio] = Lazy(_make_client, lambda client: client.close())
_core: Lazy[BizppurioCore] = Lazy(_make_core, lambda core: core.close())


def bizppurio() -> Bizppurio:
    """Return the message client of this process, made from the settings on first use."""
    return _client.get()


def bizppurio_core() -> BizppurioCore:
    """Return the template client of this process, made from the settings on first use."""
    return _core.get()


def close() -> None:
    """Close their connections."""
    _client.close()
    _core.close()
