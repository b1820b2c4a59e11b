"""Paths below the base folder, which cannot be left."""

from __future__ import annotations

import posixpath

from ..text import composed, masked, name_end
from .errors import FtpPathError


def below(base: str, path: str, *, folder: bool = False, as_given: bool = False) -> str:
    """Return the full path of a file or folder on the server.

    Args:
        base: The base folder.
        path: A path relative to it, with `/` between its parts.
        folder: The path is one of a folder; empty means the base folder.
        as_given: Do not compose its letters.

    Raises:
        FtpPathError: The path is absolute, leads upwards, or holds a character that could end
            a command.
    """
    parts = [] if folder and not path else path.split("/")
    if any(part in {"", ".", ".."} for part in parts):
        raise FtpPathError(f"not a path below the base folder: {masked(path[:100])!r}")
    if "\\" in path or not path.isprintable():  # some servers take `\` for `/`
        raise FtpPathError(f"a path has no backslash or control character: {masked(path[:100])!r}")
    return posixpath.join(base, *(parts if as_given else map(composed, parts)))


def parents(path: str) -> list[str]:
    """Return every folder above a path, from the outermost, without the root."""
    found = []
    folder = posixpath.dirname(path)
    while folder not in {"", "/"}:
        found.append(folder)
        folder = posixpath.dirname(folder)
    return found[::-1]


def beside(path: str, tag: str) -> str:
    """Return the temporary name for a file in the same folder, so that a rename stays on one disk."""
    folder, name = posixpath.split(path)
    return posixpath.join(folder, f".{name_end(name)}.{tag}.part")
