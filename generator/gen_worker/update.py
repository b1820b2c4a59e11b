"""Update one repository: start, finish, undo. Nothing is lost and nothing is left half done."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from gen_worker import migrations
from gen_worker.errors import RepositoryError, UpdateError
from gen_worker.git import git, git_bytes, git_list, git_says_yes
from gen_worker.merge import RESULT, Scratch, tree, unmerged
from gen_worker.pending import (
    Pending,
    check_none_pending,
    forget_pending,
    read_pending,
    write_pending,
)
from gen_worker.plan import Plan, Wish, make_plan, run_file_steps
from gen_worker.recorded import read_folder
from gen_worker.releases import Releases
from gen_worker.repository import identity
from gen_worker.worktree import check_clean, find_repository, has_markers, head, leftovers

EXIT_CONFLICTS = 3  # the update is there, and a person has to decide on some files
_NOT_COMMITTED = (
    "The update is staged, but not committed. Mend what is wrong, then run gen-worker update "
    "--finish; or undo it with gen-worker update --abort."
)
_LOCAL_FETCH = {"GIT_ALLOW_PROTOCOL": "file"}


@dataclass(frozen=True)
class Updated:
    """How a run ended.

    Attributes:
        plan: What was rehearsed.
        applied: The working tree holds the outcome.
        commit: The commit that holds it; None when it waits to be looked at.
        uses: Files of the owner that speak of a module that was removed.
    """

    plan: Plan
    applied: bool
    commit: str | None = None
    uses: dict[str, list[str]] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0, or EXIT_CONFLICTS."""
        return EXIT_CONFLICTS if self.plan.conflicts else 0


@dataclass(frozen=True)
class Finished:
    """How `--finish` ended.

    Attributes:
        folder: The repository.
        unresolved: Files that still hold conflicts; then nothing was committed.
        commit: The new commit; None when there was nothing left to commit.
    """

    folder: Path
    unresolved: list[str]
    commit: str | None = None

    @property
    def exit_code(self) -> int:
        """0, or EXIT_CONFLICTS."""
        return EXIT_CONFLICTS if self.unresolved else 0


def update(
    releases: Releases, path: Path, wish: Wish, *, dry_run: bool = False, commit: bool = False
) -> Updated:
    """Bring a repository to another version or to other modules.

    Args:
        releases: Finds and renders versions.
        path: The repository or a folder in it.
        wish: What the user wants.
        dry_run: Rehearse only.
        commit: Commit the outcome if it has no conflicts.

    Returns:
        How it ended.

    Raises:
        UpdateError: It is refused, and nothing was touched.
        GenWorkerError: An answer or the template is refused, and nothing was touched.
    """
    folder = find_repository(path)
    check_none_pending(folder)
    check_clean(folder)
    with Scratch(folder) as scratch:
        plan = _with_strangers(make_plan(releases, folder, head(folder), wish, scratch))
        uses = _uses_of_removed_modules(scratch.folder, wish)
        if plan.nothing_to_do or dry_run:
            return Updated(plan, applied=False, uses=uses)
        if plan.losses and not wish.overwrite:
            raise UpdateError(_losses_sentence(plan))
        _apply(plan, scratch)
    made = finish(releases, folder).commit if commit and not plan.conflicts else None
    return Updated(plan, applied=True, commit=made, uses=uses)


def finish(releases: Releases, path: Path) -> Finished:
    """Commit an update after its owner has looked at it and resolved what was left.

    Args:
        releases: Knows the answers that migrations need.
        path: The repository or a folder in it.

    Returns:
        The commit, or the files that still hold conflicts.

    Raises:
        UpdateError: No update is under way, or nothing of it is left.
        RepositoryError: Git refused the commit; a hook may have.
    """
    folder = find_repository(path)
    pending = _pending(folder)
    changed = git_list(folder, "diff", "--name-only", "-z", pending.head)
    new = git_list(folder, "ls-files", "--others", "--exclude-standard", "-z")
    touched = _touched(folder, pending)
    if head(folder) == pending.head and touched.isdisjoint({*changed, *new}):
        raise UpdateError(
            f"Nothing of the update is left in {folder}; "
            "run gen-worker update --abort, then update again."
        )
    _stage_resolved(folder, pending)
    unresolved = leftovers(folder, {*changed, *new})
    if unresolved:
        return Finished(folder, unresolved)
    if pending.migrations:
        recorded = read_folder(folder)
        answers = releases.render(releases.of(recorded), recorded).answers.values
        run_file_steps(folder, migrations.by_name(pending.migrations), answers)
    git(folder, "add", "--all")
    commit = None
    if git(folder, "diff", "--cached", "--name-only", "HEAD"):
        try:
            git(folder, *identity(folder), "commit", "--quiet", "--message", pending.message)
        except RepositoryError as error:
            raise RepositoryError(f"{error}\n{_NOT_COMMITTED}") from error
        commit = head(folder)
    _forget(folder)
    return Finished(folder, [], commit)


def abort(path: Path, *, overwrite: bool = False) -> Path:
    """Undo an update that was not finished; edits of other files stay as they are.

    Args:
        path: The repository or a folder in it.
        overwrite: Give up what was edited since in files of the update.

    Returns:
        The repository.

    Raises:
        UpdateError: No update is under way, its outcome was committed already, or it would
            take edits along that were made since.
    """
    folder = find_repository(path)
    pending = _pending(folder)
    if head(folder) != pending.head:
        _forget(folder)
        raise UpdateError(
            "Something was committed since the update began, so it is not undone; "
            f"the commit before it is {pending.head[:12]}."
        )
    if (edits := _edited_since(folder, pending)) and not overwrite:
        listed = "\n".join(f"  {path}" for path in edits)
        raise UpdateError(
            f"Nothing was touched. You edited files of the update since it began:\n{listed}\n"
            "Copy what you need elsewhere, and run it again with --abort --overwrite."
        )
    _roll_back(folder, pending, _own_files(folder, pending))
    _forget(folder)
    return folder


# --- Applying ----------------------------------------------------------------------------------
def _apply(plan: Plan, scratch: Scratch) -> None:
    """Put the rehearsed outcome into the working tree, or put everything back."""
    steps = [step.name for step in plan.migrations if step.files] if plan.conflicts else []
    pending = Pending(plan.head, plan.result, plan.message, plan.conflicts, steps)
    folder = plan.folder
    write_pending(folder, pending)
    begun = False
    aside: dict[Path, Path] = {}
    try:
        refs = f"+{RESULT}:{RESULT}"
        git(
            *(folder, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-gc"),
            *(str(scratch.folder), refs),
            environment=_LOCAL_FETCH,
        )
        for path in plan.losses:
            if path not in git_list(folder, "ls-files", "-z", "--", path):
                _set_aside(folder, path, aside)
        # A file that was touched but not changed would count as edited.
        git_says_yes(folder, "update-index", "-q", "--refresh")
        begun = True
        git(folder, "read-tree", "-m", "-u", plan.head, plan.result)
        _mark_conflicts(folder, plan.conflicts, scratch.index_entries())
    except BaseException:
        if begun:
            _roll_back(folder, pending, _touched(folder, pending))
        _put_back(aside)
        _forget(folder)
        raise
    for kept in aside.values():
        _remove(kept)


def _mark_conflicts(folder: Path, paths: Sequence[str], entries: bytes) -> None:
    """Make the index say what `git status` and merge tools need to know."""
    if not entries:
        return
    zero = "0" * len(entries.split(b" ", 2)[1])
    cleared = "".join(f"0 {zero}\t{path}\0" for path in paths).encode(errors="surrogateescape")
    git(folder, "update-index", "-z", "--index-info", data=cleared + entries)


def _touched(folder: Path, pending: Pending) -> set[str]:
    """List the files that an update adds, changes or deletes."""
    try:
        return set(_differences(folder, pending.head, pending.result))
    except RepositoryError:  # the result had not arrived yet
        return set()


def _differences(folder: Path, *between: str) -> list[str]:
    return git_list(folder, "diff", "--name-only", "--no-renames", "-z", *between)


def _edited_since(folder: Path, pending: Pending) -> list[str]:
    """Find the files of an update that its owner edited since; solving a conflict is no edit."""
    touched = _touched(folder, pending)
    if not touched:
        return []
    since = set(_differences(folder, pending.result)) & set(_differences(folder, pending.head))
    return sorted(
        path
        for path in (since & touched).difference(pending.conflicts)
        if os.path.lexists(folder / path)
    )


def _own_files(folder: Path, pending: Pending) -> set[str]:
    """List what an update brought: what git knows, and what is exactly as it came.

    What git ignores may be the owner's still, where the run was killed at its start.
    """
    touched = _touched(folder, pending)
    known = touched & set(git_list(folder, "ls-files", "-z"))
    others = {path for path in touched - known if (folder / path).is_file()}
    came = tree(folder, pending.result) if others else {}
    return known | {
        path for path in others if git(folder, "hash-object", "--", path) == came.get(path)
    }


def _roll_back(folder: Path, pending: Pending, own: set[str]) -> None:
    """Put the files of an update back to the commit before; all others stay as they are.

    Args:
        folder: The repository.
        pending: The update.
        own: Files that go if the commit before does not have them.
    """
    touched = _touched(folder, pending)
    staged = _differences(folder, "--cached", pending.head)
    _on_paths(folder, {*staged, *touched}, "reset", "--quiet", pending.head)
    before = set(git_list(folder, "ls-tree", "-r", "--name-only", "-z", pending.head))
    for path in own - before:
        if not _in_the_way(folder, path):
            _remove(folder / path)
            _remove_empty_parents(folder, path)
    _on_paths(folder, touched & before, "checkout", "--quiet", pending.head)


def _on_paths(folder: Path, paths: Collection[str], *command: str) -> None:
    """Run a git command on exactly these files, without the owner's hooks."""
    if paths:
        git(
            folder,
            *("-c", f"core.hooksPath={os.devnull}", *command),
            *("--pathspec-from-file=-", "--pathspec-file-nul"),
            data="\0".join(sorted(paths)).encode(errors="surrogateescape"),
            environment={"GIT_LITERAL_PATHSPECS": "1"},
        )


def _stage_resolved(folder: Path, pending: Pending) -> None:
    """Take a file for resolved once its markers are gone.

    A conflict that never had markers (a picture, say) needs the owner's own `git add`.
    """
    for path in unmerged(folder):
        before = git_bytes(folder, "cat-file", "blob", f"{pending.result}:{path}", strip=False)
        if b"<<<<<<< " in before and not has_markers(folder / path):
            git(folder, "add", "--all", "--", path)


def _pending(folder: Path) -> Pending:
    pending = read_pending(folder)
    if pending is None:
        raise UpdateError(f"No update is under way in {folder}.")
    return pending


def _forget(folder: Path) -> None:
    forget_pending(folder)
    git(folder, "update-ref", "-d", RESULT)


def _remove(path: Path) -> None:
    """Remove what the update put there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif os.path.lexists(path):
        path.unlink()


def _remove_empty_parents(folder: Path, path: str) -> None:
    for parent in _parents(path):
        try:
            (folder / parent).rmdir()
        except OSError:  # not empty
            return


def _set_aside(folder: Path, path: str, aside: dict[Path, Path]) -> None:
    """Move what stands where a file of the template will be, to be put back after a failure."""
    place = folder / path
    if os.path.lexists(place):
        inside = git(folder, "rev-parse", "--absolute-git-dir")
        kept = Path(tempfile.mkdtemp(prefix="gen-worker-aside-", dir=inside))
        aside[place] = kept
        shutil.move(place, kept / place.name)


def _put_back(aside: dict[Path, Path]) -> None:
    for place, kept in aside.items():
        if os.path.lexists(kept / place.name):
            _remove(place)
            shutil.move(kept / place.name, place)
        kept.rmdir()


def _parents(path: str) -> list[str]:
    """List the folders that a path lies in, the nearest first."""
    return [str(parent) for parent in PurePosixPath(path).parents][:-1]


def _in_the_way(folder: Path, path: str) -> str | None:
    """Find a file or a link where a path needs a folder."""
    for parent in reversed(_parents(path)):
        place = folder / parent
        if place.is_symlink() or (os.path.lexists(place) and not place.is_dir()):
            return parent
    return None


def _with_strangers(plan: Plan) -> Plan:
    """Add what git does not know and the update would overwrite."""
    tracked = set(git_list(plan.folder, "ls-files", "-z"))
    found = {
        _stranger(plan.folder, path, tracked) for letter, path in plan.changes if letter == "A"
    }
    strangers = {path: "overwrite, though git does not know it" for path in found if path}
    return replace(plan, losses=plan.losses | strangers)


def _stranger(folder: Path, path: str, tracked: set[str]) -> str | None:
    """Find what stands where a new file will be, or where one of its folders will be."""
    place = folder / path
    parent = _in_the_way(folder, path)
    if parent is not None:
        return parent if parent not in tracked else None
    if place.is_dir() and not place.is_symlink():  # git clears away what it knows
        return path if git_list(folder, "ls-files", "--others", "-z", "--", path) else None
    return path if os.path.lexists(place) else None


# --- Sentences ---------------------------------------------------------------------------------
def _losses_sentence(plan: Plan) -> str:
    listed = "\n".join(f"  {action}: {path}" for path, action in sorted(plan.losses.items()))
    return (
        f"Nothing was touched. The update would lose your edits:\n{listed}\n"
        "Move what you need to files of your own, or run it again with --overwrite."
    )


def _uses_of_removed_modules(scratch: Path, wish: Wish) -> dict[str, list[str]]:
    """Find the owner's files that import a module that is about to go."""
    found = {}
    for module in (name for name, wanted in wish.modules.items() if not wanted):
        package = module.replace("-", "_")
        pattern = f"integrations[./]{package}\\b|from [.]+integrations import .*\\b{package}\\b"
        try:
            files = git_list(scratch, "grep", "-l", "-z", "-E", "-e", pattern, "--", "*.py")
        except RepositoryError:  # git grep found nothing
            continue
        found[module] = [path for path in files if path]
    return found
