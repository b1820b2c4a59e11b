"""SES against a server that speaks its protocol, and one that says no."""

from __future__ import annotations

import json
import time
import traceback

import pytest
from mail_templates import TEMPLATES, write_templates
from moto.ses.models import ses_backends

from integrations.amazon import aws_server
from integrations.network import Answers
from worker_payment.kit.integrations.aws import aws_client
from worker_payment.kit.integrations.mail import (
    Address,
    Mail,
    MailRefusedError,
    MailUnavailableError,
)
from worker_payment.kit.integrations.mail.delivery import make_mailer
from worker_payment.kit.integrations.mail.settings import MailSettings

REGION = "ap-northeast-2"
ACCOUNT = "123456789012"  # moto's


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """Keys that only the default chain finds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "from-the-chain")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "from-the-chain")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_CONFIG_FILE", str(tmp_path_factory.mktemp("aws") / "absent"))
        yield


@pytest.fixture(scope="module")
def make(chain, tmp_path_factory):
    """Make mailers for SES; they are closed in the end."""
    folder = write_templates(tmp_path_factory.mktemp("mail"), TEMPLATES)
    made = []

    def make(endpoint, sender="Shop <shop@verified.example>"):
        settings = MailSettings(
            _env_file=None,
            mail_template_dir=folder,
            mail_provider="ses",
            ses_region=REGION,
            ses_from=sender,
            ses_endpoint=endpoint,
            ses_timeout=5000,
        )
        made.append(make_mailer(settings))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture(scope="module")
def ses(make):
    """SES with one verified sender."""
    with aws_server() as url:
        client = aws_client("sesv2", region=REGION, endpoint=url, timeout=60)  # it loads SES now
        client.create_email_identity(EmailIdentity="shop@verified.example")
        client.close()
        verified = ses_backends[ACCOUNT][REGION].email_identities["shop@verified.example"]
        verified.verified_for_sending_status = True  # as if somebody had clicked the link
        yield make(url)


@pytest.fixture(scope="module")
def answers():
    answers = Answers()
    yield answers
    answers.close()


@pytest.fixture(scope="module")
def refusing(make, answers):
    """SES that answers as it is told."""
    return make(answers.url)


def order(*to, **parts):
    chosen = {"template": "order", "to": to, "data": {"number": 7, "name": "김"}}
    return Mail(**(chosen | parts))


def test_a_mail_arrives(ses):
    receipt = ses.send(order("김 <kim@example.com>", bcc=["hidden@example.com"]))
    sent = ses_backends[ACCOUNT][REGION].sent_messages[-1]
    assert sent.id == receipt.provider_id
    assert sent.source == "shop@verified.example"
    assert {"kim@example.com", "hidden@example.com"} <= set(sent.destinations)
    assert "hidden" not in sent.raw_data
    assert receipt.message_id in sent.raw_data
    assert receipt.accepted == ("kim@example.com", "hidden@example.com")


def test_a_sender_that_is_not_verified_is_permanent(ses):
    with pytest.raises(MailRefusedError, match="MessageRejected"):
        ses.send(order("kim@example.com", sender=Address("other@example.com")))


def test_the_check_finds_the_sender_verified(ses):
    assert "shop@verified.example is verified, 2 templates" in ses.check()


def test_the_check_tells_a_sender_that_is_not(make, answers):
    answers.tell(404, "{}", x_amzn_ErrorType="NotFoundException")
    with pytest.raises(MailRefusedError, match=r"neither stranger@example.com nor its domain"):
        make(answers.url, "stranger@example.com").check()
    assert len(answers.asked) == 2


def test_a_refused_address_is_not_repeated(refusing, answers):
    said = "Email address is not verified: kim.private@example.com"
    answers.tell(400, json.dumps({"message": said}), x_amzn_ErrorType="MessageRejected")
    with pytest.raises(MailRefusedError, match="a recipient, is not verified") as caught:
        refusing.send(order("kim@example.com"))
    assert "kim.private" not in "".join(traceback.format_exception(caught.value))


def test_letters_before_the_at_are_refused_before_sending(refusing, answers):
    answers.tell(200)
    with pytest.raises(MailRefusedError, match="ASCII"):
        refusing.send(order("김@example.com"))
    assert answers.asked == []


def test_more_recipients_than_one_mail_may_have_get_several_mails(refusing, answers):
    answers.tell(200, '{"MessageId": "m"}')
    everybody = [f"user{number}@example.com" for number in range(101)]
    receipt = refusing.send(order(*everybody))
    assert receipt.accepted == tuple(everybody)
    assert receipt.provider_id == "m m m"
    assert len(answers.asked) == 3


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "MessageRejected", MailRefusedError),
        (400, "BadRequestException", MailRefusedError),
        (400, "AccountSuspendedException", MailRefusedError),
        (400, "MailFromDomainNotVerifiedException", MailRefusedError),
        (403, "InvalidClientTokenId", MailRefusedError),
        (404, "NotFoundException", MailRefusedError),
        (400, "SendingPausedException", MailUnavailableError),
        (400, "LimitExceededException", MailUnavailableError),
        (403, "ExpiredTokenException", MailUnavailableError),
        (429, "TooManyRequestsException", MailUnavailableError),
        (500, "InternalFailure", MailUnavailableError),
        (503, "ServiceUnavailable", MailUnavailableError),
    ],
)
def test_every_answer_says_whether_a_retry_helps(refusing, answers, status, code, error):
    """One call each: a second try in here could send a second mail."""
    answers.tell(status, '{"message": "because"}', x_amzn_ErrorType=code)
    with pytest.raises(error, match=rf"{code} \(HTTP {status}\)$"):
        refusing.send(order("kim@example.com"))
    assert answers.asked == ["POST /v2/email/outbound-emails"]


def test_a_rate_limit_waits_as_long_as_it_says(refusing, answers):
    answers.tell(429, "{}", x_amzn_ErrorType="TooManyRequestsException", Retry_After="17")
    with pytest.raises(MailUnavailableError) as caught:
        refusing.send(order("kim@example.com"))
    assert caught.value.retry_after == 17


def test_without_any_keys_it_is_permanent_and_fast(make, answers, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    started = time.monotonic()
    with pytest.raises(MailRefusedError, match="NoCredentialsError"):
        make(answers.url).send(order("kim@example.com"))
    assert time.monotonic() - started < 2


def test_a_server_that_is_not_there_is_temporary(make):
    gone = Answers()
    gone.close()
    with pytest.raises(MailUnavailableError, match="EndpointConnectionError"):
        make(gone.url).send(order("kim@example.com"))
