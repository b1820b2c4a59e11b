"""What a check found."""

from __future__ import annotations

from typing import Literal, NamedTuple

from ..texts import say

Level = Literal["ok", "warn", "FAIL"]


class Finding(NamedTuple):
    """One sentence about one part.

    Args:
        level: `ok`, `warn` (works, but see to it) or `FAIL` (cannot be used).
        detail: The sentence, without secrets.
    """

    level: Level
    detail: str


def ok(detail: str, /, **values: object) -> Finding:
    """All is well."""
    return Finding("ok", say(detail, **values))


def warn(detail: str, /, **values: object) -> Finding:
    """It works, but somebody should see to it."""
    return Finding("warn", say(detail, **values))


def fail(detail: str, /, **values: object) -> Finding:
    """It cannot be used."""
    return Finding("FAIL", say(detail, **values))
