"""Texts of errors: bounded, and such that every log and every store can hold them."""

from __future__ import annotations

import re
import traceback

LINE = 4_096  # bytes of an error in a log line
KEPT = 65_536  # bytes of a traceback that is kept
_HEAD = 8_192  # of those, from the beginning: where the error came from

# What libraries put into the text of an error beside what went wrong: pydantic the value that it
# refused, HTTP clients the whole address.
_VALUE = re.compile(r"input_value=.*?, input_type=")
_QUERY = re.compile(r"(https?://[^\s'\"<>?]+\?)[^\s'\"<>]+")


def without_values(text: str) -> str:
    """Return an error's text without refused values and the queries of URLs: they may be a person's."""
    if "input_value=" in text:
        text = _VALUE.sub("input_type=", text)
    return _QUERY.sub(r"\1***", text) if "://" in text else text


def describe(error: BaseException) -> str:
    """Type and message of an error, short enough for a log line."""
    name = type(error).__name__
    try:
        text = without_values(str(error).strip())
    except BaseException as other:  # a `__str__` of the owner's
        text = f"its text cannot be read: {type(other).__name__}"
    return bounded(f"{name}: {text}" if text else name, LINE)


def trace(error: BaseException) -> str:
    """The traceback of an error, short enough to be kept."""
    try:
        lines = traceback.format_exception(type(error), error, error.__traceback__)
    except BaseException:  # the error of an odd error
        return describe(error)
    return bounded(without_values("".join(lines)), KEPT, head=_HEAD)


def bounded(text: str, limit: int, *, head: int | None = None) -> str:
    """Cut a text, and write what UTF-8 or a database does not know as an escape.

    Args:
        text: Any text, also with lone surrogates.
        limit: Bytes that may be left.
        head: Of those, bytes from the beginning; the rest comes from the end. By default all.
    """
    raw = text.encode("utf-8", "backslashreplace").replace(b"\0", b"\\x00")
    if len(raw) <= limit:
        return raw.decode()
    note = f" [... of {len(raw)} bytes ...] ".encode()
    first = limit - len(note) if head is None else head
    last = limit - len(note) - first
    cut = raw[:first] + note + (raw[-last:] if last else b"")
    return cut.decode("utf-8", "ignore")
