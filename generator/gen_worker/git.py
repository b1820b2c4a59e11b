"""Run git without being led astray by the caller's environment."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from gen_worker.errors import RepositoryError

# Set by git itself for its hooks; they would make every command act on another repository.
_LOCAL_VARIABLES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")


def has_git() -> bool:
    """Tell whether git can be run."""
    return shutil.which("git") is not None


def git(folder: Path, *arguments: str) -> str:
    """Run one git command.

    Args:
        folder: Where it runs.
        *arguments: The command and its arguments.

    Returns:
        What it printed, stripped.

    Raises:
        RepositoryError: It failed; the text ends with git's own first line.
    """
    environment = {key: value for key, value in os.environ.items() if key not in _LOCAL_VARIABLES}
    environment["LC_ALL"] = "C"
    done = subprocess.run(  # noqa: S603 - fixed program, arguments are never shell text
        ["git", *arguments],  # noqa: S607 - the user's own git is the one to use
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        reason = said[0] if said else f"exit code {done.returncode}"
        raise RepositoryError(f"git {arguments[0]} failed: {reason}")
    return done.stdout.strip()
