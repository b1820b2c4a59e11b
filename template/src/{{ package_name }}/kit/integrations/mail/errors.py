"""The errors of mail, each permanent or temporary."""

from __future__ import annotations

from ...engine import JobError, PermanentError, TemporaryError
from .receipt import Refusal


class MailError(JobError):
    """Base of every error of this module."""


class MailInputError(MailError, PermanentError):
    """The mail cannot be built: an address, a header or a file is wrong. Nothing was sent."""


class MailTemplateError(MailInputError):
    """A template is missing, broken, or uses a variable that was not given."""


class MailRefusedError(MailError, PermanentError):
    """The server said no and will say so again: the login, the sender, every recipient.

    Args:
        message: What was refused.
        refused: The recipients, each with the server's reason.
    """

    def __init__(self, message: str, refused: tuple[Refusal, ...] = ()) -> None:
        super().__init__(message)
        self.refused = refused


class MailUnavailableError(MailError, TemporaryError):
    """The server cannot be reached, is busy, or stopped in the middle."""
