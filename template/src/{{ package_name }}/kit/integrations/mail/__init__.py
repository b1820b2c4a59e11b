"""Mail from Jinja templates, by SMTP or Amazon SES.

A processor asks for the mailer by its type::

    @processor
    def welcome(payload: WelcomePayload, mailer: Mailer) -> None:
        mailer.send(Mail(template="welcome", to=[payload.email], data={"name": payload.name}))

Elsewhere, `mailer()` returns the same one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...lazy import Lazy, lazy_names

if TYPE_CHECKING:
    from .address import Address
    from .delivery import Mailer
    from .errors import (
        MailAwayError,
        MailError,
        MailInputError,
        MailPartlyRefusedError,
        MailRefusedError,
        MailTemplateError,
        MailUnavailableError,
    )
    from .message import Attachment, InlineImage, Mail
    from .receipt import Receipt, Refusal

__all__ = [
    "Address",
    "Attachment",
    "InlineImage",
    "Mail",
    "MailAwayError",
    "MailError",
    "MailInputError",
    "MailPartlyRefusedError",
    "MailRefusedError",
    "MailTemplateError",
    "MailUnavailableError",
    "Mailer",
    "Receipt",
    "Refusal",
    "close_mailer",
    "mailer",
]

__getattr__ = lazy_names(
    __name__,
    {
        "address": ("Address",),
        "delivery": ("Mailer",),
        "errors": (
            "MailAwayError",
            "MailError",
            "MailInputError",
            "MailPartlyRefusedError",
            "MailRefusedError",
            "MailTemplateError",
            "MailUnavailableError",
        ),
        "message": (
            "Attachment",
            "InlineImage",
            "Mail",
        ),
        "receipt": (
            "Receipt",
            "Refusal",
        ),
    },
)


def _make() -> Mailer:
    from .delivery import make_mailer  # noqa: PLC0415 - Jinja is imported when it is used
    from .settings import MailSettings  # noqa: PLC0415

    return make_mailer(MailSettings())


_shared: Lazy[Mailer] = Lazy(_make, lambda mailer: mailer.close())


def mailer() -> Mailer:
    """Return the mailer of this process, made from the settings on first use."""
    return _shared.get()


def close_mailer() -> None:
    """Close its connections."""
    _shared.close()
