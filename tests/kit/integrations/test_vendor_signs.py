"""Which answers of a vendor mean that it is away, and which are answers about the call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from email.message import EmailMessage
from uuid import uuid4

import pytest
from aiosmtpd.controller import Controller
from redis import Redis

from integrations.network import Answers
from support import free_port
from worker_payment.kit.breaker import breakers
from worker_payment.kit.config.fields import BreakerConfig
from worker_payment.kit.engine import JobError, OutageError
from worker_payment.kit.integrations.bizppurio import Bizppurio, BizppurioSettings
from worker_payment.kit.integrations.mail import MailUnavailableError
from worker_payment.kit.integrations.mail.smtp import SmtpConfig, SmtpProvider
from worker_payment.kit.integrations.public_data import (
    PublicData,
    PublicDataSettings,
    PublicRow,
    Service,
)
from worker_payment.kit.integrations.s3.client import make_client
from worker_payment.kit.integrations.s3.settings import S3Config
from worker_payment.kit.integrations.shared_state import SharedState

AT_ONCE = BreakerConfig(failures=1)


@pytest.fixture(scope="module")
def answers() -> Iterator[Answers]:
    """A vendor that answers as it is told."""
    made = Answers()
    yield made
    made.close()


@pytest.fixture
def calls(answers, redis_url) -> Iterator[dict[str, Callable[[], object]]]:
    """One call of each vendor, by its name."""
    config = {"region": "us-east-1", "bucket": "files", "endpoint": answers.url}
    config |= {"access_key_id": "key", "secret_access_key": "secret"}
    state = SharedState(Redis.from_url(redis_url), uuid4().hex, lambda _: None)
    s3 = make_client(S3Config(**config), AT_ONCE)
    settings = {"base_url": answers.url, "service_key": "key", "breaker": AT_ONCE, "rate": 0}
    data = PublicData(PublicDataSettings(_env_file=None, **settings), state)
    account = {"bizppurio_msg_id": "me", "bizppurio_msg_password": "secret"}
    account |= {"bizppurio_msg_base_url": answers.url, "bizppurio_breaker": AT_ONCE}
    sms = Bizppurio(BizppurioSettings(_env_file=None, **account), state)
    yield {
        "s3": lambda: s3.delete("a.txt"),
        "public data": lambda: data.page(Service("/rows", PublicRow)),
        "bizppurio": sms.poll_reports,
    }
    for client in (s3, data, sms):
        client.close()


@pytest.mark.parametrize("vendor", ["s3", "public data", "bizppurio"])
def test_what_an_answer_says(calls, answers, vendor):
    """A wrong key, a limit and a fault of the server are answers, and close the breaker."""
    for status, away in (
        *((403, False), (503, True), (401, False), (502, True), (404, False)),
        *((504, True), (500, False), (429, False)),
    ):
        answers.tell(status, Retry_After="9") if status == 429 else answers.tell(status)
        with pytest.raises(JobError) as caught:
            calls[vendor]()
        assert isinstance(caught.value, OutageError) is away, (status, caught.value)
        assert bool(breakers.away()) is away, status


class Mailbox:
    """Answers a recipient as its address says, and a mail as its recipient says."""

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if address.startswith(("421", "451")):
            return f"{address[:3]} 4.3.2 not now"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if envelope.rcpt_tos[0].startswith("cut"):
            server.transport.abort()
        return "421 4.3.2 closing" if envelope.rcpt_tos[0].startswith("data") else "250 OK"


def test_a_mail_that_may_be_on_its_way_is_not_free():
    """421 takes no mail; a line that is cut after the text leaves it open; 451 is about one."""
    server = Controller(Mailbox(), hostname="127.0.0.1", port=free_port())
    server.start()
    provider = SmtpProvider(SmtpConfig(host="127.0.0.1", port=server.port), AT_ONCE)
    message = EmailMessage()
    message.set_content("Hello")
    try:
        for name, free, away in (
            *(("451", False, False), ("421", True, True), ("kim", None, False)),
            *(("data", True, True), ("451", False, False), ("cut", False, True)),
        ):
            expected = nullcontext() if free is None else pytest.raises(MailUnavailableError)
            with expected as caught:
                provider.send(message, "shop@example.com", [f"{name}@example.com"])
            assert caught is None or isinstance(caught.value, OutageError) is free, name
            assert bool(breakers.away()) is away, name
    finally:
        provider.close()
        server.stop()
