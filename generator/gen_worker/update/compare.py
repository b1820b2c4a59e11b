"""Compare a worker, as it lies there, with what the template renders."""

from __future__ import annotations

import os
from pathlib import Path

from gen_worker.repository.answers_file import read_folder
from gen_worker.repository.git import git, git_bytes, git_list
from gen_worker.repository.settings import Trust
from gen_worker.repository.snapshot import Snapshot
from gen_worker.repository.worktree import Repository, find_repository, hashes
from gen_worker.update.scratch import BASE, Scratch, Version, blobs
from gen_worker.versions.releases import Releases, Rendered


def difference(
    releases: Releases, path: Path, *, upstream: bool, names: bool, color: bool
) -> bytes:
    """Return what an owner changed in the template's files.

    Args:
        releases: Finds and renders versions.
        path: The worker or a folder in it.
        upstream: Compare with the newest version instead of the worker's own.
        names: List the files only.
        color: For a terminal.

    Returns:
        A diff from the template to the worker, as git prints it.

    Raises:
        UpdateError: The path is in no worker, or its version is unknown.
    """
    repository = find_repository(path)
    recorded = read_folder(repository.folder)
    release = releases.newest() if upstream else releases.of(recorded)
    source = releases.source_for(recorded, release) if upstream else None
    rendered = releases.render(release, recorded, source=source)
    options = ["--name-status"] if names else []
    with Scratch(repository) as scratch:
        scratch.add(BASE, Version(release.label, rendered.files))
        here = _tree_here(repository, scratch)
        return git_bytes(
            *(scratch.folder, "diff", "--no-ext-diff", "--no-textconv"),
            *(f"--color={'always' if color else 'never'}", *options, BASE, here),
            trust=Trust.PRIVATE,
        )


def drift(repository: Repository, snapshot: Snapshot, rendered: Rendered) -> dict[str, str]:
    """Return "changed" or "deleted" for the template's files that an owner touched.

    Files are compared as git compares them, so that other line ends in the working tree are no
    edit where git's settings convert them.
    """
    have = {path: blob for path, blob in snapshot.stored.items() if path not in snapshot.dirty}
    wanted = blobs(rendered.files, have.values())
    unsure = [path for path in wanted if path not in have]
    have |= hashes(
        repository, [path for path in unsure if os.path.lexists(repository.folder / path)]
    )
    found = {}
    for path, blob in wanted.items():
        if path not in have:
            found[path] = "deleted"
        elif have[path] != blob:
            found[path] = "changed"
    return found


def drift_without_git(folder: Path, rendered: Rendered) -> dict[str, str]:
    """Do the same byte by byte, for a worker that is in no repository."""
    found = {}
    for file in rendered.files:
        try:
            same = (folder / file.path).read_bytes() == file.content
        except OSError:
            found[file.path] = "deleted"
            continue
        if not same:
            found[file.path] = "changed"
    return found


def _tree_here(repository: Repository, scratch: Scratch) -> str:
    """Store the template's files, as they lie in the worker, in the scratch repository.

    Git itself reads them, with the owner's line ends and attributes; what the template does not
    have is left out.
    """
    variables = {
        "GIT_INDEX_FILE": str(scratch.folder / ".git" / "here-index"),
        "GIT_OBJECT_DIRECTORY": str(scratch.folder / ".git" / "objects"),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": scratch.objects,
    }
    folder, prefix = repository.folder, repository.prefix
    base = git(scratch.folder, "rev-parse", f"{BASE}^{{tree}}", trust=Trust.PRIVATE)
    places = [f"--prefix={prefix}"] if prefix else []
    git(repository.top, "read-tree", *places, base, variables=variables)
    sparse = ("-c", "core.sparseCheckout=false")
    git(folder, *sparse, "add", "--update", "--", ".", variables=variables)
    left_out = _left_out(repository)
    git(repository.top, "update-index", "-z", "--index-info", data=left_out, variables=variables)
    return git(repository.top, "write-tree", *places, variables=variables)


def _left_out(repository: Repository) -> bytes:
    """Return index entries for files that a sparse checkout leaves out of the working tree."""
    lines = []
    for entry in git_list(repository.folder, "ls-files", "-t", "--stage", "-z"):
        meta, _, path = entry.partition("\t")
        tag, mode, blob, _ = meta.split()
        if tag == "S" and not os.path.lexists(repository.folder / path):
            lines.append(f"{mode} {blob} 0\t{repository.prefix}{path}\0")
    return "".join(lines).encode(errors="surrogateescape")
