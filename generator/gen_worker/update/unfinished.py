"""An update that waits for its owner: written down inside the repository's git folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from gen_worker.errors import UpdateError
from gen_worker.repository.git import git

_FILE = "gen-worker-update.json"


@dataclass(frozen=True)
class Pending:
    """What must be known to finish or undo an update.

    Attributes:
        head: The commit it started from.
        result: The commit that holds its outcome; only git sees it.
        message: What its commit will say.
        conflicts: Files that could not be merged.
        migrations: Names of the migrations that still have to run.
    """

    head: str
    result: str
    message: str
    conflicts: list[str] = field(default_factory=list)
    migrations: list[str] = field(default_factory=list)


def write_pending(folder: Path, pending: Pending) -> None:
    """Remember an update before it touches anything.

    Args:
        folder: The repository.
        pending: The update.

    Raises:
        UpdateError: One is under way already.
    """
    try:
        with _file(folder).open("x") as opened:
            json.dump(asdict(pending), opened, indent=2)
    except FileExistsError as error:
        raise UpdateError(_under_way(folder)) from error


def read_pending(folder: Path) -> Pending | None:
    """Read what an earlier run left.

    Args:
        folder: The repository.

    Returns:
        The update; None when none is under way.
    """
    try:
        return Pending(**json.loads(_file(folder).read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise UpdateError(f"{_file(folder)} is damaged; delete it.") from error


def check_none_pending(folder: Path) -> None:
    """Refuse to start an update on top of another.

    Args:
        folder: The repository.

    Raises:
        UpdateError: One is under way.
    """
    if _file(folder).exists():
        raise UpdateError(_under_way(folder))


def forget_pending(folder: Path) -> None:
    """Forget an update that is finished or undone.

    Args:
        folder: The repository.
    """
    _file(folder).unlink(missing_ok=True)


def _under_way(folder: Path) -> str:
    return (
        f"An update is under way in {folder}: end it with gen-worker update --finish, "
        "or undo it with gen-worker update --abort."
    )


def _file(folder: Path) -> Path:
    return Path(git(folder, "rev-parse", "--absolute-git-dir")) / _FILE
