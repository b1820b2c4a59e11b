"""What came of sending a mail."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """A recipient that the server refused.

    Args:
        address: The recipient.
        code: The reply code of SMTP: 5xx for good, 4xx for now.
        reason: The server's words.
    """

    address: str
    code: int
    reason: str

    @property
    def permanent(self) -> bool:
        """Whether the server will refuse this recipient again."""
        return self.code >= 500


@dataclass(frozen=True, slots=True)
class Receipt:
    """The server has taken the mail, which does not say that it was delivered.

    Args:
        message_id: The `Message-ID` header.
        provider_id: The provider's own id, or what the server answered.
        accepted: The recipients that the server took the mail for.
        refused: Those it did not; somebody else has the mail all the same, so sending it
            again is for these alone.
    """

    message_id: str
    provider_id: str
    accepted: tuple[str, ...]
    refused: tuple[Refusal, ...] = ()
