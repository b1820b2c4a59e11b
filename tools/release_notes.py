# ruff: noqa: INP001 - a script for whoever makes the release
"""Print the part of CHANGELOG.md that belongs to a release, and fail when there is none."""

from __future__ import annotations

import sys
from pathlib import Path

from gen_worker.versions.changelog import section

PROJECT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Take the tag from the command line."""
    tag = sys.argv[1]
    notes = section(PROJECT, tag)
    if not notes:
        raise SystemExit(f"CHANGELOG.md has no section for {tag}.")
    sys.stdout.write(f"{notes}\n")


if __name__ == "__main__":
    main()
