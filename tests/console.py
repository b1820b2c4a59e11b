"""The commands of a Markdown page, run as a reader would type them.

A page is a list of steps, in the order in which they stand in it:

- a block of `console`: each line after `$ ` is run; the lines below it are what it must print,
  where `...` stands for anything, alone in a line for any lines;
- a block with a title is a file, and is written;
- a block of `text` after `<!-- log -->` must come out of what runs in the background.

Comments before a block change that: `<!-- background -->` leaves its last command running until
the next one or the page's end; `<!-- not run: REASON -->` only shows it. `<!-- setup: COMMAND -->`
is run and not shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_MARK = re.compile(r"<!-- (background|log|not run: \S.*|setup: \S.*) -->")
_FENCE = re.compile(r"(?P<indent> *)```(?P<language>\w+)?(?: title=\"(?P<title>[^\"]+)\")?")


@dataclass(frozen=True)
class Step:
    """One thing to do.

    Attributes:
        kind: `command`, `background`, `log` or `file`.
        line: Where it stands in the page, counted from 1.
        text: The command, or the file's content, or the expected log.
        expected: What the command prints; None when the page does not say.
        path: The file to write.
    """

    kind: str
    line: int
    text: str
    expected: str | None = None
    path: str = ""


def steps(page: Path) -> list[Step]:
    """Read the steps of a page.

    Args:
        page: The Markdown file.

    Raises:
        ValueError: A comment stands before nothing that it could change.
    """
    found: list[Step] = []
    mark = ""
    lines = iter(enumerate(page.read_text(encoding="utf-8").splitlines(), 1))
    for number, line in lines:
        if marked := _MARK.fullmatch(line.strip()):
            mark = marked[1]
            if mark.startswith("setup: "):
                found.append(Step("command", number, mark.removeprefix("setup: ")))
                mark = ""
        elif opening := _FENCE.fullmatch(line):
            content = _content(lines, len(opening["indent"]))
            found += _block(number, opening, content, mark)
            mark = ""
        elif mark and line.strip():
            raise ValueError(f"{page.name}, line {number}: '{mark}' stands before no block")
    return found


def _content(lines: Iterator[tuple[int, str]], indent: int) -> list[str]:
    content = []
    for _, line in lines:
        if line.strip() == "```":
            break
        content.append(line[indent:])
    return content


def _block(number: int, opening: re.Match[str], content: list[str], mark: str) -> list[Step]:
    if mark.startswith("not run: "):
        return []
    if opening["title"]:
        return [Step("file", number, "\n".join(content) + "\n", path=opening["title"])]
    if mark == "log":
        return [Step("log", number, "", "\n".join(content))]
    if opening["language"] != "console":
        return []
    made = _commands(number, content)
    if mark == "background":
        last = made[-1]
        made[-1] = Step("background", last.line, last.text, last.expected)
    return made


def _commands(number: int, content: list[str]) -> list[Step]:
    made: list[Step] = []
    command, output = "", list[str]()
    for offset, line in enumerate([*content, "$ "], 1):
        if line.startswith("$ "):
            if command:
                text = re.sub(r"\s{2,}# .*", "", command)  # a remark beside it
                made.append(Step("command", number, text, "\n".join(output) or None))
            number, command, output = number + (offset if made else 1), line[2:], []
        elif command.endswith("\\"):
            command += "\n" + line.removeprefix("> ")
        else:
            output.append(line)
    return made


def pattern(expected: str) -> re.Pattern[str]:
    """What an expected output matches: `...` is anything in a line, or any lines."""
    parts = []
    for line in expected.splitlines():
        if line.strip() == "...":
            parts.append(r"(?:[^\n]*\n)*?")
        else:
            parts.append(r"[^\n]*".join(map(re.escape, line.rstrip().split("..."))) + r"[ ]*\n")
    return re.compile("".join(parts))
