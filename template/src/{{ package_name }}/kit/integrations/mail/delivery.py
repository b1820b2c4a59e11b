"""Sends mails: template, message, provider."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from email.message import EmailMessage
from hashlib import blake2b
from uuid import uuid4

import structlog

from ...breaker import asks_for
from ...engine import provide
from . import mailer
from .address import Address
from .errors import MailPartlyRefusedError
from .message import Mail, build, recipients
from .provider import Provider
from .receipt import Receipt
from .settings import MailSettings
from .templates import MailTemplates

log = structlog.get_logger(__name__)

_NAMED = 10  # refused recipients in a log line


class Mailer:
    """Sends mails for processors. Safe to use from several threads.

    Args:
        templates: The texts.
        provider: Hands the mails to a server.
        sender: The `From` of mails that name no other.
        now: Returns the time, with a zone.
        new_id: Returns a new text for each mail without a key.
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

    def send(self, mail: Mail, *, partial: bool = False) -> Receipt:
        """Send a mail; as several when the server accepts fewer recipients for one.

        Args:
            mail: What to send.
            partial: Return normally when only some recipients were refused. The receipt names
                them.

        Raises:
            MailInputError: The mail cannot be built. Nothing was sent, and a retry is useless.
            MailPartlyRefusedError: Some recipients have the mail and some were refused.
            MailRefusedError: The server refused it for everybody, for good.
            MailUnavailableError: The server cannot accept it now; the job's retry tries again.
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
            refused=[str(each) for each in refused[:_NAMED]],
            refusedCount=len(refused),
        )
        if refused and not partial:
            raise MailPartlyRefusedError(receipt)
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
        """Compile every template, connect to the provider and return what was found."""
        count = self.templates.compile_all()
        return f"{self._provider.check()}, {count} templates"

    def close(self) -> None:
        """Close the provider's connections."""
        self._provider.close()


def make_mailer(settings: MailSettings) -> Mailer:
    """Return a mailer for the provider that the settings name."""
    return Mailer(
        MailTemplates(settings.mail_template_dir), make_provider(settings), settings.sender
    )


def make_provider(settings: MailSettings) -> Provider:
    """Return the provider that `MAIL_PROVIDER` names; the other one is not imported."""
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
            ),
            settings.mail_breaker,
            asks_for(Mailer),
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
    return SesProvider(client, settings.sender.email, settings.mail_breaker, asks_for(Mailer))


def _digest(template: str, key: str) -> str:
    return blake2b(f"{template}\0{key}".encode(), digest_size=16).hexdigest()


provide(Mailer, lambda _: nullcontext(mailer()))
