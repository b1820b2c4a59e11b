"""Sends mails: template, message, provider."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from email.message import EmailMessage
from hashlib import blake2b
from uuid import uuid4

import structlog

from ...engine import provide
from . import mailer
from .address import Address
from .message import Mail, build, recipients
from .provider import Provider
from .receipt import Receipt
from .settings import MailSettings
from .templates import MailTemplates

log = structlog.get_logger(__name__)


class Mailer:
    """What processors send mails with. Safe to use from several threads.

    Args:
        templates: Where the texts are.
        provider: Who takes the mails.
        sender: Who they come from, unless a mail says otherwise.
        now: The time, with a zone.
        new_id: A text of its own for every mail without a key.
    """

    def __init__(
        self,
        templates: MailTemplates,
        provider: Provider,
        sender: Address,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC).astimezone(),
        new_id: Callable[[], str] = lambda: uuid4().hex,
    ) -> None:
        self.templates = templates
        self._provider = provider
        self._sender = sender
        self._now = now
        self._new_id = new_id

    def send(self, mail: Mail) -> Receipt:
        """Send a mail.

        Returns:
            What the server took. Recipients that it refused while it took others are named
            there; that is no error, because the others have the mail.

        Raises:
            MailInputError: The mail cannot be built. Nothing was sent, and a retry is useless.
            MailRefusedError: The server refused it for everybody, for good.
            MailUnavailableError: The server cannot take it now; the job's retry tries again.
        """
        everybody = recipients(mail)
        sender = Address.parse(mail.sender or self._sender)
        message = self.compose(mail)
        provider_id, refused = self._provider.send(message, sender.email, everybody)
        turned_down = {each.address for each in refused}
        receipt = Receipt(
            message_id=message["Message-ID"],
            provider_id=provider_id,
            accepted=tuple(each for each in everybody if each not in turned_down),
            refused=refused,
        )
        log.info(
            "mail.sent",
            template=mail.template,
            messageId=receipt.message_id,
            accepted=len(receipt.accepted),
            refused=[{"code": each.code, "reason": each.reason} for each in refused],
        )
        return receipt

    def compose(self, mail: Mail) -> EmailMessage:
        """Build the message that `send` would hand over.

        Raises:
            MailInputError: A part of the mail or its template is wrong.
        """
        sender = Address.parse(mail.sender or self._sender)
        name = self._new_id() if mail.key is None else _digest(mail.template, mail.key)
        return build(
            mail,
            self.templates.render(mail.template, mail.data),
            sender=sender,
            message_id=f"<{name}@{sender.domain}>",
            now=self._now(),
        )

    def check(self) -> str:
        """Read every template and reach the provider; a sentence about what was found."""
        count = self.templates.compile_all()
        return f"{self._provider.check()}, {count} templates"

    def close(self) -> None:
        """End the provider's connections."""
        self._provider.close()


def make_mailer(settings: MailSettings) -> Mailer:
    """A mailer for the provider that the settings name."""
    return Mailer(
        MailTemplates(settings.mail_template_dir), make_provider(settings), settings.sender
    )


def make_provider(settings: MailSettings) -> Provider:
    """The provider that `MAIL_PROVIDER` names; the other one is not even imported."""
    if settings.mail_provider == "smtp":
        from .smtp import SmtpConfig, SmtpProvider  # noqa: PLC0415

        return SmtpProvider(
            SmtpConfig(
                host=settings.smtp_host or "",
                port=settings.port,
                secure=settings.smtp_secure,
                starttls=settings.smtp_starttls,
                user=settings.smtp_user,
                password=settings.smtp_password,
                timeout=settings.smtp_timeout / 1000,
                ca_file=settings.smtp_ca_file,
            )
        )
    from ..aws import aws_client  # noqa: PLC0415
    from .ses import SesProvider  # noqa: PLC0415

    client = aws_client(
        "sesv2",
        region=settings.ses_region or "",
        access_key_id=settings.ses_access_key_id,
        secret_access_key=settings.ses_secret_access_key,
        endpoint=settings.ses_endpoint,
        timeout=settings.ses_timeout / 1000,
        connections=50,
    )
    return SesProvider(client, settings.sender.email)


def _digest(template: str, key: str) -> str:
    return blake2b(f"{template}\0{key}".encode(), digest_size=16).hexdigest()


provide(Mailer, lambda _: nullcontext(mailer()))
