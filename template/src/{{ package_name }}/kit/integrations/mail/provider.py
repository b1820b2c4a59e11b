"""What a mail provider does. One sibling file for each."""

from __future__ import annotations

from collections.abc import Sequence
from email.message import EmailMessage
from typing import Protocol

from .receipt import Refusal


class Provider(Protocol):
    """Hands a finished message to a server. Safe to use from several threads."""

    def send(
        self, message: EmailMessage, sender: str, recipients: Sequence[str]
    ) -> tuple[str, tuple[Refusal, ...]]:
        """Hand a message over, once.

        Args:
            message: The message; hidden recipients are not in it.
            sender: Address that the mail comes from.
            recipients: Everybody who gets it, hidden recipients too.

        Returns:
            The provider's id of the mail, and the recipients it refused while it accepted others.

        Raises:
            MailRefusedError: Nobody got it and trying again cannot help.
            MailUnavailableError: It may help. After a break in the middle the server may have
                taken the mail all the same.
        """
        ...

    def check(self) -> str:
        """Reach the server, log in and return what was found."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...
