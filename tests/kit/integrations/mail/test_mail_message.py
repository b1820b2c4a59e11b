"""The message: every name arrives as it was written, and nothing can add a header."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import default
from email.utils import getaddresses

import pytest

from worker_payment.kit.integrations.mail import (
    Address,
    Attachment,
    InlineImage,
    Mail,
    MailInputError,
)
from worker_payment.kit.integrations.mail.delivery import Mailer
from worker_payment.kit.integrations.mail.message import recipients

ORDER = {"number": 7, "name": "김민지"}
NAMES = [
    "",
    "Kim",
    "김민지",
    "Kim, Minji",
    '"Kim" (shop)',
    "홍길동, 대리 <hong@evil.example>",
    "아주 긴 이름" * 20,
    "A Very Long Name Of A Department " * 4 + "End",
    "Ünïcödé 😀 , ; : @",
]


@pytest.fixture
def compose(templates):
    """Build a mail and read it as a mail program does."""
    mailer = Mailer(
        templates,
        None,  # nothing is sent here
        Address("shop@example.com", "가게"),
        now=lambda: datetime(2026, 1, 1, 9, 30, tzinfo=UTC),
        new_id=lambda: "unique",
    )

    def build(**parts):
        chosen = {"template": "order", "to": ["kim@example.com"], "data": ORDER} | parts
        return message_from_bytes(mailer.compose(Mail(**chosen)).as_bytes(), policy=default)

    return build


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("header", ["to", "cc", "reply_to", "sender"])
def test_names_arrive_as_they_were_written(compose, header, name):
    """In every header that holds names, also beside others."""
    address = Address("kim@example.com", name)
    given = address if header == "sender" else [address, Address("lee@example.com", name)]
    raw = compose(**{header: given}).as_bytes()
    line = message_from_bytes(raw)["From" if header == "sender" else header.replace("_", "-")]
    # Not by the header parser of `default`: Python before 3.11.10 puts spaces into long names.
    found = [
        (str(make_header(decode_header(shown))), email) for shown, email in getaddresses([line])
    ]
    expected = [(name, "kim@example.com"), (name, "lee@example.com")]
    assert found == (expected[:1] if header == "sender" else expected)


def test_text_and_html_stand_side_by_side(compose):
    message = compose()
    assert message["Subject"] == "Order 7"
    assert message["Date"].datetime == datetime(2026, 1, 1, 9, 30, tzinfo=UTC)
    assert message["Message-ID"] == "<unique@example.com>"
    assert message["From"].addresses[0].display_name == "가게"
    assert message.get_content_type() == "multipart/alternative"
    assert message.get_body(("plain",)).get_content().split() == [
        "Dear",
        "김민지,",
        "thank",
        "you.",
    ]
    assert message.get_body(("html",)).get_content().strip() == "<p>Dear 김민지</p>"


def test_the_wire_has_ascii_and_short_lines_alone(templates):
    """So that servers without 8BITMIME pass it on unchanged."""
    mailer = Mailer(templates, None, Address("shop@example.com", "가게" * 40))
    mail = Mail(template="note", to=["kim@example.com"], data={"text": "긴 줄 " * 2000})
    raw = mailer.compose(mail).as_bytes()
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")


def test_hidden_recipients_are_not_in_the_message(compose):
    raw = compose(bcc=["secret@example.com"]).as_bytes()
    assert b"secret" not in raw
    assert b"bcc" not in raw.lower()
    assert compose(to=[], bcc=["secret@example.com"])["To"] == "undisclosed-recipients:;"


def test_everybody_gets_the_mail_once():
    mail = Mail(
        template="order",
        to=["a@example.com", "Kim <b@example.com>"],
        cc=["b@example.com"],
        bcc=["c@example.com", "a@EXAMPLE.com"],
    )
    assert recipients(mail) == ["a@example.com", "b@example.com", "c@example.com"]


def test_images_stand_beside_the_html_that_shows_them(compose):
    image = InlineImage("logo", b"GIF89a", "image/gif")
    html = compose(data=ORDER | {"logo": True}, images=[image]).get_payload()[-1]
    assert html.get_content_type() == "multipart/related"
    picture = html.get_payload()[1]
    assert (picture["Content-ID"], picture.get_content()) == ("<logo>", b"GIF89a")
    assert picture.get_content_disposition() == "inline"


@pytest.mark.parametrize("name", ["보고서 2026.pdf", "a;b.pdf", 'quo"te.pdf', "가" * 100 + ".pdf"])
def test_attachments_keep_their_names_and_bytes(compose, tmp_path, name):
    (tmp_path / "report.pdf").write_bytes(b"%PDF\r\n\0\xff")
    message = compose(attachments=[Attachment(name, tmp_path / "report.pdf")])
    (attachment,) = message.iter_attachments()
    assert attachment.get_filename() == name
    assert attachment.get_content_type() == "application/pdf"
    assert attachment.get_content() == b"%PDF\r\n\0\xff"


def test_own_headers_are_added(compose):
    message = compose(headers={"List-Unsubscribe": "<https://example.com/off>", "X-Tag": "주문"})
    assert message["List-Unsubscribe"] == "<https://example.com/off>"
    assert message["X-Tag"] == "주문"


EVIL = ["a\r\nBcc: all@example.com", "a\nb", "a\rb", "a\0b", "a\u2028b", "a\x85b"]


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize(
    "parts",
    [
        lambda evil: {"to": [Address("kim@example.com", evil)]},
        lambda evil: {"to": [f"{evil}@example.com"]},
        lambda evil: {"cc": [f"{evil} <kim@example.com>"]},
        lambda evil: {"reply_to": [f"kim@{evil}"]},
        lambda evil: {"sender": f"{evil} <kim@example.com>"},
        lambda evil: {"headers": {"X-Tag": evil}},
        lambda evil: {"headers": {f"X-{evil}": "tag"}},
        lambda evil: {"attachments": [Attachment(evil, b"")]},
        lambda evil: {"attachments": [Attachment("a", b"", f"text/{evil}")]},
        lambda evil: {"images": [InlineImage(evil, b"", "image/png")]},
    ],
)
def test_no_part_can_add_a_header(compose, parts, evil):
    with pytest.raises(MailInputError):
        compose(**parts(evil))


@pytest.mark.parametrize(
    "name", ["Bcc", "bcc", "From", "Content-Type", "Resent-To", "Date", "a b", ""]
)
def test_headers_of_the_message_itself_cannot_be_set(compose, name):
    with pytest.raises(MailInputError, match="cannot be set"):
        compose(headers={name: "x"})


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "kim",
        "@example.com",
        "kim@",
        "kim@-a.com",
        "a b@example.com",
        "a,b@example.com",
        "a@b@c.com",
        "김철수",
        "kim@example.com, Seoul",
    ],
)
def test_what_is_no_address_is_refused_without_telling_it_all(wrong):
    """Also where somebody has put a name there."""
    with pytest.raises(MailInputError, match="not a mail address") as caught:
        Address(wrong)
    for secret in ("kim", "김철수", "Seoul"):
        assert secret not in str(caught.value)


def test_marks_that_nobody_sees_are_no_part_of_an_address():
    assert Address("\u202akim@example.com\u202c", "\ufeffKim") == Address("kim@example.com", "Kim")


def test_domains_of_any_script_become_what_dns_knows():
    assert Address("kim@한국.한국").email == "kim@xn--3e0b707e.xn--3e0b707e"


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"to": []}, "no recipient"),
        ({"to": "kim@example.com"}, "a list"),
        ({"data": ORDER | {"logo": True}}, "not given: \\['logo'\\]"),
        ({"template": "note", "data": {"text": ""}, "images": [InlineImage("a", b"")]}, "no HTML"),
        ({"images": [InlineImage("a", b"", "text/html")]}, "no type of image"),
    ],
)
def test_a_mail_that_makes_no_sense_is_refused(compose, parts, told):
    def send():
        compose(**parts)
        recipients(Mail(**({"template": "order"} | parts)))

    with pytest.raises(MailInputError, match=told):
        send()


def test_a_file_that_is_not_there_is_refused(compose, tmp_path):
    with pytest.raises(MailInputError, match=r"cannot read absent.pdf"):
        compose(attachments=[Attachment("a.pdf", tmp_path / "absent.pdf")])


def test_the_same_key_gives_the_same_message_id(compose):
    """A mail that a retry sends again can be recognised."""
    first, again, other = compose(key="job-1"), compose(key="job-1"), compose(key="job-2")
    assert first["Message-ID"] == again["Message-ID"] != other["Message-ID"]
    assert "job-1" not in first["Message-ID"]


def test_values_are_not_in_the_repr():
    mail = Mail(template="order", to=["a@example.com"], data={"token": "secret"}, bcc=["b@b.com"])
    assert "secret" not in repr(mail)
    assert "b@b.com" not in repr(mail)
