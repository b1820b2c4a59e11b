"""A worker's working tree: where it is, whether it is clean, which conflicts are left in it."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path

from gen_worker.errors import NotAWorkerError, RepositoryError, UpdateError
from gen_worker.repository.answers_file import ANSWERS_FILE, is_worker
from gen_worker.repository.git import git, git_list, has_git, unmerged
from gen_worker.repository.settings import Trust

_UNFINISHED = {
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
}
_SHOWN = 5  # names in one sentence
_BINARY_WITHIN = 8000  # bytes: git takes a file with a zero byte among them for no text
_START, _END = re.compile(rb"^<<<<<<< ", re.MULTILINE), re.compile(rb"^>>>>>>> ", re.MULTILINE)


@dataclass(frozen=True)
class Repository:
    """A worker and the git repository it lies in.

    Attributes:
        folder: The worker's folder; all paths of an update are relative to it.
        top: The top of the working tree; another folder where one repository holds several.
        prefix: The worker's folder below the top, with a slash at its end; empty at the top.
        git_folder: Where git keeps what belongs to this working tree.
    """

    folder: Path
    top: Path
    prefix: str
    git_folder: Path


def find_repository(path: Path) -> Repository:
    """Find the worker that a path lies in, and its git repository.

    Raises:
        NotAWorkerError: The path lies in no worker, or the worker in no git repository.
        RepositoryError: Git is not installed, or refuses to look at the repository.
    """
    if not path.is_dir():
        raise NotAWorkerError(f"There is no folder {path}.")
    start = path.resolve()
    folder = next((place for place in (start, *start.parents) if _is_end(place)), start)
    if not is_worker(folder):
        raise NotAWorkerError(f"{path} was not made by gen-worker: it has no {ANSWERS_FILE}.")
    if not has_git():
        raise RepositoryError("git is not installed, or not in the PATH")
    if not any((place / ".git").exists() for place in (folder, *folder.parents)):
        raise NotAWorkerError(
            f"{folder} is not in a git repository, which updates need: "
            "git init && git add --all && git commit -m 'First commit'"
        )
    words = ("rev-parse", "--show-toplevel", "--absolute-git-dir", "--show-prefix")
    top, git_folder, prefix = (*git(folder, *words).splitlines(), "")[:3]
    return Repository(folder, Path(top), prefix, Path(git_folder))


def head(repository: Repository) -> str:
    """Return the hash of the commit that is checked out.

    Raises:
        UpdateError: There is no commit yet.
    """
    try:
        return git(repository.folder, "rev-parse", "--verify", "--quiet", "HEAD")
    except RepositoryError as error:
        raise UpdateError(f"{repository.folder} has no commit yet; commit your work.") from error


def check_ready(repository: Repository, trust: Trust) -> None:
    """Refuse a working tree whose state an update could damage or mistake for its own work.

    Raises:
        UpdateError: Something is uncommitted or hidden, or another operation is under way.
    """
    folder = repository.folder
    for name, operation in _UNFINISHED.items():
        if (repository.git_folder / name).exists():
            raise UpdateError(f"A {operation} is under way in {folder}; finish or abort it first.")
    lock = repository.git_folder / "index.lock"
    if lock.exists():
        raise UpdateError(f"Another git command is running in {folder}, or one crashed: {lock}.")
    assumed, sparse = hidden(repository)
    if assumed:
        raise UpdateError(
            f"git was told to overlook changes in {some(assumed)}. "
            "Undo that first: git update-index --no-assume-unchanged FILE"
        )
    if sparse:
        raise UpdateError(
            f"A sparse checkout leaves out {some(sparse)}. "
            "Undo that first: git sparse-checkout disable, or git update-index --no-skip-worktree"
        )
    if changed := uncommitted(repository, trust):
        raise UpdateError(
            f"{folder} has uncommitted changes: {some(changed)}. Commit or stash them first."
        )


def hidden(repository: Repository) -> tuple[list[str], list[str]]:
    """Return the files marked assume-unchanged, and those marked skip-worktree."""
    assumed, skipped = [], []
    for entry in git_list(repository.folder, "ls-files", "-v", "-z"):
        tag, path = entry[0], entry[2:]
        if tag in "Ss":
            skipped.append(path)
        elif tag.islower():
            assumed.append(path)
    return assumed, skipped


def uncommitted(repository: Repository, trust: Trust) -> list[str]:
    """Return what `git status` shows in the worker's folder: new files too, ignored ones not."""
    words = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--", ".")
    entries = git_list(repository.folder, *words, trust=trust)
    return [entry[3:].removeprefix(repository.prefix) for entry in entries]


def leftovers(folder: Path, paths: Iterable[str]) -> list[str]:
    """Find what a merge left for a person: conflict entries, conflict markers and `.rej` files.

    Args:
        folder: The worker's folder.
        paths: Where to look for markers and `.rej` files.
    """
    left = {path for path in paths if path.endswith(".rej") or has_markers(folder / path)}
    return sorted(left | set(unmerged(folder)))


def has_markers(file: Path) -> bool:
    """Return whether a text file holds both ends of a conflict; a missing file does not."""
    try:
        if not stat.S_ISREG(file.lstat().st_mode):
            return False
        with file.open("rb") as opened, mmap(opened.fileno(), 0, access=ACCESS_READ) as text:
            binary = b"\0" in text[:_BINARY_WITHIN]
            return not binary and bool(_START.search(text) and _END.search(text))
    except (OSError, ValueError):  # an empty file cannot be mapped
        return False


def hashes(
    repository: Repository, paths: Iterable[str], trust: Trust = Trust.NONE
) -> dict[str, str]:
    """Hash files as git would store them, links too; an empty hash for what is neither."""
    folder = repository.folder
    found = dict.fromkeys(paths, "")
    plain = []
    for path in sorted(found):
        place = folder / path
        if place.is_symlink():
            found[path] = git(folder, "hash-object", "--stdin", data=os.fsencode(place.readlink()))
        elif place.is_file() and "\n" not in path:
            plain.append(path)
    if plain:
        lines = "".join(f"{repository.prefix}{path}\n" for path in plain)
        names = lines.encode(errors="surrogateescape")
        shown = git(repository.top, "hash-object", "--stdin-paths", data=names, trust=trust)
        found |= dict(zip(plain, shown.splitlines(), strict=True))
    return found


def some(paths: Iterable[str]) -> str:
    """List paths in a sentence, but not too many."""
    names = list(paths)
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _is_end(folder: Path) -> bool:
    """Return whether the search upwards for a worker ends here."""
    return is_worker(folder) or (folder / ".git").exists()
