"""Send one message by mail, AlimTalk (SMS if it cannot be delivered) and push, in one job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from string import Template

from pydantic import Field

from ..kit import Backoff, JobContext, Payload, PermanentError, get_logger, processor
from ..kit.integrations.bizppurio import AlimTalk, Bizppurio, Lms, Sms, euc_kr_bytes, refkey_for
from ..kit.integrations.fcm import Fcm, Push
from ..kit.integrations.mail import Mail, mailer

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Text:
    """One message in the form of every channel.

    Args:
        mail: Its folder below MAIL_TEMPLATE_DIR.
        alimtalk: Code of the approved AlimTalk template, whose text `body` must be.
        title: Of the push.
        body: Of AlimTalk, SMS and push.
    """

    mail: str
    alimtalk: str
    title: str
    body: Template


# What is sent, by name: a publisher names a text and never writes one.
TEXTS = {
    "welcome": Text(
        mail="welcome",
        alimtalk="welcome_01",
        title="환영합니다",
        body=Template("${name}님, 가입을 환영합니다."),
    ),
}


class SendPayload(Payload):
    """`{"text": "welcome", "email": "hong@example.com", "phone": "010-1234-5678"}`"""

    text: str = Field(description="Name of the text to send.")
    variables: dict[str, str] = Field(default_factory=dict, description="What fills its gaps.")
    email: str | None = Field(default=None, max_length=320)
    phone: str | None = Field(default=None, max_length=20, description="For AlimTalk and SMS.")
    tokens: list[str] = Field(default_factory=list, description="Devices for the push.")
    key: str = Field(default="", description="Tells messages with the same text apart.")


def _identity(payload: SendPayload) -> str:
    # Job ids go to the log, so the recipient is in it as a digest only.
    same = f"{payload.email} {payload.phone} {payload.tokens} {payload.key}".encode()
    return f"send-{payload.text}-{blake2b(same, digest_size=12).hexdigest()}"


# Many at a time, each waiting on the network: short timeout, patient retries.
@processor(attempts=5, backoff=Backoff(first=5.0), timeout=60, job_id=_identity)
def send(
    payload: SendPayload, context: JobContext, bizppurio: Bizppurio, fcm: Fcm
) -> dict[str, str]:
    """Send one message by every channel the recipient has.

    A channel that refuses does not keep the others from trying. One that cannot do it now
    has the whole job retried, which does no harm: Bizppurio is not asked again for a refkey
    that it took, a device shows a push with the same tag once, and the mail comes last.
    """
    text, body = _text(payload)
    channels: dict[str, Callable[[], str]] = {}
    if payload.phone:
        phone, refkey = payload.phone, refkey_for(context.job_id)
        channels["alimtalk"] = lambda: _alimtalk(bizppurio, phone, refkey, text, body)
    if payload.tokens:
        channels["push"] = lambda: _push(fcm, payload.tokens, context.job_id, text, body)
    if payload.email:
        email = payload.email
        channels["mail"] = lambda: _mail(email, context.job_id, text, payload.variables)
    outcome: dict[str, str] = {}
    for channel, deliver in channels.items():
        try:
            outcome[channel] = deliver()
        except PermanentError as error:
            log.warning("notification.refused", channel=channel, reason=str(error))
            outcome[channel] = "refused"
    if set(outcome.values()) <= {"refused"}:
        raise PermanentError("no channel could take the message")
    log.info("notification.sent", text=payload.text, **outcome)
    return outcome


def _text(payload: SendPayload) -> tuple[Text, str]:
    text = TEXTS.get(payload.text)
    if text is None:
        raise PermanentError("there is no text of this name")
    try:
        return text, text.body.substitute(payload.variables)
    except KeyError as error:
        raise PermanentError(f"the variable {error} of the text is missing") from None


def _alimtalk(bizppurio: Bizppurio, phone: str, refkey: str, text: Text, body: str) -> str:
    instead = Sms(body) if euc_kr_bytes(body) <= 90 else Lms(body)
    bizppurio.send(AlimTalk(text.alimtalk, body), to=phone, refkey=refkey, fallback=[instead])
    return "accepted"


def _push(fcm: Fcm, tokens: list[str], tag: str, text: Text, body: str) -> str:
    result = fcm.send_many(Push(text.title, body, tag=tag[:64]), tokens)
    if result.invalid_tokens:
        # Remove them from your database here; they will never work again.
        log.info("notification.invalid_tokens", count=len(result.invalid_tokens))
    return "accepted" if result.accepted else "refused"


def _mail(email: str, key: str, text: Text, variables: dict[str, str]) -> str:
    mailer().send(Mail(template=text.mail, to=[email], data=variables, key=key))
    return "accepted"
