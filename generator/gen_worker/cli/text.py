"""The form of what the commands print: styles, tables, JSON."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import typer

INDENT = "  "
_STYLE = re.compile(r"\x1b\[[\d;]*m")


def table(
    rows: Sequence[Sequence[str]],
    *,
    head: Sequence[str] = (),
    colors: Iterable[str | None] = (),
    indent: str = "",
) -> list[str]:
    """Align columns; the last one may be as long as it is.

    Args:
        rows: The cells of each row; a styled cell counts with what is seen of it.
        head: Titles of the columns.
        colors: A color for each row.
        indent: What stands before each row.

    Returns:
        The lines.
    """
    every = [head, *rows] if head else rows
    widths = [max(map(_width, column)) for column in zip(*every, strict=True)]

    def line(row: Sequence[str]) -> str:
        cells = [
            f"{cell}{' ' * (width - _width(cell))}" for cell, width in zip(row, widths, strict=True)
        ]
        return f"{indent}{INDENT.join(cells).rstrip()}"

    chosen = [*colors] or [None] * len(rows)
    lines = [_styled(line(row), fg=color) for row, color in zip(rows, chosen, strict=True)]
    return [bold(line(head)), *lines] if head else lines


def pairs(rows: Mapping[str, str]) -> list[str]:
    """Align names and what is to be said of each."""
    return table([(name, dim(text)) for name, text in rows.items()], indent=INDENT)


def _width(cell: str) -> int:
    """Count the columns that a terminal needs for a text."""
    return sum(_columns(character) for character in _STYLE.sub("", cell))


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def bold(text: str) -> str:
    """Make a text stand out."""
    return _styled(text, bold=True)


def dim(text: str) -> str:
    """Make a text stand back."""
    return _styled(text, dim=True)


def accent(text: str) -> str:
    """Mark a text as something to type."""
    return _styled(text, fg="cyan")


def _styled(text: str, **style: Any) -> str:
    """Style a text unless NO_COLOR asks for none; outside a terminal the codes are dropped."""
    plain = "NO_COLOR" in os.environ or not any(style.values())
    return text if plain else typer.style(text, **style)


def as_json(data: Mapping[str, Any]) -> str:
    """Write data as JSON for scripts.

    Args:
        data: What it holds.

    Returns:
        Indented JSON.
    """
    return json.dumps(data, ensure_ascii=False, indent=2)


def error_json(sentence: str, exit_code: int) -> str:
    """Describe a failure for a script.

    Args:
        sentence: What went wrong.
        exit_code: What the process will exit with.

    Returns:
        One JSON object.
    """
    return as_json({"error": sentence, "exit_code": exit_code})
