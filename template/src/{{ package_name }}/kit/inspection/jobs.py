"""Reading jobs as they lie in Redis, without running or trusting anything in them."""

from __future__ import annotations

import json
import zlib
from typing import Any


def function_of(data: bytes) -> str | None:
    """Return the dotted path of what a job calls; None when it cannot be read."""
    return call_of(data)[0]


def call_of(data: bytes) -> tuple[str | None, list[Any]]:
    """Return the dotted path of what a job calls, and its arguments."""
    try:
        data = zlib.decompress(data)
    except zlib.error:
        pass  # published uncompressed
    try:
        path, _, arguments, _ = json.loads(data)
    except (ValueError, TypeError):
        return None, []
    if not isinstance(path, str):
        return None, []
    return path, arguments if isinstance(arguments, list) else []


def short_name(path: str) -> str:
    """`worker.processors.payment.approve` as logs show it: `payment.approve`."""
    return ".".join(path.split(".")[-2:])


def text(value: bytes | str | None) -> str:
    """Return a value of Redis as text, '' when it is absent."""
    return value.decode(errors="replace") if isinstance(value, bytes) else value or ""
