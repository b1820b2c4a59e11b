"""What an SMTP server answered, without its words: they often repeat an address or a text."""

from __future__ import annotations

import re

_STATUS = re.compile(r"^\s*([245]\.\d{1,3}\.\d{1,3})\b")
_TOO_MANY = re.compile(r"too many (?:recipients|rcpt)", re.IGNORECASE)

# By the last two numbers of the enhanced status code (RFC 3463, RFC 7372 and IANA's registry).
_MEANINGS = {
    "1.1": "no such mailbox",
    "1.2": "no such domain",
    "1.3": "the address is malformed",
    "1.6": "the mailbox has moved",
    "1.8": "the sender's domain does not exist",
    "1.10": "the domain takes no mail",
    "2.0": "the mailbox takes no mail",
    "2.1": "the mailbox is disabled",
    "2.2": "the mailbox is full",
    "2.3": "the message is too large for the mailbox",
    "3.1": "the server's storage is full",
    "3.2": "the server takes no mail now",
    "3.4": "the message is too large",
    "4.1": "the receiving host does not answer",
    "4.4": "the domain cannot be routed",
    "4.5": "the server is overloaded",
    "5.3": "too many recipients",
    "6.1": "the content cannot be delivered",
    "7.0": "refused by policy",
    "7.1": "refused by policy",
    "7.8": "the login is refused",
    "7.9": "the login's mechanism is too weak",
    "7.11": "the login needs TLS",
    "7.20": "the DKIM signature does not pass",
    "7.23": "SPF does not pass",
    "7.26": "neither SPF nor DKIM pass",
}


def describe(code: int, text: bytes | str) -> str:
    """Return a reply as `550 5.1.1 (no such mailbox)`: codes and their documented meaning."""
    status = status_of(text)
    if status is None:
        return str(code)
    meaning = _MEANINGS.get(status.partition(".")[2])
    return f"{code} {status}" + (f" ({meaning})" if meaning else "")


def status_of(text: bytes | str) -> str | None:
    """Return the enhanced status code that a reply begins with, such as `5.1.1`."""
    found = _STATUS.match(words(text))
    return found[1] if found else None


def words(text: bytes | str) -> str:
    """Return what the server said, in one line of at most 200 characters."""
    decoded = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return " ".join(decoded.split())[:200]


def too_many(code: int, text: bytes | str) -> bool:
    """Return whether the recipient was refused because the mail has enough (RFC 5321, 4.5.3.1.10).

    Another mail to the rest may be taken then.
    """
    status = status_of(text)
    if status is not None:
        return status.endswith(".5.3")
    return code in {452, 552} or _TOO_MANY.search(words(text)) is not None
