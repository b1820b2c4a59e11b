"""Repositories of the usual form, of which a look tells what git would have to be asked for.

`fleet status` looks at many, and every question to git starts a program.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from gen_worker.errors import RepositoryError
from gen_worker.repository.git import filters
from gen_worker.repository.worktree import Repository

# Git accepts more; whatever is not found here, it is asked for.
_HEAD = re.compile(rb"(ref: refs/[^\n]+|[0-9a-f]{40}([0-9a-f]{24})?)\n")
# The settings cannot name a filter, another file or another working tree without these words.
_SPECIAL = (b"filter", b"include", b"worktree")


def plain_repository(folder: Path) -> Repository | None:
    """Return the repository of a worker that has one of its own, with the usual settings.

    Returns:
        None where git has to find the repository. Its settings name no filter otherwise.
    """
    top = folder.resolve()
    place = top / ".git"
    try:
        head, settings = (place / "HEAD").read_bytes(), (place / "config").read_bytes().lower()
    except OSError:
        return None
    parts = (place / "objects").is_dir() and (place / "refs").is_dir()
    elsewhere = place.is_symlink() or os.path.lexists(place / "commondir")
    if not parts or elsewhere or not _HEAD.fullmatch(head):
        return None
    if any(word in settings for word in _SPECIAL):
        return None
    return Repository(top, top, "", place)


def own_filters() -> list[str] | None:
    """Name the filters that the user's own settings define, None where repositories differ."""
    try:
        found = filters(Path(os.sep), {"GIT_DIR": os.devnull}, also=r"|^includeif\.")
    except RepositoryError:
        return None
    return None if any(name.startswith("includeif.") for name in found) else found
