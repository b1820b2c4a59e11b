"""The part of the changelog that an owner has not read yet."""

from __future__ import annotations

import re
from pathlib import Path

from gen_worker.versions import is_between

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
    file = root / "CHANGELOG.md"
    if not file.is_file():
        return ""
    text = file.read_text()
    headings = list(_HEADING.finditer(text))
    ends = [heading.start() for heading in headings[1:]] + [len(text)]
    # "Unreleased" is news only on the way to a commit that is not released itself.
    unreleased = "-g" in (newer or "")
    sections = [
        text[heading.start() : end].strip()
        for heading, end in zip(headings, ends, strict=True)
        if is_between(heading["version"], older, newer)
        or (unreleased and heading["version"].lower() == "unreleased")
    ]
    return "\n\n".join(sections)
