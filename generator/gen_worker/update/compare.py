"""Compare a repository, as it lies there, with what the template renders."""

from __future__ import annotations

from pathlib import Path

from gen_worker.repository.answers_file import read_folder
from gen_worker.repository.git import git, git_bytes
from gen_worker.repository.worktree import find_repository
from gen_worker.update.scratch import BASE, Scratch, Version
from gen_worker.versions.releases import Releases, Rendered


def difference(
    releases: Releases, path: Path, *, upstream: bool, names: bool, color: bool
) -> bytes:
    """Show what an owner changed in the template's files.

    Args:
        releases: Finds and renders versions.
        path: The repository or a folder in it.
        upstream: Compare with the newest version instead of the repository's own.
        names: List the files only.
        color: For a terminal.

    Returns:
        A diff from the template to the repository, as git prints it.

    Raises:
        UpdateError: It is no worker repository, or its version is unknown.
    """
    folder = find_repository(path)
    recorded = read_folder(folder)
    base = releases.of(recorded)
    release = releases.newest() if upstream else base
    source = releases.source_for(recorded, release) if upstream else None
    rendered = releases.render(release, recorded, source=source)
    options = ["--name-status"] if names else []
    with Scratch(folder) as scratch:
        scratch.add(BASE, Version(release.label, rendered.files))
        git(scratch.folder, "read-tree", BASE)
        return git_bytes(
            *(scratch.folder, f"--work-tree={folder}", "-c", "core.autocrlf=false", "diff"),
            *(f"--color={'always' if color else 'never'}", *options, BASE),
            strip=False,
        )


def drift(folder: Path, rendered: Rendered) -> dict[str, str]:
    """List the template's files that an owner changed or deleted, without git.

    Args:
        folder: The repository.
        rendered: What the template makes of it.

    Returns:
        "changed" or "deleted" by path.
    """
    found = {}
    for file in rendered.files:
        path = folder / file.path
        try:
            same = path.read_bytes() == file.content
        except OSError:
            found[str(file.path)] = "deleted"
            continue
        if not same:
            found[str(file.path)] = "changed"
    return found
