"""Change the working tree by a copy of git's index, which replaces the index in one step.

A git command that is killed leaves its lock behind and half of the index unknown. So the commands
here work on a copy; the index itself is locked for the moment of its replacement alone.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path

from gen_worker.errors import RepositoryError
from gen_worker.repository.git import git, git_bytes, git_says_yes
from gen_worker.repository.settings import Trust
from gen_worker.repository.worktree import Repository
from gen_worker.update.unfinished import own_index


def begin(repository: Repository) -> None:
    """Copy the index; a lock that an earlier publish of ours left goes away."""
    copy, lock = own_index(repository), _lock(repository)
    if lock.exists() and copy.exists() and copy.read_bytes().startswith(lock.read_bytes()):
        lock.unlink()
    copy.with_name(f"{copy.name}.lock").unlink(missing_ok=True)
    shutil.copy(repository.git_folder / "index", copy)


def switch(repository: Repository, head: str, result: str) -> None:
    """Change the working tree from one commit to another; an edited file stops it."""
    variables = _variables(repository)
    # A file that was touched but not changed would count as edited.
    git_says_yes(
        *(repository.top, "update-index", "-q", "--refresh"),
        trust=Trust.FILTERS,
        variables=variables,
    )
    words = ("read-tree", "-m", "-u", head, result)
    git(repository.top, *words, trust=Trust.FILTERS, variables=variables)


def mark_conflicts(repository: Repository, paths: Collection[str], entries: bytes) -> None:
    """Record conflicts, which `git status` and merge tools need to know."""
    if entries:
        zero = "0" * len(entries.split(b" ", 2)[1])
        _update(repository, _cleared(repository, paths, zero) + entries)


def restore(repository: Repository, revision: str, paths: Collection[str]) -> None:
    """Put the entries of some files back to a commit's."""
    if not paths:
        return
    listing = git_bytes(repository.top, "ls-tree", "-r", "-z", revision)
    entries = []
    for entry in listing.split(b"\0"):
        name = entry.partition(b"\t")[2].decode(errors="surrogateescape")
        if name.startswith(repository.prefix) and name[len(repository.prefix) :] in paths:
            entries.append(entry + b"\0")
    _update(repository, _cleared(repository, paths, "0" * len(revision)) + b"".join(entries))


def check_out(repository: Repository, paths: Iterable[str]) -> None:
    """Write files of the copied index into the working tree."""
    names = "".join(f"{path}\0" for path in sorted(paths)).encode(errors="surrogateescape")
    if names:
        git(
            *(repository.folder, "checkout-index", "--force", "--index", "-z", "--stdin"),
            trust=Trust.FILTERS,
            data=names,
            variables=_variables(repository),
        )


def publish(repository: Repository) -> None:
    """Replace git's index by the copy.

    Raises:
        RepositoryError: Another git command holds the lock.
    """
    lock = _lock(repository)
    try:
        with lock.open("xb") as opened:
            opened.write(own_index(repository).read_bytes())
            opened.flush()
            os.fsync(opened.fileno())
    except FileExistsError as error:
        raise RepositoryError(f"another git command is running: {lock}") from error
    except BaseException:
        lock.unlink(missing_ok=True)
        raise
    lock.replace(repository.git_folder / "index")


def _update(repository: Repository, entries: bytes) -> None:
    words = ("update-index", "-z", "--index-info")
    git(repository.top, *words, data=entries, variables=_variables(repository))


def _cleared(repository: Repository, paths: Collection[str], zero: str) -> bytes:
    lines = "".join(f"0 {zero}\t{repository.prefix}{path}\0" for path in sorted(paths))
    return lines.encode(errors="surrogateescape")


def _variables(repository: Repository) -> dict[str, str]:
    return {"GIT_INDEX_FILE": str(own_index(repository))}


def _lock(repository: Repository) -> Path:
    return repository.git_folder / "index.lock"
