"""Update one repository: start, finish, undo. Nothing is lost and nothing is left half done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gen_worker.errors import RepositoryError, UpdateError
from gen_worker.repository.answers_file import read_folder
from gen_worker.repository.git import git, git_bytes, git_list, git_says_yes, identity, unmerged
from gen_worker.repository.worktree import (
    check_clean,
    find_repository,
    has_markers,
    head,
    leftovers,
)
from gen_worker.update import migrations
from gen_worker.update.plan import Plan, Wish, make_plan, run_file_steps
from gen_worker.update.scratch import RESULT, Scratch
from gen_worker.update.undo import (
    edited_since,
    own_files,
    put_back,
    remove,
    roll_back,
    set_aside,
    touched,
    with_strangers,
)
from gen_worker.update.unfinished import (
    Pending,
    check_none_pending,
    forget_pending,
    read_pending,
    write_pending,
)
from gen_worker.versions.releases import Releases

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
        plan = with_strangers(make_plan(releases, folder, head(folder), wish, scratch))
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
    came = touched(folder, pending)
    if head(folder) == pending.head and came.isdisjoint({*changed, *new}):
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
    if (edits := edited_since(folder, pending)) and not overwrite:
        listed = "\n".join(f"  {path}" for path in edits)
        raise UpdateError(
            f"Nothing was touched. You edited files of the update since it began:\n{listed}\n"
            "Copy what you need elsewhere, and run it again with --abort --overwrite."
        )
    roll_back(folder, pending, own_files(folder, pending))
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
                set_aside(folder, path, aside)
        # A file that was touched but not changed would count as edited.
        git_says_yes(folder, "update-index", "-q", "--refresh")
        begun = True
        git(folder, "read-tree", "-m", "-u", plan.head, plan.result)
        _mark_conflicts(folder, plan.conflicts, scratch.index_entries())
    except BaseException:
        if begun:
            roll_back(folder, pending, touched(folder, pending))
        put_back(aside)
        _forget(folder)
        raise
    for kept in aside.values():
        remove(kept)


def _mark_conflicts(folder: Path, paths: Sequence[str], entries: bytes) -> None:
    """Make the index say what `git status` and merge tools need to know."""
    if not entries:
        return
    zero = "0" * len(entries.split(b" ", 2)[1])
    cleared = "".join(f"0 {zero}\t{path}\0" for path in paths).encode(errors="surrogateescape")
    git(folder, "update-index", "-z", "--index-info", data=cleared + entries)


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
