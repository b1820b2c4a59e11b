"""The journal of an update: written in git's folder before anything is changed, for undoing it."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

from gen_worker.errors import UpdateError
from gen_worker.repository.worktree import Repository

_FILE = "gen-worker-update.json"
_ASIDE = "gen-worker-aside"
_INDEX = "gen-worker-index"


@dataclass(frozen=True)
class Pending:
    """What must be known to finish or undo an update.

    Attributes:
        head: The commit it started from.
        result: The commit that holds its outcome; only git sees it.
        message: The message of the commit to make.
        conflicts: Files that could not be merged.
        migrations: Names of the migrations that still have to run.
        aside: What stood where new files go; moved away and kept until the update ends.
        applied: Whether all files were written; else a failure or a kill came between.
    """

    head: str
    result: str
    message: str
    conflicts: list[str] = field(default_factory=list)
    migrations: list[str] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)
    applied: bool = False

    def kept(self, repository: Repository) -> dict[str, Path]:
        """Return where each path of `aside` is kept."""
        folder = repository.git_folder / _ASIDE
        return {path: folder / str(number) for number, path in enumerate(self.aside)}


def write_pending(repository: Repository, pending: Pending) -> None:
    """Begin a journal.

    Raises:
        UpdateError: An update is under way already.
        OSError: The disk takes no more; there is no journal then.
    """
    part = _written(repository, pending)
    try:
        os.link(part, _file(repository))  # refuses if somebody else was faster
    except FileExistsError as error:
        raise UpdateError(_under_way(repository)) from error
    finally:
        part.unlink()


def replace_pending(repository: Repository, pending: Pending) -> None:
    """Replace the journal in one step."""
    _written(repository, pending).replace(_file(repository))


def _written(repository: Repository, pending: Pending) -> Path:
    part = repository.git_folder / f"{_FILE}.part"
    try:
        with part.open("w") as opened:
            json.dump(asdict(pending), opened, indent=2)
            opened.flush()
            os.fsync(opened.fileno())
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return part


def read_pending(repository: Repository) -> Pending | None:
    """Read the journal of an earlier run; None if no update is under way.

    Raises:
        UpdateError: Something else wrote into the journal.
    """
    file = _file(repository)
    try:
        return Pending(**json.loads(file.read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise UpdateError(
            f"{file} is damaged. Compare your files with git status; then delete it."
        ) from error


def check_none_pending(repository: Repository) -> None:
    """Refuse to start an update on top of another.

    Raises:
        UpdateError: One is under way.
    """
    if _file(repository).exists():
        raise UpdateError(_under_way(repository))


def forget_pending(repository: Repository) -> None:
    """Delete the journal and what was kept with it."""
    for rest in (_INDEX, f"{_INDEX}.lock"):
        (repository.git_folder / rest).unlink(missing_ok=True)
    shutil.rmtree(repository.git_folder / _ASIDE, ignore_errors=True)
    _file(repository).unlink(missing_ok=True)


def own_index(repository: Repository) -> Path:
    """Return the copy of the index that an update works on."""
    return repository.git_folder / _INDEX


def _under_way(repository: Repository) -> str:
    return (
        f"An update is under way in {repository.folder}: finish it with gen-worker update "
        "--finish, or undo it with gen-worker update --abort."
    )


def _file(repository: Repository) -> Path:
    return repository.git_folder / _FILE
