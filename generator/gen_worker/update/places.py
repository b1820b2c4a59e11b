"""Places in a working tree: what stands there, moved and removed without following links."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path, PurePosixPath


def inside(path: str, folder: str) -> bool:
    """Return whether a path is another one or lies below it."""
    return path == folder or path.startswith(f"{folder}/")


def in_the_way(folder: Path, path: str) -> str | None:
    """Return the file or link that stands where a path needs a folder."""
    for parent in reversed(_parents(path)):
        place = folder / parent
        if place.is_symlink() or (os.path.lexists(place) and not place.is_dir()):
            return parent
    return None


def remove(path: Path) -> None:
    """Remove a file, a link or a whole folder; nothing is fine too."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def remove_empty_parents(folder: Path, path: str) -> None:
    """Remove the folders that a removed path leaves empty."""
    for parent in _parents(path):
        try:
            (folder / parent).rmdir()
        except OSError:  # not empty
            return


def move(source: Path, target: Path) -> None:
    """Move something so that at every moment one of the two places holds it whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        part = target.with_name(f"{target.name}.part")
        remove(part)
        if source.is_dir() and not source.is_symlink():
            shutil.copytree(source, part, symlinks=True)
        else:
            shutil.copy2(source, part, follow_symlinks=False)
        part.rename(target)
        remove(source)


def _parents(path: str) -> list[str]:
    """Return the folders that a path lies in, the nearest first."""
    return [str(parent) for parent in PurePosixPath(path).parents][:-1]
