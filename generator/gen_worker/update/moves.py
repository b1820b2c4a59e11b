"""Follow a file that both sides moved: the owner to another place, the template to another name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from gen_worker.repository.git import git, git_bytes, git_list
from gen_worker.repository.settings import Trust

_BASE, _OURS, _THEIRS = 1, 2, 3
_FIND_RENAMES = "--find-renames=60%"


def follow_moves(folder: Path, base: str, template: str) -> None:
    """Resolve each conflict of two renames: the content merged, the file where the owner moved it.

    Git leaves such a file three times, each with one stage: the old path, the owner's and the
    template's.

    Args:
        folder: A scratch repository in which a merge left conflicts.
        base: The template as the worker was rendered from it.
        template: The template as it is now.
    """
    stages = _stages(folder)
    alone = {path: next(iter(found)) for path, found in stages.items() if len(found) == 1}
    olds = [path for path, stage in alone.items() if stage == _BASE]
    if not olds:
        return
    ours = _renames(folder, base, "HEAD")
    theirs = _renames(folder, base, template)
    for old in olds:
        mine, new = ours.get(old), theirs.get(old)
        if mine and new and alone.get(mine) == _OURS and alone.get(new) == _THEIRS:
            # Git's own stages hold a merge already, with markers of another length.
            places = (f"{base}:{old}", f"HEAD:{mine}", f"{template}:{new}")
            blobs = [git(folder, "rev-parse", place, trust=Trust.PRIVATE) for place in places]
            _merge(folder, (old, mine, new), blobs)


def moved_path(old: str, ours: str, theirs: str) -> str:
    """Apply both moves to a path: the owner's folder, the template's name below it.

    Where both changed the same part of the path, the owner's stays.
    """
    before, mine = PurePosixPath(old).parts, PurePosixPath(ours).parts
    same = 0
    while same < min(len(before), len(mine)) and before[-1 - same] == mine[-1 - same]:
        same += 1
    start, place = before[: len(before) - same], mine[: len(mine) - same]
    new = PurePosixPath(theirs).parts
    if same and new[: len(start)] == start:
        return str(PurePosixPath(*place, *new[len(start) :]))
    return ours


def _merge(folder: Path, paths: tuple[str, str, str], blobs: Sequence[str]) -> None:
    """Merge the three contents and put them in one place."""
    target = moved_path(*paths)
    mode = _mode(folder, paths[1])
    files = []
    for number, blob in enumerate(blobs):
        file = folder / ".git" / f"moved-{number}"
        file.write_bytes(git_bytes(folder, "cat-file", "blob", blob, trust=Trust.PRIVATE))
        files.append(file)
    base, ours, theirs = map(str, files)
    labels = ("-L", "HEAD", "-L", "before", "-L", "Template")
    merged = git_bytes(
        *(folder, "merge-file", "--stdout", *labels, ours, base, theirs),
        trust=Trust.PRIVATE,
        codes=range(128),  # the number of conflicts
    )
    git(folder, "rm", "--quiet", "--force", "--cached", "--", *paths, trust=Trust.PRIVATE)
    for path in paths:
        (folder / path).unlink(missing_ok=True)
    place = folder / target
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(merged)
    place.chmod(0o755 if mode == "100755" else 0o644)
    if b"\n<<<<<<< " not in b"\n" + merged:
        git(folder, "add", "--force", "--", target, trust=Trust.PRIVATE)
        return
    entries = "".join(f"{mode} {blob} {n}\t{target}\0" for n, blob in enumerate(blobs, _BASE))
    data = entries.encode(errors="surrogateescape")
    git(folder, "update-index", "-z", "--index-info", data=data, trust=Trust.PRIVATE)


def _stages(folder: Path) -> dict[str, dict[int, str]]:
    """Return the conflicts of the index: by path the hash of the content by stage."""
    found: dict[str, dict[int, str]] = defaultdict(dict)
    for entry in git_list(folder, "ls-files", "--unmerged", "-z", trust=Trust.PRIVATE):
        meta, _, path = entry.partition("\t")
        _, blob, stage = meta.split()
        found[path][int(stage)] = blob
    return found


def _renames(folder: Path, older: str, newer: str) -> dict[str, str]:
    """Return where the files of one commit are in another."""
    words = git_list(
        *(folder, "diff-tree", "-r", "-z", "--name-status", "--diff-filter=R", _FIND_RENAMES),
        *(older, newer),
        trust=Trust.PRIVATE,
    )
    return dict(zip(words[1::3], words[2::3], strict=True))


def _mode(folder: Path, path: str) -> str:
    entry = git(folder, "ls-files", "--stage", "--", path, trust=Trust.PRIVATE)
    return entry.split()[0]
