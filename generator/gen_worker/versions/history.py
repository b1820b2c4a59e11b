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
import tempfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from gen_worker.errors import RepositoryError, TemplateError, UpdateError
from gen_worker.repository.git import git, git_bytes, git_says_yes
from gen_worker.repository.settings import Trust
from gen_worker.template.compiled import cache_folder
from gen_worker.versions.order import parse_version
from gen_worker.versions.origin import BUNDLE, TEMPLATE_PARTS

_MODES = {"100644": 0o644, "100755": 0o755}  # plain files; others are links
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+-]*")  # nothing git could take for an option
_SHORTCUTS = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}
_ALL = ("+refs/*:refs/*", "+HEAD:refs/gen-worker/head")


class History:
    """The commits and tags of a template's repository."""

    def __init__(self, folder: Path) -> None:
        """Use a checkout or a bare repository."""
        self.folder = folder
        self._bare = not (folder / ".git").exists()
        self._found: dict[str, str | None] = {}

    def find(self, revision: str) -> str | None:
        """Return the hash of a tag, a commit or a description of one; None if unknown."""
        if revision not in self._found:  # repositories of a fleet share few versions
            self._found[revision] = self._find(revision)
        return self._found[revision]

    def _find(self, revision: str) -> str | None:
        if not _REVISION.fullmatch(revision):
            return None
        try:
            return self._git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
        except RepositoryError:
            return None

    def has_tag(self, name: str) -> bool:
        """Return whether a name is a tag's."""
        return self._says_yes("show-ref", "--verify", "--quiet", f"refs/tags/{name}")

    def releases(self) -> list[str]:
        """Return the tags that are versions, oldest first."""
        tags = self._git("for-each-ref", "--format=%(refname:strip=2)", "refs/tags").splitlines()
        versions = {tag: version for tag in tags if (version := parse_version(tag))}
        return sorted(versions, key=lambda tag: versions[tag])

    def describe(self, commit: str) -> str:
        """Name a commit by its tag, or by the nearest one before it."""
        return self._git("describe", "--tags", "--always", commit)

    def is_before(self, older: str, newer: str) -> bool:
        """Return whether one commit is the other or an ancestor of it."""
        return self._says_yes("merge-base", "--is-ancestor", older, newer)

    def export(self, commit: str) -> Path:
        """Write the template of a commit into a folder that is kept for the next time.

        Returns:
            A folder that holds copier.yml, with the bytes of the commit and no conversion.

        Raises:
            TemplateError: The commit holds no template, or one that leads out of its folder.
        """
        return _once(
            cache_folder() / "versions" / commit, lambda folder: self._extract(commit, folder)
        )

    def _extract(self, commit: str, folder: Path) -> None:
        words = ("ls-tree", "-r", "-z", "--full-tree", commit, "--", *TEMPLATE_PARTS)
        entries = self._bytes(*words).decode(errors="surrogateescape").split("\0")
        files = []
        for entry in filter(None, entries):
            meta, _, name = entry.partition("\t")
            mode, _, blob = meta.split()
            if mode not in _MODES:  # a link could read the user's files
                raise TemplateError(f"The template holds a link: {name}.")
            if PurePosixPath(name).is_absolute() or ".." in name.split("/"):
                raise TemplateError(f"The template leaves its folder: {name}.")
            files.append((name, _MODES[mode], blob))
        if "copier.yml" not in {name for name, _, _ in files}:
            raise TemplateError(f"The commit {commit[:12]} holds no template.")
        contents = self._contents([blob for _, _, blob in files])
        for name, permissions, blob in files:
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(contents[blob])
            place.chmod(permissions)

    def _contents(self, blobs: list[str]) -> dict[str, bytes]:
        """Read many blobs at once; filters, attributes and line ends play no part."""
        wanted = "".join(f"{blob}\n" for blob in blobs).encode()
        stream = io.BytesIO(self._bytes("cat-file", "--batch", data=wanted))
        found = {}
        for blob in blobs:
            size = int(stream.readline().split()[2])
            found[blob] = stream.read(size)
            stream.read(1)
        return found

    def _git(self, *words: str) -> str:
        return self._bytes(*words).strip().decode(errors="surrogateescape")

    def _bytes(self, *words: str, data: bytes | None = None) -> bytes:
        return git_bytes(self.folder, *words, data=data, variables=self._variables)

    def _says_yes(self, *words: str) -> bool:
        return git_says_yes(self.folder, *words, variables=self._variables)

    @property
    def _variables(self) -> dict[str, str]:
        """Name a bare repository: git does not look for one by itself."""
        return {"GIT_DIR": str(self.folder)} if self._bare else {}


def own_history(template_root: Path) -> History | None:
    """Return the history of a checkout or of the package's bundle; None if there is neither."""
    if (template_root / ".git").exists():
        return History(template_root)
    bundle = template_root / BUNDLE
    if not bundle.is_file():
        return None
    name = hashlib.sha256(bundle.read_bytes()).hexdigest()[:16]
    folder = cache_folder() / "bundles" / name
    return History(_once(folder, lambda empty: _fetch(str(bundle), empty, None)))


def fetched_history(url: str, seconds: float) -> History:
    """Bring a template's repository onto this machine, or bring what is here up to date.

    Args:
        url: As the answers file has it.
        seconds: The time that the server may take.

    Raises:
        UpdateError: The URL is none that git may fetch from, or git could not.
    """
    address = git_address(url)
    name = hashlib.sha256(address.encode()).hexdigest()[:16]
    folder = cache_folder() / "remotes" / name
    try:
        if folder.is_dir():
            _fetch(address, folder, seconds)
        else:
            _once(folder, lambda empty: _fetch(address, empty, seconds))
    except RepositoryError as error:
        raise UpdateError(f"The template could not be fetched from {url}: {error}.") from error
    return History(folder)


def git_address(url: str) -> str:
    """Turn Copier's form of a URL into git's.

    Args:
        url: As the answers file has it: anybody may have written it.

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


def _fetch(address: str, folder: Path, seconds: float | None) -> None:
    """Fetch everything into a bare repository, which is made first where the folder is empty."""
    variables = {"GIT_DIR": str(folder)}
    if not (folder / "HEAD").exists():
        git(folder, "init", "--quiet", "--bare", "--template=", trust=Trust.PRIVATE)
    words = ("fetch", "--quiet", "--prune", "--force", "--no-auto-gc", "--no-tags", "--")
    git(folder, *words, address, *_ALL, trust=Trust.FETCH, variables=variables, seconds=seconds)


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
