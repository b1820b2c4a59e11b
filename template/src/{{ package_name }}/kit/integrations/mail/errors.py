"""The errors of mail, each permanent or temporary."""

from __future__ import annotations

from collections.abc import Sequence

from ...engine import JobError, OutageError, PermanentError, TemporaryError
from .receipt import Receipt, Refusal


class MailError(JobError):
    """Base of every error of this module."""


class MailInputError(MailError, PermanentError):
    """The mail cannot be built: an address, a header or a file is wrong. Nothing was sent."""


class MailTemplateError(MailInputError):
    """A template is missing, broken, or uses a variable that was not given."""


class MailRefusedError(MailError, PermanentError):
    """The server refused and will refuse again: the login, the sender, every recipient.

    Args:
        message: What was refused.
        refused: The recipients, each with the server's reason.
    """

    def __init__(self, message: str, refused: tuple[Refusal, ...] = ()) -> None:
        super().__init__(message)
        self.refused = refused


class MailPartlyRefusedError(MailRefusedError):
    """Some recipients have the mail and some do not.

    It is permanent, because another attempt would send a second mail to those who have it.

    Args:
        receipt: Who has the mail, and who was refused and why.
    """

    def __init__(self, receipt: Receipt) -> None:
        refused = receipt.refused
        count = len(refused) + len(receipt.accepted)
        reasons = "; ".join(map(str, refused[:3]))
        super().__init__(f"{len(refused)} of {count} recipients refused: {reasons}", refused)
        self.receipt = receipt


class MailUnavailableError(MailError, TemporaryError):
    """The server cannot be reached, is busy, or broke off in the middle."""


class MailAwayError(MailUnavailableError, OutageError):
    """The server is away and has taken nothing: the job waits for it and spends no attempt."""


def left_over(addresses: Sequence[str], error: MailError) -> tuple[Refusal, ...]:
    """Return refusals of those that a later part of a mail did not reach."""
    known = {each.address: each for each in getattr(error, "refused", ())}
    code = 554 if isinstance(error, MailRefusedError) else 451
    return tuple(known.get(who) or Refusal(who, code, str(error)) for who in addresses)
