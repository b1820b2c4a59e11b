# src/{{ package_name }}/processors/report.py
from ..kit import Backoff, Payload, PermanentError, processor


class SendReportPayload(Payload):  # {"reportId": "R-7", "copies": 2}
    report_id: str
    copies: int = 1


@processor(
    attempts=5,
    backoff=Backoff(first=3.0, factor=2.0, longest=600.0),  # seconds
    timeout=60,  # seconds for one attempt
    job_id="report-{report_id}",  # the same report waits only once
)
def send_report(payload: SendReportPayload) -> dict[str, str]:
    if payload.copies > 100:
        raise PermanentError("too many copies")  # fails at once
    return {"status": "sent"}  # JSON, kept for 500 s
