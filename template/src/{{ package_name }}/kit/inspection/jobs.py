"""Jobs as they lie in Redis, for people: never run, and nothing in them is trusted."""

from __future__ import annotations

from typing import Any

from rq.exceptions import DeserializationError

from ..engine import UnknownJobError, find_processor
from ..engine.store.job_data import call_of, function_of


def name_of(data: bytes | None) -> str:
    """Return the name of a job as the logs have it; `unknown` when it cannot be read."""
    path = function_of(data or b"")
    if path is None:
        return "unknown"
    try:
        return find_processor(path).name
    except UnknownJobError:
        return path


def published(data: bytes | None) -> tuple[str, Any]:
    """Return the function and the payload that a publisher sent, as far as they can be read.

    What is no JSON is kept as its bytes: it is never unpickled.
    """
    try:
        path, arguments, named = call_of(data or b"")
    except DeserializationError:
        return function_of(data or b"") or "unknown", {"unreadable": (data or b"").hex()}
    if len(arguments) == 1 and not named:
        return path, arguments[0]
    return path, named if not arguments else [arguments, named]


def error_of_traceback(text: str) -> str:
    """Return the first line of the error that a traceback ends with."""
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
    """Return the first line of an error's text that says something."""
    said = (line.strip() for line in text.splitlines())
    return next((line for line in said if line and not line.startswith("(Background on")), "")


def masked(value: Any) -> Any:
    """Return the shape of a payload without its values: `A-1001` becomes `A***`."""
    if isinstance(value, dict):
        return {key: masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item) for item in value]
    if isinstance(value, str):
        return f"{value[:1]}***"
    return value if value is None or isinstance(value, bool) else "***"


def text(value: bytes | str | None) -> str:
    """Return a value of Redis as text, '' when it is absent."""
    return value.decode(errors="replace") if isinstance(value, bytes) else value or ""
