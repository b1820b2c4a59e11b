"""What came of sending a mail."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..text import mask_address
from .replies import describe


@dataclass(frozen=True, slots=True)
class Refusal:
    """A recipient that the server refused.

    Args:
        address: The recipient.
        code: The reply code of SMTP: 5xx for good, 4xx for now.
        reason: The server's words. They may hold personal data: keep them out of logs.
    """

    address: str = field(repr=False)
    code: int
    reason: str = field(repr=False)

    @property
    def permanent(self) -> bool:
        """Whether the server will refuse this recipient again."""
        return self.code >= 500

    def __str__(self) -> str:
        """Return codes, their meaning and a masked address, fit for a log."""
        return f"{describe(self.code, self.reason)} for {mask_address(self.address)}"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The server has accepted the mail. Whether it was delivered is not known yet.

    Args:
        message_id: The `Message-ID` header.
        provider_id: The provider's own id; several with blanks between when the recipients
            did not fit into one mail.
        accepted: The recipients that the server accepted.
        refused: The recipients that it refused while it accepted others. To send the mail
            again, send it to these alone.
    """

    message_id: str
    provider_id: str
    accepted: tuple[str, ...] = field(repr=False)
    refused: tuple[Refusal, ...] = ()
