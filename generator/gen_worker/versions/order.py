"""Versions of the template: tags such as v1.2.0, and commits between them as git describes them."""

from __future__ import annotations

import re

from packaging.version import InvalidVersion, Version

_DESCRIBED = re.compile(r"v?(?P<tag>\d[^-]*)(?:-(?P<distance>\d+)-g[0-9a-f]{4,40})?")


def parse_version(label: str | None) -> Version | None:
    """Read a version.

    Args:
        label: `v1.2.0`, `1.2.0` or `v1.2.0-3-gabc1234`; anything else has no order.

    Returns:
        The version; a commit after a tag sorts after it and before the next. None for a bare
        commit hash and other words.
    """
    match = _DESCRIBED.fullmatch(label or "")
    if match is None:
        return None
    distance = match["distance"]
    try:
        return Version(f"{match['tag']}.post{distance}" if distance else match["tag"])
    except InvalidVersion:
        return None


def is_between(version: str, older: str | None, newer: str | None) -> bool:
    """Return whether a version came after one and not after another.

    Returns:
        Whether `older` < version <= `newer`; an unknown end is no limit.
    """
    this, start, end = parse_version(version), parse_version(older), parse_version(newer)
    if this is None:
        return False
    return (start is None or start < this) and (end is None or this <= end)
