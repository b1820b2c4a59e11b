"""The form of what the commands print: styles, tables, JSON, and text that does no harm."""

from __future__ import annotations

import json
import os
import re
import shlex
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import typer

EXIT_ATTENTION, EXIT_CONFLICTS = 1, 3
INDENT = "  "
_STYLE = re.compile(r"\x1b\[[\d;]*m")
_USER = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)(?P<user>[^/@\s\"']*)@", re.IGNORECASE)
_LONGEST_LINE = 2000  # characters; longer lines are nobody's to read


def safe(text: str) -> str:
    """Make a text safe to print, whoever wrote parts of it.

    Control characters become escapes, except line ends and our own styles; passwords in URLs
    become asterisks; endless lines are cut.
    """
    lines = []
    for line in text.split("\n"):
        shown = masked(line)
        if len(shown) > _LONGEST_LINE:
            shown = f"{shown[:_LONGEST_LINE]}... ({len(shown)} characters)"
        if not _STYLE.sub("", shown).isprintable():
            parts = re.split(f"({_STYLE.pattern})", shown)
            shown = "".join(part if _STYLE.fullmatch(part) else escaped(part) for part in parts)
        lines.append(shown)
    return "\n".join(lines)


def masked(text: str) -> str:
    """Replace users and passwords in URLs by asterisks; `ssh://git@` is no secret."""

    def mask(found: re.Match[str]) -> str:
        public = found["scheme"].lower().endswith("ssh://") and ":" not in found["user"]
        return found[0] if public else f"{found['scheme']}***@"

    return _USER.sub(mask, text)


def escaped(text: str) -> str:
    """Write characters that a terminal would obey or hide as escapes."""
    return "".join(
        one if one.isprintable() or one == "\t" else one.encode("unicode_escape").decode("ascii")
        for one in text
    )


def typed(path: str) -> str:
    """Write a path as an argument of a shell command; one that begins with - is no option."""
    return shlex.quote(f"./{path}" if path.startswith("-") else path)


def table(
    rows: Sequence[Sequence[str]],
    *,
    head: Sequence[str] = (),
    colors: Iterable[str | None] = (),
    indent: str = "",
) -> list[str]:
    """Align columns, by the columns that a terminal needs for wide characters.

    Args:
        rows: The cells of each row; the styles of a cell take no room.
        head: Titles of the columns.
        colors: A color for each row.
        indent: What stands before each row.
    """
    rows = [[safe(cell).replace("\n", "\\n") for cell in row] for row in rows]
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
    """Align names and their values."""
    return table([(name, dim(text)) for name, text in rows.items()], indent=INDENT)


def bold(text: str) -> str:
    """Make a text stand out."""
    return _styled(text, bold=True)


def dim(text: str) -> str:
    """Make a text stand back."""
    return _styled(text, dim=True)


def accent(text: str) -> str:
    """Mark a text as something to type."""
    return _styled(text, fg="cyan")


def as_json(data: Mapping[str, Any]) -> str:
    """Write data as indented JSON, safe to print."""
    text = masked(json.dumps(data, ensure_ascii=False, indent=2))
    return "".join(
        one if one.isprintable() or one == "\n" else json.dumps(one).strip('"') for one in text
    )


def error_json(sentence: str, exit_code: int) -> str:
    """Describe a failure for a script."""
    return as_json({"error": sentence, "exit_code": exit_code})


def _styled(text: str, **style: Any) -> str:
    """Style a text unless NO_COLOR is set; outside a terminal the codes are dropped."""
    plain = "NO_COLOR" in os.environ or not any(style.values())
    return text if plain else typer.style(text, **style)


def _width(cell: str) -> int:
    """Count the columns that a terminal needs for a text."""
    return sum(_columns(character) for character in _STYLE.sub("", cell))


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
