"""A mail as a job describes it, and the message that goes out."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..text import composed
from .address import Address, check_line, header_of
from .errors import MailInputError
from .headers import folded, literal

if TYPE_CHECKING:  # Jinja stays out of processes that only describe mails
    from .templates import Rendered

# Headers that are folded already stay as they are.
_ASCII, _UTF8 = SMTP.clone(refold_source="none"), SMTPUTF8.clone(refold_source="none")
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_OWN_HEADERS = re.compile(
    r"from|to|cc|bcc|reply-to|sender|subject|date|message-id|return-path|received|mime-version"
    r"|content-.*|resent-.*|dkim-signature",
    re.IGNORECASE,
)
_CONTENT_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*")
_CID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_CID_USED = re.compile(r"""["'(]cid:([^"')\s]+)""")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes along.

    Args:
        filename: The name the reader sees, in any script.
        content: The bytes, or the file to read them from when the mail is sent.
        content_type: By default what the name's ending says.
    """

    filename: str
    content: bytes | Path = field(repr=False)
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class InlineImage:
    """A picture inside the HTML: `<img src="cid:logo">` shows the image with cid `logo`.

    Args:
        cid: Its name in the HTML.
        content: The bytes, or the file to read them from when the mail is sent.
        content_type: For instance `image/png`; by default what the file's ending says.
    """

    cid: str
    content: bytes | Path = field(repr=False)
    content_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail to send. Addresses are written `kim@example.com` or `Kim <kim@example.com>`.

    Args:
        template: Its folder below `MAIL_TEMPLATE_DIR`.
        to: Recipients that everybody sees.
        data: A value for every variable of the template.
        cc: More recipients that everybody sees.
        bcc: Recipients that nobody sees; they are never written into the message.
        reply_to: Where answers go.
        sender: Instead of `SMTP_FROM` or `SES_FROM`.
        headers: More headers, for instance `List-Unsubscribe`.
        attachments: Files that go along.
        images: Pictures that the HTML shows.
        key: The same key gives the same `Message-ID`. With the job's id, a mail that a retry
            sends a second time can be recognised, and many mailboxes show it once.
    """

    template: str
    to: Sequence[Address | str] = ()
    data: Mapping[str, object] = field(default_factory=dict, repr=False)
    cc: Sequence[Address | str] = ()
    bcc: Sequence[Address | str] = field(default=(), repr=False)
    reply_to: Sequence[Address | str] = ()
    sender: Address | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    attachments: Sequence[Attachment] = ()
    images: Sequence[InlineImage] = ()
    key: str | None = None


def build(
    mail: Mail, rendered: Rendered, *, sender: Address, message_id: str, now: datetime
) -> EmailMessage:
    """Make the message with everything but the hidden recipients.

    Args:
        mail: What the job wants.
        rendered: Its template with the values put in.
        sender: Who it comes from.
        message_id: In angle brackets.
        now: For the `Date` header, with a time zone.

    Raises:
        MailInputError: Some part is wrong. Nothing was sent.
    """
    lines = {"From": [sender], "To": mail.to, "Cc": mail.cc, "Reply-To": mail.reply_to}
    named = {name: header_of(parse_all(addresses)) for name, addresses in lines.items()}
    message = EmailMessage(policy=_ASCII if "".join(named.values()).isascii() else _UTF8)
    for name, value in named.items():
        if value:
            message.set_raw(name, value)
    if not mail.to and not mail.cc:
        message["To"] = "undisclosed-recipients:;"
    message.set_raw("Subject", folded("Subject", rendered.subject))
    message["Date"] = format_datetime(now)
    message.set_raw("Message-ID", message_id)  # the library would fold a long one
    for name, value in mail.headers.items():
        _add_header(message, name, value)
    _add_bodies(message, rendered, mail.images)
    for attachment in mail.attachments:
        name = composed(check_line(attachment.filename, "the name of an attachment"))
        maintype, subtype = _type(attachment.content_type, name)
        message.add_attachment(
            _bytes(attachment.content), maintype=maintype, subtype=subtype, filename=name
        )
    return message


def parse_all(addresses: Sequence[Address | str]) -> list[Address]:
    """Read a list of addresses.

    Raises:
        MailInputError: It is one text, or one of its items is no address.
    """
    if isinstance(addresses, str):
        raise MailInputError("recipients are a list, not one text")
    return [Address.parse(address) for address in addresses]


def recipients(mail: Mail) -> list[str]:
    """Everybody who gets the mail, each once.

    Raises:
        MailInputError: There is nobody.
    """
    everybody = [*parse_all(mail.to), *parse_all(mail.cc), *parse_all(mail.bcc)]
    if not everybody:
        raise MailInputError("the mail has no recipient")
    return list(dict.fromkeys(address.email for address in everybody))


def used_images(html: str) -> set[str]:
    """The cids that an HTML body shows."""
    return set(_CID_USED.findall(html))


def _add_header(message: EmailMessage, name: str, value: str) -> None:
    if not _HEADER_NAME.fullmatch(name) or _OWN_HEADERS.fullmatch(name):
        raise MailInputError(f"this header cannot be set: {name[:60]!r}")
    check_line(value, f"header {name}")
    message.set_raw(name, literal(name, value) if value.isascii() else folded(name, value))


def _add_bodies(message: EmailMessage, rendered: Rendered, images: Sequence[InlineImage]) -> None:
    if rendered.text is not None:
        message.set_content(rendered.text, cte=_encoding(rendered.text))
    if rendered.html is None:
        if images:
            raise MailInputError("the mail has images and no HTML body to show them")
        return
    missing = used_images(rendered.html) - {image.cid for image in images}
    if missing:
        raise MailInputError(f"the HTML shows images that were not given: {sorted(missing)}")
    if rendered.text is None:
        message.set_content(rendered.html, subtype="html", cte=_encoding(rendered.html))
        body = message
    else:
        message.add_alternative(rendered.html, subtype="html", cte=_encoding(rendered.html))
        body = message.get_payload()[-1]  # type: ignore[index, assignment]
    for image in images:
        if not _CID.fullmatch(image.cid):
            raise MailInputError(f"not a cid for an image: {image.cid[:60]!r}")
        file = image.content.name if isinstance(image.content, Path) else image.cid
        maintype, subtype = _type(image.content_type, file)
        if maintype != "image":
            raise MailInputError(f"image {image.cid}: {maintype}/{subtype} is no type of image")
        body.add_related(
            _bytes(image.content),
            maintype=maintype,
            subtype=subtype,
            disposition="inline",
            filename=composed(check_line(file, "the name of an image")),
        )
        # Not by the library, which makes encoded words of a long one.
        body.get_payload()[-1].set_raw("Content-ID", f"<{image.cid}>")  # type: ignore[index, union-attr]


def _encoding(text: str) -> str:
    # Both are plain ASCII on the wire: servers without 8BITMIME pass them on as they are.
    return "quoted-printable" if text.isascii() else "base64"


def _type(given: str | None, filename: str) -> tuple[str, str]:
    kind = given or mimetypes.guess_type(filename)[0] or "application/octet-stream"
    if not _CONTENT_TYPE.fullmatch(kind):
        raise MailInputError(f"not a content type: {kind[:60]!r}")
    maintype, _, subtype = kind.partition("/")
    return maintype, subtype


def _bytes(content: bytes | Path) -> bytes:
    if isinstance(content, bytes):
        return content
    try:
        return content.read_bytes()
    except OSError as error:
        raise MailInputError(f"cannot read {content.name}: {error.strerror}") from error
