"""Several recipients: all get the mail, or the job learns who did not."""

from __future__ import annotations

import traceback

import pytest
from mail_templates import TEMPLATES, write_templates
from pydantic import SecretStr

from worker_payment.kit.integrations.mail import (
    Address,
    Mail,
    MailInputError,
    MailPartlyRefusedError,
    MailRefusedError,
    MailUnavailableError,
)
from worker_payment.kit.integrations.mail.delivery import Mailer
from worker_payment.kit.integrations.mail.templates import MailTemplates

WRONG = "틀린-비밀번호"
CROWD = [f"user{number}@example.com" for number in range(150)]


def order(*to: str, **parts) -> Mail:
    chosen = {"template": "order", "to": to, "data": {"number": 7, "name": "Kim"}}
    return Mail(**(chosen | parts))


@pytest.mark.parametrize(
    "reply", ["452 4.5.3 Too many recipients", "452 Too many", "550 too many recipients", "552 no"]
)
def test_a_mail_to_many_goes_out_as_several(mailer, smtp, reply):
    """The server accepts 100 for one mail; each of the 150 gets it once."""
    smtp.mailbox.most, smtp.mailbox.too_many = 100, reply
    receipt = mailer.send(order(*CROWD))
    assert receipt.accepted == tuple(CROWD)
    assert receipt.refused == ()
    assert [len(each.rcpt_tos) for each in smtp.mailbox.envelopes] == [100, 50]
    assert len({each["Message-ID"] for each in smtp.mailbox.messages}) == 1


def test_a_server_that_accepts_nobody_is_asked_once(mailer, smtp):
    smtp.mailbox.most = 0
    with pytest.raises(MailUnavailableError, match=r"452 4.5.3 \(too many recipients\)"):
        mailer.send(order("kim@example.com"))


def test_refused_recipients_are_an_error_that_names_who_has_the_mail(mailer):
    """Permanent: another attempt would send a second mail to the others."""
    with pytest.raises(
        MailPartlyRefusedError, match=r"1 of 2 recipients refused: 550 5\.1\.1"
    ) as e:
        mailer.send(order("kim@example.com", "unknown@example.com"))
    assert e.value.receipt.accepted == ("kim@example.com",)
    assert [each.address for each in e.value.refused] == ["unknown@example.com"]


def test_a_line_that_breaks_after_the_first_part_sends_nobody_a_second_mail(
    smtp, line, provider, templates, monkeypatch
):
    smtp.mailbox.most = 100
    chosen = provider(line.port)
    mailer = Mailer(templates, chosen, Address("shop@example.com"))
    begun = []

    async def hang_up_on_the_second(server, session, envelope, address, options):
        begun.append(address)
        if len(begun) == 2:
            server.transport.abort()
        envelope.mail_from = address
        return "250 OK"

    monkeypatch.setattr(smtp.mailbox, "handle_MAIL", hang_up_on_the_second, raising=False)
    with pytest.raises(MailPartlyRefusedError) as caught:
        mailer.send(order(*CROWD))
    assert caught.value.receipt.accepted == tuple(CROWD[:100])
    assert not any(each.permanent for each in caught.value.refused)


@pytest.mark.parametrize(
    "text",
    [
        "Kim <a@b.co>, Lee <c@d.co>",
        "Kim <a@b.co>; Lee <c@d.co>",
        "Kim <a@b.co> Lee <c@d.co>",
        "a@b.co, Lee <c@d.co>",
        "a@b.co <c@d.co>",
        "a@b.co, c@d.co",
        "a@b.co;c@d.co",
        "a@b.co c@d.co",
        "team: Kim <a@b.co>, Lee <c@d.co>;",
    ],
)
def test_several_addresses_in_one_text_are_refused(text):
    """None of them is dropped in silence."""
    with pytest.raises(MailInputError) as caught:
        Address.parse(text)
    assert "a@b.co" not in str(caught.value) or "***" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Kim <a@b.co>", "Kim"),
        ('"Kim, \\"Boss\\" Lee" <a@b.co>', 'Kim, "Boss" Lee'),
        ('"a@b.co" <a@b.co>', "a@b.co"),
        ("김 민지 (대리) <a@b.co>", "김 민지 (대리)"),
        ("<a@b.co>", ""),
    ],
)
def test_one_address_keeps_its_name(text, name):
    assert Address.parse(text) == Address("a@b.co", name)


@pytest.mark.parametrize("others", [(), ("kim@example.com",)])
def test_what_the_server_says_of_a_person_is_in_no_error_and_no_log(mailer, caplog, others):
    """Code and a masked address are; the words are on the refusal, for the processor alone."""
    mail = order("private.person@example.com", *others)
    with pytest.raises(MailRefusedError) as caught:
        mailer.send(mail)
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(caught.value)
    shown += repr(caught.value.refused)
    assert "550 for p***@example.com" in shown
    for private in ("kim.private", "010-1234", "private.person"):
        assert private not in shown
    assert "kim.private" in caught.value.refused[0].reason


def test_a_login_with_korean_letters(start_smtp, provider, authority, tmp_path):
    """AUTH PLAIN is UTF-8 (RFC 4616); smtplib alone raises a UnicodeEncodeError."""
    server = start_smtp(tls=authority.server_context(), password="비밀번호-1")
    templates = MailTemplates(write_templates(tmp_path / "mail", TEMPLATES))
    chosen = provider(server.port, password=SecretStr("비밀번호-1"))
    Mailer(templates, chosen, Address("shop@example.com")).send(order("kim@example.com"))
    assert server.mailbox.logins == [True]
    with pytest.raises(MailRefusedError, match="535") as caught:
        provider(server.port, password=SecretStr(WRONG)).check()
    assert WRONG not in "".join(traceback.format_exception(caught.value))
