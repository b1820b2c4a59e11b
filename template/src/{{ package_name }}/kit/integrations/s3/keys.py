"""Keys below the prefix, which cannot be left."""

from __future__ import annotations

from ..text import masked
from .errors import S3KeyError

_LONGEST = 1024  # bytes, prefix included


def below(prefix: str, key: str) -> str:
    """Return the full key of an object, with its letters as they are given.

    Args:
        prefix: What all keys are below; may be empty.
        key: Relative to the prefix, with `/` between its parts.

    Raises:
        S3KeyError: The key is empty, begins or ends with `/`, is too long, or has a part such
            as `..`, which browsers and proxies resolve before S3 sees it.
    """
    if {"", ".", ".."} & set(key.split("/")) or not key.isprintable() or "\\" in key:
        raise S3KeyError(f"not a key below the prefix: {masked(key[:100])!r}")
    full = f"{prefix}/{key}" if prefix else key
    if len(full.encode()) > _LONGEST:
        raise S3KeyError(f"the key is longer than {_LONGEST} bytes: {masked(key[:100])!r}")
    return full


def listing_prefix(prefix: str, begin: str) -> str:
    """Return what the full keys of a listing begin with; `begin` may end within a name."""
    if (
        {".", ".."} & set(begin.split("/"))
        or begin.startswith("/")
        or not (begin + "x").isprintable()
    ):
        raise S3KeyError(f"not a beginning of keys below the prefix: {masked(begin[:100])!r}")
    return f"{prefix}/{begin}" if prefix else begin


def relative(prefix: str, full: str) -> str:
    """Return the key as the callers of this module know it."""
    return full[len(prefix) + 1 :] if prefix else full
