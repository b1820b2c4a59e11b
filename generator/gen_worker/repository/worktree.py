"""A repository's working tree: is it one, is it clean, what conflicts are left in it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gen_worker.errors import NotAWorkerError, RepositoryError, UpdateError
from gen_worker.repository.answers_file import is_worker
from gen_worker.repository.git import git, git_list, has_git, unmerged

_UNFINISHED = {
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
}
_SHOWN = 5  # names in one sentence


def find_repository(path: Path) -> Path:
    """Find the worker repository that a path lies in.

    Args:
        path: The repository or a folder inside it.

    Returns:
        The top of its working tree.

    Raises:
        NotAWorkerError: There is none, or it is not a git repository of its own.
        RepositoryError: Git is not installed.
    """
    if not path.is_dir():
        raise NotAWorkerError(f"There is no folder {path}.")
    try:
        top = Path(git(path, "rev-parse", "--show-toplevel"))
    except RepositoryError as error:
        if not has_git():
            raise
        hint = "; updates need git: git init && git add --all && git commit -m 'First commit'"
        raise NotAWorkerError(f"{path} is no git repository{hint}.") from error
    if not is_worker(top):
        raise NotAWorkerError(f"{top} was not made by gen-worker: it has no .copier-answers.yml.")
    return top


def head(folder: Path) -> str:
    """Return the commit that is checked out.

    Args:
        folder: The repository.

    Returns:
        Its hash.

    Raises:
        UpdateError: There is no commit yet.
    """
    try:
        return git(folder, "rev-parse", "--verify", "--quiet", "HEAD")
    except RepositoryError as error:
        raise UpdateError(f"{folder} has no commit yet; commit your work first.") from error


def check_clean(folder: Path) -> None:
    """Refuse a working tree in which an update could be mistaken for somebody's work.

    Args:
        folder: The repository.

    Raises:
        UpdateError: Something is uncommitted, or another operation is under way.
    """
    git_folder = Path(git(folder, "rev-parse", "--absolute-git-dir"))
    for name, operation in _UNFINISHED.items():
        if (git_folder / name).exists():
            raise UpdateError(f"A {operation} is under way in {folder}; finish or abort it first.")
    changed = uncommitted(folder)
    if changed:
        raise UpdateError(
            f"{folder} has uncommitted changes: {some(changed)}. Commit or stash them first."
        )


def uncommitted(folder: Path) -> list[str]:
    """List what `git status` shows, new files included and ignored ones not.

    Args:
        folder: The repository.

    Returns:
        The paths.
    """
    entries = git_list(
        folder, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all"
    )
    return [entry[3:] for entry in entries]


def leftovers(folder: Path, paths: Iterable[str] | None = None) -> list[str]:
    """Find what a merge left for a person: conflict entries, conflict markers and `.rej` files.

    Args:
        folder: The repository.
        paths: Where to look for markers; everywhere when not given.

    Returns:
        The paths, sorted.
    """
    found = set(unmerged(folder))
    if paths is None:
        marked = ("grep", "-l", "-z", "-I", "--untracked", "-e", "^<<<<<<< ", "--", ".")
        try:
            candidates = git_list(folder, *marked)
        except RepositoryError:  # git grep found nothing
            candidates = []
        others = git_list(folder, "ls-files", "--others", "--exclude-standard", "-z")
        tracked = git_list(folder, "ls-files", "-z", "--", "*.rej")
        found |= {path for path in (*others, *tracked) if path.endswith(".rej")}
    else:
        candidates = list(paths)
        found |= {path for path in candidates if path.endswith(".rej")}
    found |= {path for path in candidates if has_markers(folder / path)}
    return sorted(found)


def has_markers(file: Path) -> bool:
    """Tell whether a file holds conflict markers, both ends of one.

    Args:
        file: The file.

    Returns:
        Whether it does; a missing file does not.
    """
    try:
        lines = file.read_bytes().splitlines()
    except OSError:
        return False
    return any(line.startswith(b"<<<<<<< ") for line in lines) and any(
        line.startswith(b">>>>>>> ") for line in lines
    )


def some(paths: Iterable[str]) -> str:
    """List paths in a sentence, not too many."""
    names = list(paths)
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
