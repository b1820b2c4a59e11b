"""Which answers of a vendor mean that it is away, and which are answers about the call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from email.message import EmailMessage
from uuid import uuid4

import pytest
from aiosmtpd.controller import Controller
from fcm_server import FakeFcm, account, write_account
from ftp_server import PASSWORD, USER, FtpServer
from redis import Redis

from integrations.network import Answers
from support import free_port
from worker_payment.kit.breaker import breakers
from worker_payment.kit.config.fields import BreakerConfig
from worker_payment.kit.engine import JobError, OutageError
from worker_payment.kit.integrations.aws import aws_client
from worker_payment.kit.integrations.bizppurio import Bizppurio, BizppurioSettings
from worker_payment.kit.integrations.fcm import Fcm, FcmSettings, Push
from worker_payment.kit.integrations.ftp import FtpClient
from worker_payment.kit.integrations.ftp.settings import FtpConfig
from worker_payment.kit.integrations.mail import MailUnavailableError
from worker_payment.kit.integrations.mail.ses import SesProvider
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


@pytest.fixture
def sendings(
    answers, httpserver, tmp_path, monkeypatch
) -> Iterator[dict[str, Callable[[], object]]]:
    """A call of each vendor that must not be made twice, by the vendor's name."""
    FakeFcm(httpserver)  # its token server; messages go to `answers`
    push = {"fcm_auth_json_dir": write_account(tmp_path, account(httpserver)), "fcm_timeout": 2000}
    push |= {"fcm_base_url": answers.url, "fcm_breaker": AT_ONCE}
    fcm = Fcm(FcmSettings(_env_file=None, **push))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    client = aws_client("sesv2", region="us-east-1", endpoint=answers.url, timeout=5)
    ses = SesProvider(client, "shop@example.com", AT_ONCE)
    message = EmailMessage()
    message.set_content("Hello")
    yield {
        "fcm": lambda: fcm.send(Push(title="Hello"), token="device"),
        "ses": lambda: ses.send(message, "shop@example.com", ["kim@example.com"]),
    }
    fcm.close()
    ses.close()


@pytest.mark.parametrize("vendor", ["fcm", "ses"])
def test_what_an_answer_to_a_sending_says(sendings, answers, vendor):
    """A gateway that does not know what became of it opens the breaker, and costs the attempt."""
    for status, free, away in (
        *((403, False, False), (503, True, True), (401, False, False), (502, False, True)),
        *((404, False, False), (504, False, True), (429, False, False), (500, False, False)),
    ):
        answers.tell(status, Retry_After="1") if status == 429 else answers.tell(status)
        with pytest.raises(JobError) as caught:
            sendings[vendor]()
        assert isinstance(caught.value, OutageError) is free, (status, caught.value)
        assert bool(breakers.away()) is away, status


def test_a_server_that_closes_the_session_is_away(tmp_path):
    """FTP's 421; other refusals are answers."""
    server = FtpServer(tmp_path)
    (tmp_path / "a.txt").write_text("a")
    config = FtpConfig(host="127.0.0.1", port=server.port, user=USER, password=PASSWORD)
    client = FtpClient(config, AT_ONCE)
    try:
        for reply, away in (("450 in use", False), ("421 closing", True), ("550 no", False)):
            server.refuse("DELE", reply)
            with pytest.raises(JobError) as caught:
                client.delete("a.txt")
            assert isinstance(caught.value, OutageError) is away, reply
            assert bool(breakers.away()) is away, reply
    finally:
        client.close()
        server.stop()


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
