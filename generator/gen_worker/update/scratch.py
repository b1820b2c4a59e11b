"""Merge a new version of the template into a repository, aside and without touching it.

Two commits that nobody sees stand for the template: one as the repository was rendered last, and
one as it is rendered now. Git merges the difference between them into the owner's commit, with
all it knows: renamed files, conflict markers, conflict entries in the index. It happens in a
scratch repository that borrows the owner's objects, so a rehearsal leaves no trace and a real run
applies exactly what was rehearsed.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

from gen_worker.errors import RepositoryError
from gen_worker.repository.git import git, git_bytes, git_list, git_says_yes, tree, unmerged
from gen_worker.template.render import File

BASE, THEIRS, RESULT = (f"refs/gen-worker/{name}" for name in ("base", "template", "result"))
_PLAIN = (
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "commit.gpgSign=false"),
    *("-c", "core.autocrlf=false"),
    *("-c", "gc.auto=0"),
    *("-c", "user.name=gen-worker"),
    *("-c", "user.email=gen-worker@localhost"),
)
_MERGE = (
    *("-c", "merge.renames=true"),
    *("-c", "merge.directoryRenames=false"),  # an owner's file stays where the owner put it
    *("-c", "rerere.enabled=false"),
)
# Whatever the owner's .gitattributes say, the rehearsal works on bytes and with usual markers.
_ATTRIBUTES = "* -text -eol -filter -ident -working-tree-encoding conflict-marker-size=7\n"
_SIMILAR = "60%"  # of a file's lines, for it to be taken for a renamed one
_QUIET = {"GIT_LFS_SKIP_SMUDGE": "1", "GIT_TERMINAL_PROMPT": "0"}


@dataclass(frozen=True)
class Version:
    """One side of the template: its files and how conflict markers call it."""

    label: str
    files: Sequence[File]


@dataclass(frozen=True)
class Merged:
    """The outcome of a merge.

    Attributes:
        conflicts: Files with conflict markers, or both kept and deleted.
        stays_deleted: Files that the owner deleted and the template changed.
    """

    conflicts: list[str]
    stays_deleted: list[str]


class Scratch:
    """A repository of its own that borrows the objects of another."""

    def __init__(self, repository: Path) -> None:
        """Prepare, but make nothing yet.

        Args:
            repository: Whose objects are borrowed; never written to.
        """
        self._repository = repository
        self._parent: Path | None = None

    def __enter__(self) -> Self:
        """Make the scratch repository."""
        self._parent = Path(tempfile.mkdtemp(prefix="gen-worker-"))
        self.folder.mkdir()
        objects, form = git(
            *(self._repository, "rev-parse", "--path-format=absolute"),
            *("--git-path", "objects", "--show-object-format"),
        ).splitlines()
        git(self.folder, "init", "--quiet", f"--object-format={form}", "--template=")
        alternates = self.folder / ".git" / "objects" / "info" / "alternates"
        alternates.parent.mkdir(parents=True, exist_ok=True)
        alternates.write_text(f"{objects}\n")
        attributes = self.folder / ".git" / "info" / "attributes"
        attributes.parent.mkdir(exist_ok=True)
        attributes.write_text(_ATTRIBUTES)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove it."""
        if self._parent is not None:
            shutil.rmtree(self._parent, ignore_errors=True)

    @property
    def folder(self) -> Path:
        """Its working tree; named like the repository, for whoever runs tests in it."""
        assert self._parent is not None, "used outside of its with block"  # noqa: S101
        return self._parent / self._repository.name

    def check_out(self, revision: str) -> None:
        """Put the owner's commit into the working tree.

        Args:
            revision: A commit's hash.
        """
        git(self.folder, *_PLAIN, "reset", "--quiet", "--hard", revision, environment=_QUIET)

    def add(self, reference: str, version: Version, parent: str | None = None) -> None:
        """Make a commit of a rendered repository.

        Args:
            reference: Its name.
            version: What it holds.
            parent: The reference of the commit before it.
        """
        stream = b"".join(_commit(reference, version, parent))
        git(self.folder, "fast-import", "--quiet", "--force", data=stream)

    def merge(self, base: Version, theirs: Version) -> Merged:
        """Merge the difference between two versions of the template into what is checked out.

        Args:
            base: What the repository was rendered from.
            theirs: What it is to be rendered from.

        Returns:
            What could not be merged.

        Raises:
            RepositoryError: Git could not merge at all.
        """
        self.add(BASE, base)
        self.add(THEIRS, theirs, parent=BASE)
        try:
            git(
                *(self.folder, *_PLAIN, *_MERGE, "cherry-pick", "--no-commit"),
                *("-X", f"find-renames={_SIMILAR}", THEIRS),
            )
        except RepositoryError:
            if not unmerged(self.folder):  # it failed for another reason than a conflict
                raise
        deleted = [path for path, stages in unmerged(self.folder).items() if stages == {1, 3}]
        if deleted:
            git(self.folder, "rm", "--quiet", "--force", "--cached", "--", *deleted)
            for path in deleted:
                (self.folder / path).unlink(missing_ok=True)
        return Merged(sorted(unmerged(self.folder)), sorted(deleted))

    def take_theirs(self, paths: Iterable[str]) -> None:
        """Give up the owner's side of some files.

        Args:
            paths: The files; one that the template no longer has is deleted.
        """
        for path in paths:
            if git_says_yes(self.folder, "cat-file", "-e", f"{THEIRS}:{path}"):
                git(self.folder, *_PLAIN, "checkout", "--quiet", "--force", THEIRS, "--", path)
            else:
                git(self.folder, "rm", "--quiet", "--force", "--ignore-unmatch", "--", path)

    def stage_all(self) -> None:
        """Stage what migrations wrote."""
        git(self.folder, *_PLAIN, "add", "--all", "--force")

    def index_entries(self) -> bytes:
        """Return the conflicted part of the index, as `update-index --index-info` reads it."""
        return git_bytes(self.folder, "ls-files", "--unmerged", "-z", strip=False)

    def keep(self, head: str, message: str, *, parents: Sequence[str] = ()) -> str:
        """Make a commit of the working tree, conflict markers and all.

        Args:
            head: The owner's commit.
            message: Its message.
            parents: Further parents, to keep their objects.

        Returns:
            The commit's hash, under the reference RESULT.
        """
        unresolved = list(unmerged(self.folder))
        copy = {"GIT_INDEX_FILE": str(self.folder / ".git" / "result-index")}
        shutil.copy(self.folder / ".git" / "index", copy["GIT_INDEX_FILE"])
        if unresolved:
            git(self.folder, *_PLAIN, "add", "--all", "--force", environment=copy)
        tree = git(self.folder, "write-tree", environment=copy)
        links = [word for parent in (head, *parents) for word in ("-p", parent)]
        commit = git(self.folder, *_PLAIN, "commit-tree", tree, *links, data=message.encode())
        git(self.folder, "update-ref", RESULT, commit)
        return commit

    def changes(self, head: str) -> list[tuple[str, str]]:
        """List how the result differs from the owner's commit.

        Args:
            head: The owner's commit.

        Returns:
            A letter (A, M, D) and a path for each file.
        """
        words = git_list(self.folder, "diff", "--name-status", "--no-renames", "-z", head, RESULT)
        return sorted(zip(words[::2], words[1::2], strict=True), key=lambda entry: entry[1])


def edited(folder: Path, head: str, files: Sequence[File]) -> set[str]:
    """Find the template's files that the owner has changed and still has.

    Args:
        folder: The repository.
        head: The owner's commit.
        files: What the template rendered.

    Returns:
        The paths.
    """
    have = tree(folder, head)
    with_content = [file for file in files if str(file.path) in have]
    same = blobs(folder, with_content)
    return {path for path, blob in same.items() if have[path] != blob}


def blobs(folder: Path, files: Sequence[File]) -> dict[str, str]:
    """Hash files as git does in a repository, without writing them there."""
    from hashlib import new  # noqa: PLC0415 - only a comparison needs it

    form = git(folder, "rev-parse", "--show-object-format")
    return {
        str(file.path): new(form, b"blob %d\0" % len(file.content) + file.content).hexdigest()
        for file in files
    }


def _commit(reference: str, version: Version, parent: str | None) -> Iterable[bytes]:
    """Say one version of the template in the language of `git fast-import`."""
    yield f"commit {reference}\ncommitter gen-worker <gen-worker@localhost> 0 +0000\n".encode()
    yield _data(version.label.encode())
    if parent:
        yield f"from {parent}\n".encode()
    yield b"deleteall\n"
    for file in version.files:
        mode = "100755" if file.executable else "100644"
        yield f"M {mode} inline {_quoted(file.path)}\n".encode()
        yield _data(file.content)


def _data(content: bytes) -> bytes:
    return b"data %d\n%b\n" % (len(content), content)


def _quoted(path: PurePosixPath) -> str:
    text = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{text}"'
