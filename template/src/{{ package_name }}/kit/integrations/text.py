"""Text on its way to people and old encodings, and text of others on its way into an error."""

from __future__ import annotations

import re
import unicodedata

_ADDRESS = re.compile(r"([^\s@<>()\[\],;:\"'=/]+)@([^\s@<>()\[\],;:\"'/]+)")
# Nine to thirteen digits, hyphens, dots or blanks between: phones, accounts, resident numbers.
_NUMBER = re.compile(r"(?<!\d)\+?\d(?:[-. ]?\d){8,12}(?!\d)")


def composed(text: str) -> str:
    """Return a text in composed form (NFC).

    macOS hands out Hangul in decomposed form: three code points for a syllable. People see no
    difference; CP949 has no such characters, and limits count each as one.
    """
    return unicodedata.normalize("NFC", text)


def mask_address(address: str) -> str:
    """Return enough of a mail address to find a mistake, and too little to write to the person."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}***{at}{domain}"[:80]


def masked(text: str) -> str:
    """Return a text without the mail addresses and the long numbers that it holds.

    For names that a job chose, such as a file's. What a server says is not kept at all.
    """
    hidden = _ADDRESS.sub(lambda found: mask_address(found[0]), text)
    return _NUMBER.sub(lambda found: f"{found[0][:3]}***", hidden)


def name_end(name: str, size: int = 100) -> str:
    """Return the end of a file name, at most `size` bytes of UTF-8: file systems count bytes."""
    return name.encode()[-size:].decode(errors="ignore")
