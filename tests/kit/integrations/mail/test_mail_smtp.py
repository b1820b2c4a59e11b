"""SMTP against a real server: TLS, login, refusals, and lines that break."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from mail_templates import TEMPLATES
from pydantic import SecretStr

from worker_payment.kit.integrations.mail import (
    Address,
    Mail,
    MailRefusedError,
    MailUnavailableError,
)
from worker_payment.kit.integrations.mail.delivery import Mailer

SENDER = Address("shop@example.com")


def order(*to: str, **parts):
    chosen = {"template": "order", "to": to, "data": {"number": 7, "name": "Kim"}}
    return Mail(**(chosen | parts))


def test_a_mail_arrives_over_starttls_with_a_login(mailer, smtp):
    receipt = mailer.send(order("Kim <kim@example.com>", cc=["lee@example.com"], bcc=["b@b.com"]))
    (envelope,), (message,) = smtp.mailbox.envelopes, smtp.mailbox.messages
    assert envelope.mail_from == "shop@example.com"
    assert envelope.rcpt_tos == ["kim@example.com", "lee@example.com", "b@b.com"]
    assert message["Message-ID"] == receipt.message_id
    assert "b@b.com" not in envelope.content.decode()
    assert receipt.accepted == ("kim@example.com", "lee@example.com", "b@b.com")
    assert receipt.refused == ()


def test_a_mail_arrives_over_implicit_tls(start_smtp, provider, authority, templates):
    server = start_smtp(implicit_tls=authority.server_context())
    Mailer(templates, provider(server.port, secure=True), SENDER).send(order("kim@example.com"))
    assert len(server.mailbox.messages) == 1
    assert server.mailbox.logins == [True]


def test_without_user_a_server_without_tls_will_do(start_smtp, provider, templates):
    server = start_smtp(login=False)
    plain = provider(server.port, user=None, password=None)
    Mailer(templates, plain, SENDER).send(order("kim@example.com"))
    assert len(server.mailbox.messages) == 1


def test_an_address_in_another_script_is_sent_as_it_is(mailer, smtp):
    mailer.send(order("김@example.com"))
    assert smtp.mailbox.envelopes[0].rcpt_tos == ["김@example.com"]


@pytest.mark.parametrize("options", [{}, {"starttls": "off"}, {"starttls": "required"}])
def test_a_password_is_never_sent_in_the_clear(start_smtp, provider, options):
    """Permanent: a retry would meet the same server."""
    server = start_smtp()
    with pytest.raises(MailRefusedError, match="STARTTLS"):
        provider(server.port, **options).check()


def test_starttls_can_be_demanded_without_a_login(start_smtp, provider):
    server = start_smtp(login=False)
    demanding = provider(server.port, user=None, password=None, starttls="required")
    with pytest.raises(MailRefusedError, match="offers no STARTTLS"):
        demanding.check()


def test_a_certificate_of_a_stranger_is_refused(smtp, provider):
    with pytest.raises(MailRefusedError, match="certificate is not trusted"):
        provider(smtp.port, ca_file=None).check()


def test_a_certificate_for_another_name_is_refused(start_smtp, provider, authority):
    server = start_smtp(tls=authority.server_context("mail.example.com"))
    with pytest.raises(MailRefusedError, match=r"certificate is not valid for '127.0.0.1'"):
        provider(server.port).check()


def test_a_refused_login_is_permanent_and_does_not_tell_the_password(smtp, provider):
    with pytest.raises(MailRefusedError, match="535") as caught:
        provider(smtp.port, password=SecretStr("wrong-password")).check()
    assert "wrong-password" not in repr(caught.value) + repr(caught.value.__cause__)


def test_recipients_that_are_refused_are_told_one_by_one(mailer, smtp):
    """The caller asks for partial success: the others have the mail, so this is no error."""
    mail = order("kim@example.com", "unknown@example.com", "later@example.com")
    receipt = mailer.send(mail, partial=True)
    assert receipt.accepted == ("kim@example.com",)
    unknown, later = receipt.refused
    assert (unknown.address, unknown.code, unknown.permanent) == ("unknown@example.com", 550, True)
    assert unknown.reason == "5.1.1 no such user"
    assert (later.address, later.code, later.permanent) == ("later@example.com", 451, False)
    assert smtp.mailbox.envelopes[0].rcpt_tos == ["kim@example.com"]


def test_when_all_are_refused_for_good_the_job_fails_for_good(mailer):
    with pytest.raises(MailRefusedError, match="all 2 recipients refused: 550") as caught:
        mailer.send(order("unknown1@example.com", "unknown2@example.com"))
    assert [each.code for each in caught.value.refused] == [550, 550]


def test_when_one_may_be_taken_later_the_job_tries_again(mailer):
    with pytest.raises(MailUnavailableError, match="451"):
        mailer.send(order("unknown@example.com", "later@example.com"))


def test_a_refused_message_is_permanent_and_the_connection_still_good(
    smtp, line, provider, templates
):
    mailer = Mailer(templates, provider(line.port), SENDER)
    with pytest.raises(MailRefusedError, match=r"554 5.7.1 \(refused by policy\)"):
        mailer.send(Mail(template="note", to=["a@b.com"], data={"text": "REFUSE-THIS-MAIL"}))
    mailer.send(order("kim@example.com"))
    assert line.connections == 1


def test_a_connection_is_used_again(line, provider, templates, smtp):
    mailer = Mailer(templates, provider(line.port), SENDER)
    for _ in range(3):
        mailer.send(order("kim@example.com"))
    assert len(smtp.mailbox.messages) == 3
    assert line.connections == 1


def test_a_connection_that_died_while_idle_is_replaced(line, provider, templates, smtp):
    mailer = Mailer(templates, provider(line.port), SENDER)
    mailer.send(order("kim@example.com"))
    line.cut()
    mailer.send(order("kim@example.com"))
    assert len(smtp.mailbox.messages) == 2
    assert line.connections == 2


def test_threads_do_not_share_a_connection(line, provider, templates, smtp):
    mailer = Mailer(templates, provider(line.port), SENDER)
    with ThreadPoolExecutor(8) as threads:
        names = [f"user{number}@example.com" for number in range(40)]
        list(threads.map(lambda name: mailer.send(order(name)), names))
    assert sorted(each.rcpt_tos[0] for each in smtp.mailbox.envelopes) == sorted(names)
    assert line.connections <= 8


def test_a_line_cut_in_the_middle_is_temporary(line, provider, templates, smtp):
    """Nothing is sent twice in here; the job's retry sends it again with the same id."""
    mailer = Mailer(templates, provider(line.port), SENDER)
    mailer.send(order("kim@example.com"))
    long = Mail(template="note", to=["kim@example.com"], data={"text": "x" * 3_000_000}, key="1")
    line.cut_after(1_000_000)
    with pytest.raises(MailUnavailableError):
        mailer.send(long)
    assert len(smtp.mailbox.messages) == 1
    assert mailer.send(long).message_id == mailer.compose(long)["Message-ID"]


def test_a_silent_server_is_left_in_time(line, provider):
    line.fall_silent()
    started = time.monotonic()
    with pytest.raises(MailUnavailableError):
        provider(line.port, timeout=0.3).check()
    assert time.monotonic() - started < 2


def test_a_server_that_falls_silent_between_mails_is_left_in_time(line, provider, templates):
    mailer = Mailer(templates, provider(line.port, timeout=0.3), SENDER)
    mailer.send(order("kim@example.com"))
    line.fall_silent()
    started = time.monotonic()
    with pytest.raises(MailUnavailableError):
        mailer.send(order("kim@example.com"))
    assert time.monotonic() - started < 2


def test_a_server_that_is_not_there_is_temporary(line, provider):
    line.close()
    with pytest.raises(MailUnavailableError, match="ConnectionRefusedError"):
        provider(line.port).check()


def test_after_close_nothing_is_kept_open(line, provider, templates, smtp):
    chosen = provider(line.port)
    mailer = Mailer(templates, chosen, SENDER)
    mailer.send(order("kim@example.com"))
    mailer.close()
    assert chosen._pool._idle == []
    mailer.send(order("kim@example.com"))  # a job that ends while the worker closes
    assert chosen._pool._idle == []


def test_the_check_tells_what_it_found(mailer, smtp):
    count = len([name for name in TEMPLATES if name.endswith("subject.txt")])
    expected = f"127.0.0.1:{smtp.port}, TLS, logged in as worker, {count} templates"
    assert mailer.check() == expected
