"""Make the new folder a git repository with a first commit."""

from __future__ import annotations

from pathlib import Path

from gen_worker.errors import RepositoryError
from gen_worker.repository.git import git, identity
from gen_worker.repository.settings import Trust

COMMANDS = "git init && git add --all && git commit -m 'First commit'"


def make_repository(folder: Path, message: str) -> str:
    """Initialise git and commit everything.

    The user's commit hooks and signing stay out: the first may refuse generated files and the
    second may wait for a passphrase.

    Raises:
        RepositoryError: Git failed.
    """
    try:
        git(folder, "init", "--quiet")
        git(folder, "symbolic-ref", "HEAD", "refs/heads/main")
        git(folder, "add", "--all", "--force", trust=Trust.FILTERS)
        words = ("commit", "--quiet", "--no-gpg-sign", "--cleanup=whitespace", "--message", message)
        git(folder, *identity(folder), *words)
        return git(folder, "rev-parse", "HEAD")
    except RepositoryError as error:
        raise RepositoryError(f"Nothing was written: {error}. Try again with --no-git.") from error
