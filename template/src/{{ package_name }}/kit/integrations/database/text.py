"""Texts on their way into the database: keys, payloads and errors."""

from __future__ import annotations

import json
import re
from functools import cache
from hashlib import blake2b
from typing import Any

from ...config.log_values import Scrubber
from ...config.secrets import known_secrets
from ...config.settings import Settings
from ...engine.run.texts import without_values

KEY_LENGTH = 255
_ERROR_LENGTH = 2_000
_TRACEBACK_LENGTH = 60_000
_HASHED = re.compile(r"#[0-9a-f]{32}\Z")


def key_text(text: str, limit: int = KEY_LENGTH) -> str:
    """Make a key that every database keeps, compares and tells apart in the same way.

    Most texts stay as they are. One that is too long, ends with a space (MySQL ignores it) or
    holds unprintable characters (PostgreSQL refuses NUL) is shortened, and a hash of the whole
    keeps it apart from every other; so is one that looks like such a result.
    """
    if (
        len(text) <= limit
        and text.isprintable()
        and not text.endswith(" ")
        and not _HASHED.search(text)
    ):
        return text
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    readable = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text[:limit])
    return f"{readable[: limit - 33]}#{digest}"


def payload_text(payload: Any) -> str:
    """A payload as JSON. NUL and other control characters are escaped by JSON itself."""
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"), default=str)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        return json.dumps(payload, separators=(",", ":"), default=str)
    return text


def error_text(text: str) -> str:
    """A short description of an error."""
    return _clean(text)[:_ERROR_LENGTH]


def traceback_text(text: str) -> str:
    """A traceback; of a very long one the end, which names the error."""
    return _clean(text)[-_TRACEBACK_LENGTH:]


def _clean(text: str) -> str:
    readable = text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()
    return _scrubber().text(without_values(readable))


@cache
def _scrubber() -> Scrubber:
    """Removes the secrets of the settings, as the logs do."""
    return Scrubber(known_secrets(Settings()))
