"""Merge a new version of the template into a repository, aside and without touching it.

Two commits in a scratch repository hold the template: as the worker was rendered last, and as it
is rendered now. Git merges the difference between them into the owner's commit, with
all it knows: renamed files, conflict markers, conflict entries in the index. It happens in a
scratch repository that borrows the owner's objects, so a rehearsal leaves no trace and a real run
applies exactly what was rehearsed.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Self

from gen_worker.errors import RepositoryError
from gen_worker.repository.git import git, git_bytes, git_list, git_says_yes, tree, unmerged
from gen_worker.repository.settings import Trust
from gen_worker.repository.worktree import Repository
from gen_worker.template.render import File
from gen_worker.update.moves import follow_moves

BASE, THEIRS, RESULT = (f"refs/gen-worker/{name}" for name in ("base", "template", "result"))
_MERGE = (
    *("-c", "merge.renames=true"),
    *("-c", "merge.directoryRenames=false"),  # an owner's file stays where the owner put it
    *("-c", "rerere.enabled=false"),
)
# Whatever the owner's .gitattributes say, the rehearsal works on bytes and with usual markers.
_ATTRIBUTES = "* -text -eol -filter -ident -working-tree-encoding conflict-marker-size=7\n"
_SIMILAR = "60%"  # of a file's lines, for it to be taken for a renamed one
_MANY = 1024  # files, most of which the repositories of a fleet share
_SHA256_DIGITS = 64


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
    """A repository of its own that borrows the objects of the owner's.

    It holds the worker alone, at its top, wherever the worker lies in the owner's repository.
    """

    def __init__(self, repository: Repository) -> None:
        """Borrow the objects of a repository; nothing is written to it."""
        self._repository = repository
        self._parent: Path | None = None
        self._start = ""

    def __enter__(self) -> Self:
        """Make the scratch repository."""
        self._parent = Path(tempfile.mkdtemp(prefix="gen-worker-"))
        try:
            self._initialise()
        except BaseException:
            shutil.rmtree(self._parent, ignore_errors=True)
            raise
        return self

    def _initialise(self) -> None:
        self.folder.mkdir()
        self.objects, form = git(
            *(self._repository.folder, "rev-parse", "--path-format=absolute"),
            *("--git-path", "objects", "--show-object-format"),
        ).splitlines()
        self._git("init", "--quiet", f"--object-format={form}", "--template=")
        alternates = self.folder / ".git" / "objects" / "info" / "alternates"
        alternates.parent.mkdir(parents=True, exist_ok=True)
        alternates.write_text(f"{self.objects}\n")
        attributes = self.folder / ".git" / "info" / "attributes"
        attributes.parent.mkdir(exist_ok=True)
        attributes.write_text(_ATTRIBUTES)

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
        """Its working tree; named like the worker's folder, for tests that run in it."""
        assert self._parent is not None, "used outside of its with block"  # noqa: S101
        return self._parent / self._repository.folder.name

    def check_out(self, revision: str) -> None:
        """Put the worker of an owner's commit into the working tree."""
        self._start = revision
        if prefix := self._repository.prefix:
            tree_of_worker = self._git("rev-parse", f"{revision}:{prefix.rstrip('/')}")
            self._start = self._git("commit-tree", tree_of_worker, data=b"The worker alone")
        self._git("reset", "--quiet", "--hard", self._start)

    def add(self, reference: str, version: Version, parent: str | None = None) -> None:
        """Make a commit of a rendered repository.

        Args:
            reference: Its name.
            version: What it holds.
            parent: The reference of the commit before it.
        """
        self._git(
            *("fast-import", "--quiet", "--force"),
            data=b"".join(_commit(reference, version, parent)),
        )

    def merge(self, base: Version, theirs: Version) -> Merged:
        """Merge the difference between two versions of the template into what is checked out.

        Args:
            base: What the worker was rendered from.
            theirs: What it is to be rendered from.

        Raises:
            RepositoryError: Git could not merge at all.
        """
        self.add(BASE, base)
        self.add(THEIRS, theirs, parent=BASE)
        try:
            self._git(
                *(*_MERGE, "cherry-pick", "--no-commit"),
                *("-X", f"find-renames={_SIMILAR}", THEIRS),
            )
        except RepositoryError:
            if not unmerged(self.folder):  # it failed for another reason than a conflict
                raise
        follow_moves(self.folder, BASE, THEIRS)
        deleted = [path for path, stages in unmerged(self.folder).items() if stages == {1, 3}]
        if deleted:
            self._git("rm", "--quiet", "--force", "--cached", "--", *deleted)
            for path in deleted:
                (self.folder / path).unlink(missing_ok=True)
        return Merged(sorted(unmerged(self.folder)), sorted(deleted))

    def take_theirs(self, paths: Iterable[str]) -> None:
        """Take the template's side of some files; one that it no longer has is deleted."""
        for path in paths:
            exists = ("cat-file", "-e", f"{THEIRS}:{path}")
            if git_says_yes(self.folder, *exists, trust=Trust.PRIVATE):
                self._git("checkout", "--quiet", "--force", THEIRS, "--", path)
            else:
                self._git("rm", "--quiet", "--force", "--ignore-unmatch", "--", path)

    def stage_all(self) -> None:
        """Stage what migrations wrote."""
        self._git("add", "--all", "--force")

    def index_entries(self) -> bytes:
        """Return the conflicts of the index, for `update-index --index-info` in the owner's."""
        prefix = self._repository.prefix.encode(errors="surrogateescape")
        words = ("ls-files", "--unmerged", "-z")
        listing = git_bytes(self.folder, *words, trust=Trust.PRIVATE).split(b"\0")
        entries = [entry.replace(b"\t", b"\t" + prefix, 1) for entry in listing if entry]
        return b"".join(entry + b"\0" for entry in entries)

    def keep(self, head: str, message: str, *, parents: Sequence[str] = ()) -> str:
        """Make a commit of the working tree, conflict markers and all.

        Args:
            head: The owner's commit, which it follows.
            message: Its message.
            parents: Further parents, to keep their objects.

        Returns:
            The commit's hash, under the reference RESULT: it holds the owner's whole repository.
        """
        copy = {"GIT_INDEX_FILE": str(self.folder / ".git" / "result-index")}
        shutil.copy(self.folder / ".git" / "index", copy["GIT_INDEX_FILE"])
        if unmerged(self.folder):
            self._git("add", "--all", "--force", variables=copy)
        self._result = self._git("write-tree", variables=copy)
        whole = self._result
        if prefix := self._repository.prefix:
            self._git("read-tree", head, variables=copy)
            self._git("rm", "-r", "--quiet", "--cached", "--", prefix, variables=copy)
            self._git("read-tree", f"--prefix={prefix}", self._result, variables=copy)
            whole = self._git("write-tree", variables=copy)
        links = [word for parent in (head, *parents) for word in ("-p", parent)]
        commit = self._git("commit-tree", whole, *links, data=message.encode())
        self._git("update-ref", RESULT, commit)
        return commit

    def changes(self) -> list[tuple[str, str]]:
        """Return a letter (A, M, D) and a path for each file that the result changes."""
        words = git_list(
            *(self.folder, "diff-tree", "-r", "--name-status", "--no-renames", "-z"),
            *(self._start, self._result),
            trust=Trust.PRIVATE,
        )
        return sorted(zip(words[::2], words[1::2], strict=True), key=lambda entry: entry[1])

    def hand_over(self, head: str) -> None:
        """Copy the objects of the result into the owner's repository, where nothing names them."""
        wanted = f"{RESULT}\n^{head}\n".encode()
        pack = git_bytes(
            *(self.folder, "pack-objects", "--quiet", "--revs", "--stdout"),
            trust=Trust.PRIVATE,
            data=wanted,
        )
        git(self._repository.folder, "unpack-objects", "-q", data=pack)

    def _git(
        self, *words: str, data: bytes | None = None, variables: Mapping[str, str] | None = None
    ) -> str:
        return git(self.folder, *words, trust=Trust.PRIVATE, data=data, variables=variables)


def edited(repository: Repository, head: str, files: Sequence[File]) -> set[str]:
    """Return the template's files that the owner has changed and still has."""
    folder, prefix = repository.folder, repository.prefix.rstrip("/")
    have = tree(folder, f"{head}:{prefix}" if prefix else head)
    same = blobs([file for file in files if file.path in have], have.values())
    return {path for path, blob in same.items() if have[path] != blob}


def blobs(files: Sequence[File], known: Iterable[str]) -> dict[str, str]:
    """Hash files as git does in a repository, without writing them there.

    Args:
        files: The files.
        known: Hashes of that repository: it has two kinds, of different lengths.
    """
    kind = "sha256" if len(next(iter(known), "")) == _SHA256_DIGITS else "sha1"
    return {file.path: _blob(kind, file.content) for file in files}


@lru_cache(maxsize=_MANY)
def _blob(kind: str, content: bytes) -> str:
    data = b"blob %d\0" % len(content) + content
    return hashlib.new(kind, data, usedforsecurity=False).hexdigest()


def _commit(reference: str, version: Version, parent: str | None) -> Iterable[bytes]:
    """Yield one version of the template as input of `git fast-import`."""
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


def _quoted(path: str) -> str:
    text = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{text}"'
