"""Texts on their way into the database: keys, payloads, errors, and masks for people."""

from __future__ import annotations

import json
import re
from functools import cache
from hashlib import blake2b
from typing import Any

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


def error_of_traceback(text: str) -> str:
    """The first line of the error that a traceback ends with."""
    # In the form of a group of exceptions every line stands behind a bar.
    lines = [line.removeprefix("  | ") for line in text.strip("\n").splitlines()]
    ends = [
        n for n, line in enumerate(lines) if line.endswith("Traceback (most recent call last):")
    ]
    if ends and "Group" in lines[ends[0]]:
        ends = ends[:1]
    after = lines[ends[-1] + 1 :] if ends else lines
    return first_telling_line("\n".join(line for line in after if not line.startswith(" ")))


def first_telling_line(text: str) -> str:
    """The first line of an error's text that says something."""
    said = (line.strip() for line in text.splitlines())
    return next((line for line in said if line and not line.startswith("(Background on")), "")


def _clean(text: str) -> str:
    readable = text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()
    return _scrub(readable)


def _scrub(text: str) -> str:
    """Remove the secrets of the settings, as the logs do."""
    for secret in _secrets():
        text = text.replace(secret, "***")
    return text


@cache
def _secrets() -> list[str]:
    from ...config.secrets import known_secrets  # noqa: PLC0415 - it looks at every module
    from ...config.settings import Settings  # noqa: PLC0415

    # Very short texts would blot out half of a traceback.
    found = (secret for secret in known_secrets(Settings()) if len(secret) >= 4)
    return sorted(found, key=len, reverse=True)


def masked(value: Any) -> Any:
    """The shape of a payload without its values: `A-1001` becomes `A***`, a number `***`."""
    if isinstance(value, dict):
        return {key: masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item) for item in value]
    if isinstance(value, str):
        return f"{value[:1]}***"
    return value if value is None or isinstance(value, bool) else "***"
