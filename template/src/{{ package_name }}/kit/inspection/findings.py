"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "FAIL"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence about one part.

    Args:
        level: `ok`, `warn` (works, but see to it) or `FAIL` (cannot be used).
        detail: The sentence, without secrets.
    """

    level: Level
    detail: str


def ok(detail: str) -> Finding:
    """All is well."""
    return Finding("ok", detail)


def warn(detail: str) -> Finding:
    """It works, but somebody should see to it."""
    return Finding("warn", detail)


def fail(detail: str) -> Finding:
    """It cannot be used."""
    return Finding("FAIL", detail)
