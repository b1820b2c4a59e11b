"""The part of the changelog that an owner has not read yet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from gen_worker.versions.order import is_between, parse_version

_HEADING = re.compile(r"^## +\[?(?P<version>[^\]\s]+)\]?.*$", re.MULTILINE)


def news(root: Path, older: str | None, newer: str | None) -> str:
    """Cut out what changed between two versions.

    Args:
        root: A template's folder, in which CHANGELOG.md may lie.
        older: What the repository has.
        newer: What it gets.

    Returns:
        The sections in between, newest first; empty when there is no changelog.
    """
    # "Unreleased" is news only on the way to a commit that is not released itself.
    unreleased = "-g" in (newer or "")
    found = [
        text
        for version, text in _sections(root)
        if is_between(version, older, newer) or (unreleased and version.lower() == "unreleased")
    ]
    return "\n\n".join(found) if older != newer else ""


def section(root: Path, label: str) -> str:
    """Cut out what one release brought.

    Args:
        root: A template's folder, in which CHANGELOG.md may lie.
        label: The release.

    Returns:
        The section without its heading; empty when there is none.
    """
    for version, text in _sections(root):
        if parse_version(version) == parse_version(label) is not None:
            return text.partition("\n")[2].strip()
    return ""


def _sections(root: Path) -> Iterator[tuple[str, str]]:
    """Yield the version and the text of each section."""
    file = root / "CHANGELOG.md"
    if not file.is_file():
        return
    text = file.read_text()
    headings = list(_HEADING.finditer(text))
    ends = [heading.start() for heading in headings[1:]] + [len(text)]
    for heading, end in zip(headings, ends, strict=True):
        yield heading["version"], text[heading.start() : end].strip()
