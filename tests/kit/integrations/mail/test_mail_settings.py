"""The variables of mail, and the preview of a template."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from worker_payment.kit.cli import command_line
from worker_payment.kit.config.fields import describe_errors
from worker_payment.kit.engine import Payload, Policy, Processor
from worker_payment.kit.integrations.mail import (
    Mailer,
    close_mailer,
    mailer,
)
from worker_payment.kit.integrations.mail.settings import MailSettings

SMTP = {"SMTP_HOST": "mail.example.com", "SMTP_FROM": "Shop <shop@example.com>"}
SES = {"MAIL_PROVIDER": "ses", "SES_REGION": "ap-northeast-2", "SES_FROM": "shop@example.com"}


@pytest.fixture
def read(monkeypatch, tmp_path, templates):
    """Read settings from these variables alone."""
    monkeypatch.chdir(tmp_path)
    for name in MailSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)

    def read(**variables):
        for name, value in ({"MAIL_TEMPLATE_DIR": "./mail"} | variables).items():
            monkeypatch.setenv(name, value)
        return MailSettings()

    return read


def problem(read, **variables) -> str:
    with pytest.raises(ValueError, match=r".") as caught:
        read(**variables)
    return describe_errors([(MailSettings, caught.value)])


def test_variables_of_the_other_provider_are_not_needed(read):
    assert read(**SMTP).sender.email == "shop@example.com"


def test_ses_needs_no_variables_of_smtp_and_no_keys(read):
    settings = read(**SES)
    assert settings.ses_access_key_id is None
    assert settings.sender.email == "shop@example.com"


@pytest.mark.parametrize(("variables", "port"), [({}, 587), ({"SMTP_SECURE": "true"}, 465)])
def test_the_port_follows_from_the_kind_of_tls(read, variables, port):
    assert read(**SMTP, **variables).port == port


def test_every_missing_variable_is_named_at_once(read):
    text = problem(read)
    assert "SMTP_HOST: is missing" in text
    assert "SMTP_FROM: is missing" in text
    assert "SES_" not in text


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"SMTP_USER": "worker"}, "SMTP_PASSWORD"),
        ({"SMTP_PASSWORD": "hidden-value"}, "SMTP_PASSWORD"),
        ({"SMTP_FROM": "no address"}, "SMTP_FROM"),
        ({"SMTP_PORT": "70000"}, "SMTP_PORT"),
        ({"SMTP_TIMEOUT": "soon"}, "SMTP_TIMEOUT"),
        ({"MAIL_PROVIDER": "pigeon"}, "MAIL_PROVIDER"),
        ({"MAIL_TEMPLATE_DIR": "./absent"}, "MAIL_TEMPLATE_DIR"),
        ({"SES_SECRET_ACCESS_KEY": "hidden-value"}, "SES_SECRET_ACCESS_KEY"),
        ({"SES_ENDPOINT": "ftp://x"}, "SES_ENDPOINT"),
    ],
)
def test_a_wrong_variable_is_named_and_its_value_is_not(read, variables, told):
    text = problem(read, **(SMTP | variables))
    assert told in text
    assert "hidden-value" not in text


def test_secrets_are_not_in_the_repr(read):
    assert "hidden-value" not in repr(read(**SMTP, SMTP_USER="u", SMTP_PASSWORD="hidden-value"))


def test_one_mailer_serves_the_whole_process_until_it_is_closed(read):
    read(**SMTP)
    first = mailer()
    assert isinstance(first, Mailer)
    assert mailer() is first
    close_mailer()
    assert mailer() is not first
    close_mailer()


def test_a_preview_writes_the_mail_and_needs_no_server(read, tmp_path):
    with pytest.raises(ValueError, match=r"SMTP_HOST|smtp_host"):
        read()
    command = ["mail", "preview", "order", "--out", "out", "--data"]
    data = '{"number": 7, "name": "<김>", "logo": true}'
    result = CliRunner().invoke(command_line(), [*command, data], catch_exceptions=False)
    assert result.exit_code == 0
    out = tmp_path / "out"
    assert (out / "subject.txt").read_text(encoding="utf-8") == "Order 7"
    assert "&lt;김&gt;" in (out / "body.html").read_text(encoding="utf-8")
    assert "<김>" in (out / "body.txt").read_text(encoding="utf-8")
    assert b"Content-ID: <logo>" in (out / "mail.eml").read_bytes()


def test_a_processor_asks_for_the_mailer_by_its_type(read, monkeypatch):
    read(**SMTP)

    def greet(payload: Payload, given: Mailer) -> bool:
        return given is mailer()

    assert Processor(greet, Policy(), None, None)(Payload())
    close_mailer()
