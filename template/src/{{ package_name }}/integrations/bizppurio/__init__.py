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

from contextlib import nullcontext

from ...engine import provide
from ..lazy import Lazy
from ..shared_state import shared_state
from .client import Accepted, Bizppurio, refkey_for
from .content import AlimTalk, Button, Content, Lms, Mms, Sms, euc_kr_bytes
from .errors import (
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
    "BizppurioCore",
    "BizppurioRefusedError",
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
    "euc_kr_bytes",
    "parse_report",
    "refkey_for",
]

_messages: Lazy[Bizppurio] = Lazy(
    lambda: Bizppurio(BizppurioSettings(), shared_state("bizppurio")), Bizppurio.close
)
_core: Lazy[BizppurioCore] = Lazy(lambda: BizppurioCore(BizppurioSettings()), BizppurioCore.close)


def bizppurio() -> Bizppurio:
    """The message client of this process, made from the settings on first use."""
    return _messages.get()


def bizppurio_core() -> BizppurioCore:
    """The template client of this process, made from the settings on first use."""
    return _core.get()


def close() -> None:
    """End their connections."""
    _messages.close()
    _core.close()


provide(Bizppurio, lambda _: nullcontext(bizppurio()))
provide(BizppurioCore, lambda _: nullcontext(bizppurio_core()))
