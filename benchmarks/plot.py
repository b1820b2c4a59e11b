"""Bar charts as an SVG text, without a plotting library."""

from __future__ import annotations

import math
from html import escape

Panel = tuple[str, list[tuple[str, float]], float]

_BAR, _GAP, _HEAD = 16, 5, 38  # pixels: height of a bar, space below it, height of a title
_LABELS, _BARS, _VALUES = 235, 430, 70  # widths of the three columns
_OURS, _PEERS, _INK = "#2563eb", "#a3b1c6", "#1f2937"


def bars(panels: list[Panel]) -> str:
    """Draw one panel below the other.

    Args:
        panels: Title, bars (label and jobs per second), and the limit, infinity for none.
    """
    parts, top = [], 10
    for title, values, limit in panels:
        if values:
            parts += _panel(top, title, values, limit)
            top += _HEAD + len(values) * (_BAR + _GAP)
    width, height = _LABELS + _BARS + _VALUES, top + 10
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12" fill="{_INK}">\n'
        f'<rect width="{width}" height="{height}" fill="white"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _panel(top: int, title: str, values: list[tuple[str, float]], limit: float) -> list[str]:
    known_limit = [] if math.isinf(limit) else [limit]
    most = max([value for _, value in values] + known_limit)
    note = f" (limit {limit:.4g})" if known_limit else ""
    head = escape(f"{title}, jobs/s{note}")
    parts = [f'<text x="10" y="{top + 18}" font-size="14" font-weight="bold">{head}</text>']
    first = top + _HEAD - 10
    for number, (label, value) in enumerate(values):
        y = first + number * (_BAR + _GAP)
        color = _OURS if label.startswith("gen-worker") else _PEERS
        length = max(value / most * _BARS, 1)
        shown = f"{value:.0f}" if value >= 100 else f"{value:.1f}"  # noqa: PLR2004 - digits
        parts += [
            f'<text x="{_LABELS - 8}" y="{y + 12}" text-anchor="end">{escape(label)}</text>',
            f'<rect x="{_LABELS}" y="{y}" width="{length:.1f}" height="{_BAR}" fill="{color}"/>',
            f'<text x="{_LABELS + length + 5:.1f}" y="{y + 12}">{shown}</text>',
        ]
    if known_limit:
        x, end = _LABELS + limit / most * _BARS, first + len(values) * (_BAR + _GAP) - _GAP
        line = f'<line x1="{x:.1f}" y1="{first - 2}" x2="{x:.1f}" y2="{end}"'
        parts.append(f'{line} stroke="{_INK}" stroke-dasharray="3 3"/>')
    return parts
