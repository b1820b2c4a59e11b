"""Send a message to one recipient."""

from __future__ import annotations

from hashlib import blake2b
from string import Template
from typing import Literal

from pydantic import Field

from ..kit import Backoff, Payload, PermanentError, get_logger, processor

log = get_logger(__name__)

# What is sent, by name: a publisher names a text and never writes one.
TEXTS = {
    "welcome": Template("Welcome, $name."),
    "order-shipped": Template("Your order $orderNumber is on its way."),
}


class SendPayload(Payload):
    """`{"recipient": "hong@example.com", "text": "welcome", "variables": {"name": "Hong"}}`"""

    recipient: str = Field(min_length=3, max_length=320)
    text: str = Field(description="Name of the text to send.")
    variables: dict[str, str] = Field(default_factory=dict, description="What fills its gaps.")
    channel: Literal["mail", "push", "sms"] = "mail"
    key: str = Field(default="", description="Tells messages with the same text apart.")


def deliver(channel: str, recipient: str, body: str) -> None:  # noqa: ARG001 - for the vendor
    """Hand the message to the vendor of the channel.

    Raises:
        TemporaryError: The vendor asks to wait; its `Retry-After` goes into `retry_after`.
        PermanentError: The vendor will never take it, for instance an unknown address.
    """
    # Call the vendor here. Recipients and texts are personal data: they never go to the log.
    log.info("notification.delivered", channel=channel, characters=len(body))


def _identity(payload: SendPayload) -> str:
    # Job ids go to the log, so the recipient is in it as a digest only.
    same = f"{payload.channel} {payload.recipient} {payload.key}".encode()
    return f"send-{payload.text}-{blake2b(same, digest_size=12).hexdigest()}"


# Many at a time, each waiting on the network: short timeout, patient retries.
@processor(attempts=5, backoff=Backoff(first=5.0), timeout=30, job_id=_identity)
def send(payload: SendPayload) -> dict[str, str]:
    """Send one message. The same text to the same recipient waits or runs only once."""
    text = TEXTS.get(payload.text)
    if text is None:
        raise PermanentError("there is no text of this name")
    try:
        body = text.substitute(payload.variables)
    except KeyError as error:
        raise PermanentError(f"the variable {error} of the text is missing") from None
    deliver(payload.channel, payload.recipient, body)
    return {"channel": payload.channel, "text": payload.text, "status": "sent"}
