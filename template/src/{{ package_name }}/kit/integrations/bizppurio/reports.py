"""Delivery reports, as Bizppurio pushes them to a URL or hands them out when polled.

Source: manual v2.7, chapter 7 (전송 결과 전달), and v3.5 (PUSH 방식, POLLING 방식). Pushed keys
are in capitals, polled ones are not; the tables also spell two of them differently.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ...engine import PermanentError
from ..text import decoded
from .result_codes import Outcome, ResultCode


class InvalidReportError(PermanentError):
    """It is not a delivery report."""


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """The outcome of a message.

    Args:
        messagekey: As `send` returned it.
        message_id: The vendor's own id, which `confirm_reports` wants.
        refkey: Ours, where it was reported.
        media: What was really sent, for instance SMS, LMS, KAT (AlimTalk).
        phone: The recipient.
        result: The code as it came.
        code: The code, where it is documented.
        fallback_result: Code of the message that was sent instead, if one was.
        fallback_code: That code, where it is documented.
        time: When it was sent.
        carrier: SKT, KTF, LGT or KAO.
        userinfo: Department for the bill.
    """

    messagekey: str
    message_id: str
    refkey: str | None
    media: str
    phone: str = field(repr=False)
    result: str
    code: ResultCode | None
    fallback_result: str | None
    fallback_code: ResultCode | None
    time: datetime | None
    carrier: str | None
    userinfo: str | None

    @property
    def delivered(self) -> bool:
        """Return whether the message, or the one sent instead, has arrived."""
        return any(
            each is not None and each.outcome is Outcome.DELIVERED
            for each in (self.code, self.fallback_code)
        )

    @property
    def worth_retrying(self) -> bool:
        """Return whether the same message may arrive when it is sent again later."""
        last = self.fallback_code if self.fallback_result else self.code
        return not self.delivered and last is not None and last.outcome is Outcome.TEMPORARY


def parse_report(report: Mapping[str, Any] | str | bytes) -> DeliveryReport:
    """Read one report.

    Args:
        report: The JSON object, or its text as it was pushed.

    Raises:
        InvalidReportError: It is not a report.
    """
    if isinstance(report, str | bytes):
        try:
            pushed = decoded(report) if isinstance(report, bytes) else report
            report = json.loads(pushed, strict=False)
        except ValueError:
            raise InvalidReportError("the report is not JSON") from None
    if not isinstance(report, Mapping):
        raise InvalidReportError("the report is no JSON object")
    values = {str(key).upper().replace(" ", "_"): value for key, value in report.items()}

    def text(*names: str) -> str | None:
        found = next((values[name] for name in names if values.get(name) not in (None, "")), None)
        return None if found is None else str(found).strip()

    messagekey, result = text("CMSGID"), text("RESULT")
    if messagekey is None or result is None:
        raise InvalidReportError("the report lacks CMSGID or RESULT")
    instead = text("TELRES", "KAORES", "RCSRES")
    return DeliveryReport(
        messagekey=messagekey,
        message_id=text("MSGID") or "",
        refkey=text("REFKEY"),
        media=text("MEDIA", "DEVICE") or "",
        phone=text("PHONE") or "",
        result=result,
        code=ResultCode.find(result),
        fallback_result=instead,
        fallback_code=None if instead is None else ResultCode.find(instead),
        time=_time(text("UNIXTIME", "UNIXTME")),
        carrier=text("WAPINFO"),
        userinfo=text("USERDATA"),
    )


def _time(seconds: str | None) -> datetime | None:
    try:
        return None if seconds is None else datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None
