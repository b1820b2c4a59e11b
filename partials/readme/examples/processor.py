# src/{{ package_name }}/processors/report.py
import structlog

from ..kit import Backoff, Payload, PermanentError, TemporaryError, processor

log = structlog.get_logger(__name__)


class SendReportPayload(Payload):
    """`{"reportId": "R-7", "copies": 2}`"""

    report_id: str
    copies: int = 1


@processor(
    attempts=5,
    backoff=Backoff(first=3.0, factor=2.0, longest=600.0),  # seconds; some jitter is added
    timeout=60,  # seconds for one attempt
    job_id=lambda payload: f"report-{payload.report_id}",  # the same report waits only once
)
def send_report(payload: SendReportPayload) -> dict[str, str]:
    if payload.copies > 100:
        raise PermanentError("too many copies")  # fails at once
    printer_is_busy = False
    if printer_is_busy:
        raise TemporaryError("the printer is busy", retry_after=30)  # tried again in 30 s
    log.info("report.sent", reportId=payload.report_id)
    return {"status": "sent"}  # JSON, kept for 500 s
