"""Mail by Amazon SES, version 2 of its interface."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from email.message import EmailMessage
from typing import Any

from ...breaker import Breaker, breakers
from ...config.fields import BreakerConfig
from ..aws import raise_as
from .errors import MailAwayError, MailError, MailRefusedError, MailUnavailableError, left_over
from .receipt import Refusal

_MOST_RECIPIENTS = 50  # a message, says SendEmail


class SesProvider:
    """Sends through SES. Keys come from the settings, else from AWS's own chain.

    SES reports refused recipients later, by its events; a mail is accepted for all or none.
    More than 50 recipients get several mails of the same content.

    Args:
        client: Of boto3's `sesv2`, without retries: a second try could send a second mail.
        sender: The address that mails come from.
        limits: `MAIL_BREAKER`.
        needed: Says whether jobs of a function send mail.

    Sources:
        https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
    """

    def __init__(
        self,
        client: Any,
        sender: str,
        limits: BreakerConfig | None = None,
        needed: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._client = client
        name = f"SES {client.meta.region_name}"
        self._breaker = breakers.add(Breaker(name, limits or BreakerConfig(), needed=needed))
        self._sender = sender

    def send(
        self, message: EmailMessage, sender: str, recipients: Sequence[str]
    ) -> tuple[str, tuple[Refusal, ...]]:
        """See `Provider.send`."""
        if not all(address.isascii() for address in [sender, *recipients]):
            raise MailRefusedError("SES takes only ASCII before the @ of an address")
        ids: list[str] = []
        for start in range(0, len(recipients), _MOST_RECIPIENTS):
            part = recipients[start : start + _MOST_RECIPIENTS]
            try:
                ids.append(self._hand_over(message, sender, part))
            except MailError as error:
                if not ids:
                    raise
                # The others have the mail: these must not take it from them by another attempt.
                return " ".join(ids), left_over(recipients[start:], error)
        return " ".join(ids), ()

    def _hand_over(self, message: EmailMessage, sender: str, recipients: Sequence[str]) -> str:
        with self._breaker.call(MailAwayError):
            try:
                # With a raw message this list alone says who gets it, hidden recipients too.
                answer = self._client.send_email(
                    FromEmailAddress=sender,
                    Destination={"ToAddresses": list(recipients)},
                    Content={"Raw": {"Data": message.as_bytes()}},
                )
            except Exception as error:
                self._raise("send by SES", error)
        return str(answer.get("MessageId", ""))

    def check(self) -> str:
        """Return which identity is verified: the sender or its domain."""
        for identity in (self._sender, self._sender.rpartition("@")[2]):
            try:
                found = self._client.get_email_identity(EmailIdentity=identity)
            except self._client.exceptions.NotFoundException:
                continue
            except Exception as error:
                self._raise("check of SES", error)
            if found.get("VerifiedForSendingStatus"):
                return f"SES in {self._client.meta.region_name}, {identity} is verified"
        raise MailRefusedError(f"SES: neither {self._sender} nor its domain is verified")

    def close(self) -> None:
        """See `Provider.close`."""
        self._breaker.close()
        self._client.close()

    def _raise(self, what: str, error: Exception) -> Any:
        raise_as(
            error,
            what=what,
            permanent=MailRefusedError,
            temporary=MailUnavailableError,
            repeatable=False,
            hint=_hint,
        )


def _hint(_code: str, _status: int, message: str) -> str:
    if "not verified" in message:
        return "; the sender, or in the sandbox a recipient, is not verified"
    return ""
