"""Take an update back: every file as before, at whatever moment the update stopped."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping

from gen_worker.errors import RepositoryError
from gen_worker.repository.git import git_bytes, git_list
from gen_worker.repository.settings import Trust
from gen_worker.repository.worktree import Repository, hashes
from gen_worker.update import index
from gen_worker.update.places import (
    in_the_way,
    inside,
    move,
    remove,
    remove_empty_parents,
)
from gen_worker.update.unfinished import Pending


def touched(repository: Repository, pending: Pending) -> set[str]:
    """Return the files that an update adds, changes or deletes."""
    words = ("diff-tree", "-r", "--name-only", "--no-renames", "--relative", "-z")
    try:
        return set(git_list(repository.folder, *words, pending.head, pending.result))
    except RepositoryError:  # the result had not arrived yet
        return set()


def edited_since(repository: Repository, pending: Pending) -> list[str]:
    """Return the files of an update that their owner edited since.

    Solving a conflict is no edit, and neither is what a killed update wrote of a file.
    """
    paths = _still_ours(repository, pending).difference(pending.conflicts)
    before = _blobs(repository, pending.head)
    after = _blobs(repository, pending.result)
    now = hashes(repository, paths, Trust.FILTERS)
    edited = []
    for path in sorted(paths):
        place = repository.folder / path
        if not os.path.lexists(place) or (
            now[path] and now[path] in (before.get(path), after.get(path))
        ):
            continue
        if pending.applied or not _is_begun(repository, pending, path):
            edited.append(path)
    return edited


def roll_back(repository: Repository, pending: Pending, spared: Collection[str] = ()) -> None:
    """Put the files of an update back to the commit before; all others stay as they are.

    It may be stopped and repeated at any moment.

    Args:
        repository: The worker.
        pending: The update.
        spared: Files that are left alone.
    """
    ours = _still_ours(repository, pending).difference(spared)
    before = _blobs(repository, pending.head)
    index.begin(repository)
    index.restore(repository, pending.head, ours)
    for path in ours - set(before):
        if in_the_way(repository.folder, path) is None:
            remove(repository.folder / path)
            remove_empty_parents(repository.folder, path)
    index.check_out(repository, ours & set(before))
    index.publish(repository)
    for path, kept in pending.kept(repository).items():
        if os.path.lexists(kept):
            remove(repository.folder / path)
            move(kept, repository.folder / path)


def set_aside(repository: Repository, pending: Pending) -> None:
    """Move what stands where the template's files go."""
    for path, kept in pending.kept(repository).items():
        kept.parent.mkdir(exist_ok=True)
        move(repository.folder / path, kept)


def _still_ours(repository: Repository, pending: Pending) -> set[str]:
    """Return the update's files without those whose place still holds what was to be set aside."""
    waiting = [path for path, kept in pending.kept(repository).items() if not os.path.lexists(kept)]
    return {
        path
        for path in touched(repository, pending)
        if not any(inside(path, owners) for owners in waiting)
    }


def _is_begun(repository: Repository, pending: Pending, path: str) -> bool:
    """Return whether a file holds the beginning of what the update was writing."""
    place = repository.folder / path
    if place.is_symlink() or not place.is_file():
        return False
    words = ("cat-file", "--filters", f"{pending.result}:./{path}")
    try:
        whole = git_bytes(repository.folder, *words, trust=Trust.FILTERS)
    except RepositoryError:  # the update deletes it
        return False
    return whole.startswith(place.read_bytes())


def _blobs(repository: Repository, revision: str) -> Mapping[str, str]:
    found = {}
    try:
        entries = git_list(repository.folder, "ls-tree", "-r", "-z", revision, "--", ".")
    except RepositoryError:  # the result had not arrived yet
        return {}
    for entry in entries:
        meta, _, path = entry.partition("\t")
        found[path] = meta.split()[2]
    return found
