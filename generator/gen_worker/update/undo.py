"""What an update does to the owner's files, and how to take it back."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path, PurePosixPath

from gen_worker.errors import RepositoryError
from gen_worker.repository.git import git, git_list, tree
from gen_worker.update.plan import Plan
from gen_worker.update.unfinished import Pending


def touched(folder: Path, pending: Pending) -> set[str]:
    """List the files that an update adds, changes or deletes."""
    try:
        return set(_differences(folder, pending.head, pending.result))
    except RepositoryError:  # the result had not arrived yet
        return set()


def _differences(folder: Path, *between: str) -> list[str]:
    return git_list(folder, "diff", "--name-only", "--no-renames", "-z", *between)


def edited_since(folder: Path, pending: Pending) -> list[str]:
    """Find the files of an update that its owner edited since; solving a conflict is no edit."""
    changed = touched(folder, pending)
    if not changed:
        return []
    since = set(_differences(folder, pending.result)) & set(_differences(folder, pending.head))
    return sorted(
        path
        for path in (since & changed).difference(pending.conflicts)
        if os.path.lexists(folder / path)
    )


def own_files(folder: Path, pending: Pending) -> set[str]:
    """List what an update brought: what git knows, and what is exactly as it came.

    What git ignores may be the owner's still, where the run was killed at its start.
    """
    changed = touched(folder, pending)
    known = changed & set(git_list(folder, "ls-files", "-z"))
    others = {path for path in changed - known if (folder / path).is_file()}
    came = tree(folder, pending.result) if others else {}
    return known | {
        path for path in others if git(folder, "hash-object", "--", path) == came.get(path)
    }


def roll_back(folder: Path, pending: Pending, own: set[str]) -> None:
    """Put the files of an update back to the commit before; all others stay as they are.

    Args:
        folder: The repository.
        pending: The update.
        own: Files that go if the commit before does not have them.
    """
    changed = touched(folder, pending)
    staged = _differences(folder, "--cached", pending.head)
    _on_paths(folder, {*staged, *changed}, "reset", "--quiet", pending.head)
    before = set(git_list(folder, "ls-tree", "-r", "--name-only", "-z", pending.head))
    for path in own - before:
        if not _in_the_way(folder, path):
            remove(folder / path)
            _remove_empty_parents(folder, path)
    _on_paths(folder, changed & before, "checkout", "--quiet", pending.head)


def _on_paths(folder: Path, paths: Collection[str], *command: str) -> None:
    """Run a git command on exactly these files, without the owner's hooks."""
    if paths:
        git(
            folder,
            *("-c", f"core.hooksPath={os.devnull}", *command),
            *("--pathspec-from-file=-", "--pathspec-file-nul"),
            data="\0".join(sorted(paths)).encode(errors="surrogateescape"),
            environment={"GIT_LITERAL_PATHSPECS": "1"},
        )


def remove(path: Path) -> None:
    """Remove what the update put there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif os.path.lexists(path):
        path.unlink()


def _remove_empty_parents(folder: Path, path: str) -> None:
    for parent in _parents(path):
        try:
            (folder / parent).rmdir()
        except OSError:  # not empty
            return


def set_aside(folder: Path, path: str, aside: dict[Path, Path]) -> None:
    """Move what stands where a file of the template will be, to be put back after a failure."""
    place = folder / path
    if os.path.lexists(place):
        inside = git(folder, "rev-parse", "--absolute-git-dir")
        kept = Path(tempfile.mkdtemp(prefix="gen-worker-aside-", dir=inside))
        aside[place] = kept
        shutil.move(place, kept / place.name)


def put_back(aside: dict[Path, Path]) -> None:
    """Undo `set_aside`: what was moved away stands in its place again."""
    for place, kept in aside.items():
        if os.path.lexists(kept / place.name):
            remove(place)
            shutil.move(kept / place.name, place)
        kept.rmdir()


def _parents(path: str) -> list[str]:
    """List the folders that a path lies in, the nearest first."""
    return [str(parent) for parent in PurePosixPath(path).parents][:-1]


def _in_the_way(folder: Path, path: str) -> str | None:
    """Find a file or a link where a path needs a folder."""
    for parent in reversed(_parents(path)):
        place = folder / parent
        if place.is_symlink() or (os.path.lexists(place) and not place.is_dir()):
            return parent
    return None


def with_strangers(plan: Plan) -> Plan:
    """Add what git does not know and the update would overwrite."""
    tracked = set(git_list(plan.folder, "ls-files", "-z"))
    found = {
        _stranger(plan.folder, path, tracked) for letter, path in plan.changes if letter == "A"
    }
    strangers = {path: "overwrite, though git does not know it" for path in found if path}
    return replace(plan, losses=plan.losses | strangers)


def _stranger(folder: Path, path: str, tracked: set[str]) -> str | None:
    """Find what stands where a new file will be, or where one of its folders will be."""
    place = folder / path
    parent = _in_the_way(folder, path)
    if parent is not None:
        return parent if parent not in tracked else None
    if place.is_dir() and not place.is_symlink():  # git clears away what it knows
        return path if git_list(folder, "ls-files", "--others", "-z", "--", path) else None
    return path if os.path.lexists(place) else None
