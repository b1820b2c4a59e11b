"""Reading jobs as they lie in Redis, without running or trusting anything in them."""

from __future__ import annotations

import json
import zlib


def function_of(data: bytes) -> str | None:
    """Dotted path of what a job calls; None when it cannot be read. Never its arguments."""
    try:
        data = zlib.decompress(data)
    except zlib.error:
        pass  # published uncompressed
    try:
        path = json.loads(data)[0]
    except (ValueError, TypeError, LookupError):
        return None
    return path if isinstance(path, str) else None


def short_name(path: str) -> str:
    """`worker.processors.payment.approve` as logs show it: `payment.approve`."""
    return ".".join(path.split(".")[-2:])


def text(value: bytes | str | None) -> str:
    """A value of Redis as text, '' when it is absent."""
    return value.decode() if isinstance(value, bytes) else value or ""
