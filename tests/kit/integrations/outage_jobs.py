"""Jobs for the outages of vendors: one for each vendor, and one that needs none."""

from __future__ import annotations

from worker_payment.kit.engine import Backoff, JobContext, Payload, processor
from worker_payment.kit.integrations.bizppurio import Bizppurio, Sms, refkey_for
from worker_payment.kit.integrations.fcm import Fcm, Push
from worker_payment.kit.integrations.ftp import FtpClient
from worker_payment.kit.integrations.mail import Mail, mailer
from worker_payment.kit.integrations.public_data import PublicData, PublicRow, Service
from worker_payment.kit.integrations.s3 import S3Client

BAD = "/bad"  # the path of a service that never works


class Work(Payload):
    """Which of them."""

    name: str


class Row(PublicRow):
    """A row of the service."""

    name: str


@processor(attempts=1)
def upload(payload: Work, ftp: FtpClient) -> None:
    ftp.upload(payload.name.encode(), f"{payload.name}.txt")


@processor(attempts=1)
def store(payload: Work, s3: S3Client) -> None:
    s3.upload(payload.name.encode(), f"{payload.name}.txt")


@processor(attempts=1)
def write(payload: Work) -> None:
    """Gets the mailer by hand, so that nothing declares that it needs one."""
    mailer().send(Mail(template="note", to=["kim@example.com"], data={"text": payload.name}))


@processor(attempts=1)
def text(payload: Work, context: JobContext, bizppurio: Bizppurio) -> None:
    bizppurio.send(Sms(payload.name), to="010-1234-5678", refkey=refkey_for(context.job_id))


@processor(attempts=1)
def push(payload: Work, fcm: Fcm) -> None:
    fcm.send(Push(title=payload.name), token=payload.name)


@processor(attempts=5, backoff=Backoff(first=0.05, factor=1, jitter=0))
def collect(payload: Work, data: PublicData) -> str:
    path = BAD if payload.name == "bad" else "/good"
    return data.page(Service(path, Row)).rows[0].name


@processor(attempts=1)
def other(payload: Work) -> None:
    """Needs nothing."""
