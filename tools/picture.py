# ruff: noqa: INP001 - a script, no package
"""Draw docs/terminal.svg from a real run of `gen-worker payment` and its `make demo`."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from html import escape
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
TARGET = PROJECT / "docs" / "terminal.svg"

WIDTH = 100  # columns; a longer line is cut
SECTIONS = ("2", "3", "5", "7")  # of the demo; each begins with its number
ENDS = 2  # lines kept at the beginning and at the end of a section
FONT, LINE, MARGIN = 14, 19, 18  # pixels
COLUMN = 0.602 * FONT  # what a monospaced character is wide

# What a terminal calls by number, as dark themes show it.
COLORS = {"31": "#ff7b72", "32": "#7ee787", "33": "#e3b341", "35": "#d2a8ff", "36": "#79c0ff"}
_CODE = re.compile(r"\x1b\[([\d;]*)m")
_SECTION = re.compile(r"(\d)\. ")
_TOLD = re.compile(r"\d\d:\d\d:| {3}\S")  # a line of the log or of the demo, not of a traceback


def main() -> None:
    """Run both commands and write the picture."""
    with tempfile.TemporaryDirectory() as folder:
        made = record(Path(folder), "gen-worker", "payment", "--yes")
        worker = Path(folder) / "worker-payment"
        record(worker, "make", "setup")
        demo = record(worker, "make", "demo")
    lines = [
        "$ gen-worker payment --yes",
        *(line for line in made if " is ready" in line),
        "",
        "$ cd worker-payment && make demo",
        *excerpt(demo),
    ]
    TARGET.write_text(draw(lines), encoding="utf-8")


def record(folder: Path, *command: str) -> list[str]:
    """Run a command on a terminal of its own.

    Args:
        folder: Where to run it.
        *command: The command.

    Returns:
        The lines that it printed, with their colors.
    """
    ours, its = pty.openpty()
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "TERM": "xterm-256color", "COLUMNS": str(WIDTH)}
    with subprocess.Popen(  # noqa: S603 - fixed words
        command, cwd=folder, env=environment, stdin=its, stdout=its, stderr=its
    ) as process:
        os.close(its)
        said = b"".join(_chunks(ours))
    os.close(ours)
    if process.returncode:
        raise SystemExit(said.decode())
    return said.decode().replace("\r\n", "\n").split("\n")


def _chunks(terminal: int) -> Iterator[bytes]:
    try:
        while chunk := os.read(terminal, 65536):
            yield chunk
    except OSError:  # Linux says so when the last program has closed the terminal
        return


def excerpt(lines: list[str]) -> Iterator[str]:
    """Choose what fits a picture: some sections, and of each the first and last lines.

    Args:
        lines: What the demo printed.
    """
    for section in "\n".join(lines).split("\n\n"):
        headline, *rest = section.strip("\n").split("\n")
        number = _SECTION.match(plain(headline))
        if number is None or number[1] not in SECTIONS:
            continue
        told = [line for line in rest if _TOLD.match(plain(line))]
        yield from ("", headline)
        if len(told) > 2 * ENDS + 1:
            told[ENDS:-ENDS] = ["..."]
        yield from told


def plain(line: str) -> str:
    """Return a line without its colors."""
    return _CODE.sub("", line)


def draw(lines: list[str]) -> str:
    """Draw lines of a terminal.

    Args:
        lines: The lines, with their colors.

    Returns:
        The SVG.
    """
    width = round(WIDTH * COLUMN) + 2 * MARGIN
    height = len(lines) * LINE + 2 * MARGIN
    texts = "\n".join(
        f'<text x="{MARGIN}" y="{MARGIN + number * LINE - 5}">{_spans(line)}</text>'
        for number, line in enumerate(lines, 1)
        if line
    )
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" role="img"
 viewBox="0 0 {width} {height}"
 font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="{FONT}">
<title>gen-worker payment, then make demo: a worker runs jobs, retries one, and stops</title>
<style>text {{ fill: #c9d1d9 }}</style>
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
{texts}
</svg>
"""


def _spans(line: str) -> str:
    """Color the parts of a line, and cut it where the terminal ends."""
    parts = _CODE.split(line)
    is_cut = len(plain(line)) > WIDTH
    codes, room, spans = list[str](), WIDTH - is_cut, list[str]()
    for text, code in zip(parts[::2], [*parts[1::2], ""], strict=True):
        if shown := text[:room]:
            spans.append(f"<tspan{_style(codes)}>{escape(shown, quote=False)}</tspan>")
        room -= len(shown)
        codes = [] if code == "0" else [*codes, *code.split(";")]
    return "".join(spans) + "…" * is_cut


def _style(codes: list[str]) -> str:
    color = next((f' fill="{COLORS[each]}"' for each in codes if each in COLORS), "")
    weight = ' font-weight="bold"' if "1" in codes else ""
    return color + weight + (' opacity="0.6"' if "2" in codes else "")


if __name__ == "__main__":
    main()
