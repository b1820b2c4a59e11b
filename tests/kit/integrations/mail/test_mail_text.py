"""Text as people send it: decomposed Hangul, other scripts in domains, long literal headers."""

from __future__ import annotations

import unicodedata

import pytest
from mail_templates import TEMPLATES, write_templates

from worker_payment.kit.integrations.mail import Address, Attachment, Mail, MailInputError
from worker_payment.kit.integrations.mail.delivery import Mailer
from worker_payment.kit.integrations.mail.templates import MailTemplates

HANGUL = "각나다 홍길동"
APART = unicodedata.normalize("NFD", HANGUL)
TOKEN = "t0" * 80


def sent(mailer, smtp, **parts):
    """Send a mail, and return it as it lies on the wire and as a mail program reads it."""
    chosen = {"template": "note", "to": ["kim@example.com"], "data": {"text": "x"}}
    mailer.send(Mail(**(chosen | parts)))
    return smtp.mailbox.envelopes[-1].content.decode(), smtp.mailbox.messages[-1]


def test_decomposed_hangul_is_composed_everywhere(smtp, provider, tmp_path):
    """Subject, bodies, names, addresses, headers and file names."""
    files = {
        "hangul/subject.txt": f"{APART} {{{{ name }}}}",
        "hangul/body.txt": f"{APART} {{{{ name }}}}",
        "hangul/body.html": f"<p>{APART} {{{{ name }}}}</p>",
    }
    templates = MailTemplates(write_templates(tmp_path / "nfd", files | TEMPLATES))
    mailer = Mailer(templates, provider(smtp.port), Address("shop@example.com", APART))
    _, message = sent(
        mailer,
        smtp,
        template="hangul",
        to=[Address(f"{APART[:3]}@example.com", APART)],
        data={"name": APART},
        headers={"X-Note": APART},
        attachments=[Attachment(f"{APART}.txt", b"x")],
    )
    assert smtp.mailbox.envelopes[-1].rcpt_tos == ["각@example.com"]
    (attached,) = message.iter_attachments()
    texts = [
        str(message["subject"]),
        message.get_body(("plain",)).get_content(),
        message.get_body(("html",)).get_content(),
        message["from"].addresses[0].display_name,
        message["to"].addresses[0].display_name,
        str(message["X-Note"]),
        attached.get_filename(),
    ]
    for text in texts:
        assert HANGUL in text


@pytest.mark.parametrize(
    ("domain", "ascii_domain"),
    [
        ("faß.de", "xn--fa-hia.de"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("한글.kr", "xn--bj0bj06e.kr"),
        (unicodedata.normalize("NFD", "한글.kr"), "xn--bj0bj06e.kr"),
        ("βόλος.com", "xn--nxasmm1c.com"),
        ("Example.COM", "example.com"),
        ("a_b.example", None),
        ("☃.example", None),
        ("-.kr한", None),
    ],
)
def test_domains_follow_idna_2008(domain, ascii_domain):
    if ascii_domain is None:
        with pytest.raises(MailInputError):
            Address(f"info@{domain}")
    else:
        assert Address(f"info@{domain}").domain == ascii_domain


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("List-Unsubscribe", f"<https://example.com/u?t={TOKEN}>"),
        ("List-Unsubscribe", f"<mailto:out@example.com?subject={TOKEN}>, <https://e.com/{TOKEN}>"),
        ("References", " ".join(f"<{number}.{TOKEN[:60]}@example.com>" for number in range(9))),
        ("In-Reply-To", f"<{TOKEN}@example.com>"),
        ("X-Token", TOKEN),
        ("X-Words", "two  blanks " * 30 + "end"),
    ],
)
def test_headers_are_literal_and_folded_at_blanks_alone(mailer, smtp, name, value):
    raw, message = sent(mailer, smtp, headers={name: value})
    head = raw.split("\r\n\r\n")[0]
    assert value in head.replace("\r\n", "")
    assert "=?" not in head.split(name)[1].split("\r\nContent")[0]
    assert str(message[name]) == value
    assert all(len(line) <= 78 for line in head.splitlines() if TOKEN[:60] not in line)


@pytest.mark.parametrize(
    ("value", "reason"), [("x" * 999, "over 998"), ("<https://example.com/해지>", "ASCII")]
)
def test_a_header_that_mail_cannot_carry_is_refused(mailer, value, reason):
    headers = {"List-Unsubscribe": value}
    mail = Mail(template="note", to=["a@b.co"], data={"text": "x"}, headers=headers)
    with pytest.raises(MailInputError, match=reason):
        mailer.compose(mail)


@pytest.mark.parametrize(
    "subject", ["주문이 접수되었습니다 " * 12 + "끝", "An order is here " * 12 + "end"]
)
def test_a_long_subject_keeps_its_blanks(smtp, provider, tmp_path, subject):
    files = {"long/subject.txt": subject, "long/body.txt": "x"}
    templates = MailTemplates(write_templates(tmp_path / "long", files))
    mailer = Mailer(templates, provider(smtp.port), Address("shop@example.com"))
    _, message = sent(mailer, smtp, template="long", data={})
    assert str(message["subject"]) == subject


def test_a_long_message_id_stays_literal(smtp, provider, tmp_path):
    """A sender's domain may have 253 letters."""
    domain = ".".join(["a" * 50] * 3) + ".example"
    templates = MailTemplates(write_templates(tmp_path / "id", TEMPLATES))
    mailer = Mailer(templates, provider(smtp.port), Address(f"shop@{domain}"))
    raw, _ = sent(mailer, smtp)
    assert f"@{domain}>" in raw.split("Message-ID: ")[1].splitlines()[0]
