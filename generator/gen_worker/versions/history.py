"""The history of the template: where its versions are found, and each one as a folder.

A checkout is its own history. An installed package carries a git bundle of the released tags, so
that updates work offline. A version that is in neither is looked for where the repository came
from.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from gen_worker.errors import RepositoryError, TemplateError, UpdateError
from gen_worker.repository.git import git, git_bytes, git_says_yes
from gen_worker.versions.order import parse_version
from gen_worker.versions.origin import BUNDLE, TEMPLATE_PARTS

_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+-]*")  # nothing git could take for an option
_SHORTCUTS = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}
_TRANSPORTS = {"GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh", "GIT_TERMINAL_PROMPT": "0"}


class History:
    """The commits and tags of a template's repository."""

    def __init__(self, folder: Path) -> None:
        """Use a repository.

        Args:
            folder: A checkout or a bare repository.
        """
        self.folder = folder

    def find(self, revision: str) -> str | None:
        """Look up a revision.

        Args:
            revision: A tag, a commit's hash, or what `git describe` made of one.

        Returns:
            The commit's hash; None when it is not here.
        """
        if not _REVISION.fullmatch(revision):
            return None
        try:
            return git(self.folder, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
        except RepositoryError:
            return None

    def has_tag(self, name: str) -> bool:
        """Tell whether a name is a tag's."""
        return git_says_yes(self.folder, "show-ref", "--verify", "--quiet", f"refs/tags/{name}")

    def releases(self) -> list[str]:
        """List the tags that are versions, oldest first."""
        tags = git(self.folder, "tag", "--list").splitlines()
        versions = {tag: version for tag in tags if (version := parse_version(tag))}
        return sorted(versions, key=lambda tag: versions[tag])

    def describe(self, commit: str) -> str:
        """Name a commit by its tag, or by the nearest one before it."""
        return git(self.folder, "describe", "--tags", "--always", commit)

    def is_before(self, older: str, newer: str) -> bool:
        """Tell whether one commit is the other or an ancestor of it."""
        return git_says_yes(self.folder, "merge-base", "--is-ancestor", older, newer)

    def export(self, commit: str) -> Path:
        """Write the template of a commit into a folder that is kept for the next time.

        Args:
            commit: The commit's hash.

        Returns:
            A folder that holds copier.yml.

        Raises:
            TemplateError: The commit holds no template, or one that leads out of its folder.
        """
        return _once(cache() / "templates" / commit, lambda folder: self._extract(commit, folder))

    def _extract(self, commit: str, folder: Path) -> None:
        found = git(self.folder, "ls-tree", "--name-only", commit).splitlines()
        parts = [part for part in TEMPLATE_PARTS if part in found]
        if "copier.yml" not in parts:
            raise TemplateError(f"The commit {commit[:12]} holds no template.")
        packed = git_bytes(self.folder, "archive", commit, "--", *parts, strip=False)
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            for member in archive:
                if not (member.isfile() or member.isdir()):  # a link could read the user's files
                    raise TemplateError(f"The template holds a link: {member.name}.")
                if PurePosixPath(member.name).is_absolute() or ".." in member.name.split("/"):
                    raise TemplateError(f"The template leaves its folder: {member.name}.")
            # The checks above are what the filter "data" makes; Python has it from 3.11.4 on.
            archive.extractall(folder)  # noqa: S202


def own_history(template_root: Path) -> History | None:
    """Open the history that belongs to this generator.

    Args:
        template_root: The folder that holds copier.yml.

    Returns:
        The history of a checkout or of the package's bundle; None when there is neither.
    """
    if (template_root / ".git").exists():
        return History(template_root)
    bundle = template_root / BUNDLE
    if not bundle.is_file():
        return None
    name = hashlib.sha256(bundle.read_bytes()).hexdigest()[:16]
    return History(_once(cache() / "bundles" / name, lambda folder: _clone(str(bundle), folder)))


def fetched_history(url: str) -> History:
    """Bring a template's repository onto this machine, or bring what is here up to date.

    Args:
        url: As the answers file has it.

    Returns:
        Its history.

    Raises:
        UpdateError: The URL is none that git may fetch from, or git could not.
    """
    address = git_address(url)
    name = hashlib.sha256(address.encode()).hexdigest()[:16]
    try:
        folder = _once(cache() / "remotes" / name, lambda empty: _clone(address, empty))
        git(folder, "fetch", "--quiet", "--prune", "--force", "origin", environment=_TRANSPORTS)
    except RepositoryError as error:
        raise UpdateError(f"The template could not be fetched from {url}: {error}.") from error
    return History(folder)


def git_address(url: str) -> str:
    """Turn Copier's form of a URL into git's.

    Args:
        url: As the answers file has it: anybody may have written it.

    Returns:
        What `git clone` takes.

    Raises:
        UpdateError: Git could take it for an option or run a program.
    """
    address = url.removeprefix("git+")
    for short, full in _SHORTCUTS.items():
        if address.startswith(short):
            address = f"{full}{address.removeprefix(short)}.git"
    if address.startswith("-") or "::" in address or not address.isprintable():
        raise UpdateError(f"The template's address in the answers file is refused: {url!r}.")
    return os.path.expanduser(address)  # noqa: PTH111 - not every address is a path


def cache() -> Path:
    """Name the folder for what can be made again."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "gen-worker"


def _clone(address: str, folder: Path) -> None:
    git(
        folder,
        *("clone", "--quiet", "--mirror", "--", address, str(folder)),
        environment=_TRANSPORTS,
    )


def _once(folder: Path, fill: Callable[[Path], None]) -> Path:
    """Fill a folder unless it is there; several processes may try at once."""
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    hidden = Path(tempfile.mkdtemp(prefix=".", dir=folder.parent))
    try:
        fill(hidden)
        try:
            hidden.rename(folder)
        except OSError:
            if not folder.is_dir():  # else somebody else was faster
                raise
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
    return folder
