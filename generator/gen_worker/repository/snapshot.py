"""How a worker's folder stands, read by two git commands: `fleet status` looks at many."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from gen_worker.repository.git import git_list
from gen_worker.repository.worktree import Repository, has_markers

_LINKED = ("120000", "160000")  # modes of links and of other repositories


@dataclass
class Snapshot:
    """What git knows of a worker's folder; paths are relative to it.

    Attributes:
        branch: What is checked out.
        ahead: Commits that the remote branch does not have.
        behind: Commits of the remote branch, as last fetched, that are not here.
        stored: The hashes of the index, without files whose changes git was told to overlook.
        dirty: Files that are not as the index has them.
        staged: Files that the index has otherwise than the last commit.
        unmerged: Files with conflict entries in the index.
        untracked: Files that are neither in the index nor ignored.
        texts: Files that could hold conflict markers.
    """

    branch: str = "?"
    ahead: int = 0
    behind: int = 0
    stored: dict[str, str] = field(default_factory=dict)
    dirty: set[str] = field(default_factory=set)
    staged: set[str] = field(default_factory=set)
    unmerged: set[str] = field(default_factory=set)
    untracked: list[str] = field(default_factory=list)
    texts: set[str] = field(default_factory=set)

    @property
    def changed(self) -> int:
        """How many files are not committed; a folder of new files counts once, as in git."""
        new = set(self.untracked)
        if new:
            every = {*self.stored, *self.texts}
            folders = {folder for path in every for folder in _above(path)}
            new = {next((one for one in _above(path) if one not in folders), path) for path in new}
        return len(self.dirty | self.staged | self.unmerged) + len(new)


def read_snapshot(repository: Repository, filters: Sequence[str] | None = None) -> Snapshot:
    """Look at a worker's folder.

    Args:
        repository: The worker.
        filters: Those that the settings define; git is asked for them when not given.

    Raises:
        RepositoryError: Git refuses.
    """
    found = Snapshot()
    words = ("status", "--porcelain=v2", "--branch", "--no-renames", "--untracked-files=all")
    for entry in git_list(repository.folder, *words, "-z", "--", ".", known_filters=filters):
        _add_status(found, entry, repository.prefix)
    for entry in git_list(repository.folder, "ls-files", "-v", "--stage", "-z"):
        meta, _, path = entry.partition("\t")
        tag, mode, blob, _ = meta.split()
        left_out = tag in "Ss" and not os.path.lexists(repository.folder / path)
        if left_out or (tag.isupper() and tag != "S"):
            found.stored[path] = blob
        if mode not in _LINKED and not left_out:
            found.texts.add(path)
    return found


def conflicts(repository: Repository, snapshot: Snapshot, known: Container[str]) -> list[str]:
    """Find what a merge left for a person: conflict entries, conflict markers and `.rej` files.

    Args:
        repository: The worker.
        snapshot: How its folder stands.
        known: Files that are as the template has them, and hold no markers.
    """
    every = {*snapshot.texts, *snapshot.untracked}
    rejected = {path for path in every if path.endswith(".rej")}
    marked = {path for path in every if path not in known and has_markers(repository.folder / path)}
    return sorted(snapshot.unmerged | rejected | marked)


def _add_status(found: Snapshot, entry: str, prefix: str) -> None:
    """Read one entry of `git status --porcelain=v2`, whose paths are relative to the top."""
    kind, _, rest = entry.partition(" ")
    if kind == "#":
        name, _, value = rest.partition(" ")
        if name == "branch.head":
            found.branch = value
        elif name == "branch.ab":
            found.ahead, found.behind = (abs(int(word)) for word in value.split())
    elif kind == "?":
        found.untracked.append(rest.removeprefix(prefix))
    elif kind == "u":
        found.unmerged.add(rest.split(" ", 9)[-1].removeprefix(prefix))
    elif kind == "1":
        path = rest.split(" ", 7)[-1].removeprefix(prefix)
        found.staged |= {path} if rest[0] != "." else set()
        found.dirty |= {path} if rest[1] != "." else set()


def _above(path: str) -> Iterator[str]:
    """Yield the folders that a path lies in, the outermost first."""
    return accumulate(path.split("/")[:-1], "{}/{}".format)
