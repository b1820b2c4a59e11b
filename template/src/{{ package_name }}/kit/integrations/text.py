"""Text on its way to people and old encodings, and text of others on its way into an error."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import quote, quote_plus, urlsplit

_ADDRESS = re.compile(r"([^\s@<>()\[\],;:\"'=/]+)@([^\s@<>()\[\],;:\"'/]+)")
# Nine to thirteen digits, hyphens, dots or blanks between: phones, accounts, resident numbers.
_NUMBER = re.compile(r"(?<!\d)\+?\d(?:[-. ]?\d){8,12}(?!\d)")


# Zero-width blanks and joiners' kin, directions of writing, the mark of a byte order.
_INVISIBLE = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_DOMAIN = re.compile(r"[\w.\-\[\]]+")
# Letters and digits of a value that is looked for in a vendor's text.
_SHORTEST, _SHORTEST_NUMBER = 2, 5
_CP949 = "cp949"
_HANGUL = re.compile("[\uac00-\ud7a3\u3131-\u318e\u4e00-\u9fff]")


def composed(text: str) -> str:
    """Return a text in composed form (NFC).

    macOS hands out Hangul in decomposed form: three code points for a syllable. People see no
    difference; CP949 has no such characters, and limits count each as one.
    """
    return unicodedata.normalize("NFC", text)


def without_invisible(text: str) -> str:
    """Return a text without what nobody sees: marks that come along when it is copied."""
    return _INVISIBLE.sub("", text)


def host(url: str) -> str:
    """Return the host of a URL alone: its query may hold a key, and its beginning a password."""
    return urlsplit(url).netloc.rpartition("@")[2]


def mask_address(address: str) -> str:
    """Return enough of a mail address to find a mistake, and too little to write to the person."""
    local, at, domain = address.rpartition("@")
    if not at or not _DOMAIN.fullmatch(domain):  # it may be a name, or a number
        return f"{address[:1]}***"
    return f"{local[:1]}***@{domain}"[:80]


def masked(text: str) -> str:
    """Return a text without the mail addresses and the long numbers that it holds.

    For names that a job chose, such as a file's. What a server says is not kept at all.
    """
    hidden = _ADDRESS.sub(lambda found: mask_address(found[0]), text)
    return _NUMBER.sub(lambda found: f"{found[0][:3]}***", hidden)


def without(said: str, values: Iterable[object]) -> str:
    """Return what a vendor said without the values that it was sent, and masked.

    Args:
        said: Its text, which may repeat the question.
        values: What it was sent; a key in each of its encodings.
    """
    for value in sorted(map(str, values), key=len, reverse=True):
        for form in (value, quote(value, safe=""), quote_plus(value), quote(value)):
            if len(form) >= (_SHORTEST_NUMBER if form.isdecimal() else _SHORTEST):
                said = said.replace(form, "***")
    return masked(said)


def name_end(name: str, size: int = 100) -> str:
    """Return the end of a file name, at most `size` bytes of UTF-8: file systems count bytes."""
    return name.encode()[-size:].decode(errors="ignore")


def decoded(body: bytes, declared: str | None = None) -> str:
    """Return a text whose encoding is declared, wrongly declared, or not declared at all.

    Args:
        body: The bytes of a Korean service: UTF-8 or CP949, which includes EUC-KR.
        declared: What its header or XML declaration says.
    """
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return body.decode("utf-16", "replace")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode(_CP949, "replace")
    # Some syllables of CP949 are valid UTF-8 too, as Latin or Greek letters.
    if _is_korean(declared) and not text.isascii() and not _HANGUL.search(text):
        try:
            return body.decode(_CP949)
        except UnicodeDecodeError:
            pass
    return text


def _is_korean(encoding: str | None) -> bool:
    try:
        return encoding is not None and codecs.lookup(encoding.strip()).name in {"euc_kr", _CP949}
    except LookupError:
        return False
