"""Run git without being led astray by the caller's environment."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from gen_worker.errors import RepositoryError

# Set by git itself for its hooks; they would make every command act on another repository.
_LOCAL_VARIABLES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")

_FALLBACK_IDENTITY = ("-c", "user.name=gen-worker", "-c", "user.email=gen-worker@localhost")
_SHOWN_LINES = 15  # of what a hook says
_RUN_HOOKS = frozenset({"commit", "push"})


def has_git() -> bool:
    """Tell whether git can be run."""
    return shutil.which("git") is not None


def git(
    folder: Path,
    *arguments: str,
    data: bytes | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run one git command.

    Args:
        folder: Where it runs.
        *arguments: The command and its arguments.
        data: What it reads from standard input.
        environment: Variables to add.

    Returns:
        What it printed, stripped.

    Raises:
        RepositoryError: It failed; the text ends with git's own first line, or the last lines
            of a hook. Or git is not installed.
    """
    return git_bytes(folder, *arguments, data=data, environment=environment).decode(
        errors="surrogateescape"
    )


def git_bytes(
    folder: Path,
    *arguments: str,
    data: bytes | None = None,
    environment: Mapping[str, str] | None = None,
    strip: bool = True,
) -> bytes:
    """Run one git command whose output is not text, or whose every byte counts.

    Args:
        folder: Where it runs.
        *arguments: The command and its arguments.
        data: What it reads from standard input.
        environment: Variables to add.
        strip: Remove white space around the output.

    Returns:
        What it printed.

    Raises:
        RepositoryError: It failed; the text ends with git's own first line, or the last lines
            of a hook. Or git is not installed.
    """
    done = _run(folder, arguments, data, environment or {})
    if done.returncode:
        said = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
        command = next(iter(_without_settings(arguments)), "")
        reason = said[0] if said else f"exit code {done.returncode}"
        if command in _RUN_HOOKS and len(said) > 1:
            reason = "\n".join(["", *said[-_SHOWN_LINES:]])
        raise RepositoryError(f"git {command} failed: {reason}")
    return done.stdout.strip() if strip else done.stdout


def git_says_yes(folder: Path, *arguments: str) -> bool:
    """Run a git command that answers by its exit code.

    Args:
        folder: Where it runs.
        *arguments: The command and its arguments.

    Returns:
        Whether it exited with 0.
    """
    return _run(folder, arguments, None, {}).returncode == 0


def git_list(folder: Path, *arguments: str) -> list[str]:
    """Run a git command that prints names with NUL between them (`-z`).

    Args:
        folder: Where it runs.
        *arguments: The command and its arguments.

    Returns:
        The names.

    Raises:
        RepositoryError: It failed.
    """
    found = git_bytes(folder, *arguments, strip=False).decode(errors="surrogateescape")
    return [name for name in found.split("\0") if name]


def unmerged(folder: Path) -> dict[str, set[int]]:
    """List the conflicts of a repository's index.

    Args:
        folder: The repository.

    Returns:
        The stages of each file: 1 is the base, 2 the owner's, 3 the template's.
    """
    found: dict[str, set[int]] = {}
    for entry in git_list(folder, "ls-files", "--unmerged", "-z"):
        meta, _, path = entry.partition("\t")
        found.setdefault(path, set()).add(int(meta.split()[2]))
    return found


def tree(folder: Path, revision: str) -> dict[str, str]:
    """List a commit's files.

    Args:
        folder: The repository.
        revision: The commit.

    Returns:
        The content's hash by path.
    """
    found = {}
    for entry in git_list(folder, "ls-tree", "-r", "-z", revision):
        meta, _, path = entry.partition("\t")
        found[path] = meta.split()[2]
    return found


def identity(folder: Path) -> tuple[str, ...]:
    """Say who commits where git does not know.

    Args:
        folder: The repository.

    Returns:
        Settings for the git command; empty when git knows.
    """
    return () if _has_identity(folder) else _FALLBACK_IDENTITY


def _has_identity(folder: Path) -> bool:
    """Tell whether git knows who commits; a fresh machine does not."""
    try:
        git(folder, "-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT")
        git(folder, "-c", "user.useConfigOnly=true", "var", "GIT_AUTHOR_IDENT")
    except RepositoryError:
        return False
    return True


def _run(
    folder: Path, arguments: tuple[str, ...], data: bytes | None, extra: Mapping[str, str]
) -> subprocess.CompletedProcess[bytes]:
    environment = {key: value for key, value in os.environ.items() if key not in _LOCAL_VARIABLES}
    environment |= {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", **extra}
    try:
        return subprocess.run(  # noqa: S603 - fixed program, arguments are never shell text
            ["git", *arguments],  # noqa: S607 - the user's own git is the one to use
            cwd=folder,
            env=environment,
            input=data or b"",
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        if has_git():  # then it is the folder that is missing
            raise
        raise RepositoryError("git is not installed, or not in the PATH") from error


def _without_settings(arguments: tuple[str, ...]) -> list[str]:
    """Leave out `-c name=value` before the command's name."""
    words = list(arguments)
    while words[:1] == ["-c"]:
        del words[:2]
    return words
