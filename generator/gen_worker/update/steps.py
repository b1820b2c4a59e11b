"""Update one worker: start, finish, undo. Nothing is lost and nothing is left half done."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

from gen_worker.errors import GenWorkerError, RepositoryError, UpdateError, explain
from gen_worker.repository.answers_file import read_folder
from gen_worker.repository.git import git, git_bytes, git_list, identity, unmerged
from gen_worker.repository.settings import Trust
from gen_worker.repository.signals import uninterrupted
from gen_worker.repository.worktree import (
    Repository,
    check_ready,
    find_repository,
    has_markers,
    head,
    leftovers,
)
from gen_worker.update import index, migrations
from gen_worker.update.plan import Plan, Wish, make_plan, run_file_steps
from gen_worker.update.scratch import RESULT, Scratch
from gen_worker.update.strangers import with_strangers
from gen_worker.update.undo import edited_since, roll_back, set_aside, touched
from gen_worker.update.unfinished import (
    Pending,
    check_none_pending,
    forget_pending,
    read_pending,
    replace_pending,
    write_pending,
)
from gen_worker.versions.releases import Releases

EXIT_CONFLICTS = 3  # the update is there, and a person has to decide on some files
_MARGIN = 4_000_000  # bytes of disk beyond what the update writes
_NOT_COMMITTED = (
    "The update is staged but not committed. Fix the cause and run gen-worker update --finish, or "
    "undo the update with gen-worker update --abort."
)


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
        folder: The worker's folder.
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
    """Bring a worker to another version or to other modules.

    Args:
        releases: Finds and renders versions.
        path: The worker or a folder in it.
        wish: What the user wants.
        dry_run: Rehearse only.
        commit: Commit the outcome if it has no conflicts.

    Raises:
        GenWorkerError: It is refused or failed; no file was changed.
    """
    repository = find_repository(path)
    check_none_pending(repository)
    check_ready(repository, Trust.NONE if dry_run else Trust.FILTERS)
    with Scratch(repository) as scratch:
        plan = make_plan(releases, repository, head(repository), wish, scratch)
        plan = with_strangers(plan)
        uses = _uses_of_removed_modules(scratch.folder, wish)
        if plan.nothing_to_do or dry_run:
            return Updated(plan, applied=False, uses=uses)
        if plan.losses and not wish.overwrite:
            raise UpdateError(_losses_sentence(plan))
        _check_space(plan)
        _apply(plan, scratch)
    made = finish(releases, repository.folder).commit if commit and not plan.conflicts else None
    return Updated(plan, applied=True, commit=made, uses=uses)


def finish(releases: Releases, path: Path) -> Finished:
    """Commit an update after its owner has reviewed it and resolved what was left.

    Args:
        releases: Knows the answers that migrations need.
        path: The worker or a folder in it.

    Returns:
        The commit, or the files that still hold conflicts.

    Raises:
        UpdateError: No update is under way, or nothing of it is left.
        RepositoryError: Git refused the commit; a hook may have.
    """
    repository = find_repository(path)
    folder, pending = repository.folder, _pending(repository)
    if not pending.applied:
        raise UpdateError(f"The update of {folder} was stopped half way; undo it with --abort.")
    words = ("diff-index", "--name-only", "--relative", "-z", pending.head)
    changed = git_list(folder, *words, trust=Trust.FILTERS)
    new = git_list(folder, "ls-files", "--others", "--exclude-standard", "-z")
    came = touched(repository, pending)
    if head(repository) == pending.head and came.isdisjoint({*changed, *new}):
        raise UpdateError(
            f"Nothing of the update is left in {folder}; "
            "run gen-worker update --abort, then update again."
        )
    _stage_resolved(repository, pending)
    unresolved = leftovers(folder, {*changed, *new})
    if unresolved:
        return Finished(folder, unresolved)
    if pending.migrations:
        recorded = read_folder(folder)
        answers = releases.render(releases.of(recorded), recorded).answers.values
        run_file_steps(folder, migrations.by_name(pending.migrations), answers)
    commit = _commit(repository, pending.message)
    _forget(repository)
    return Finished(folder, [], commit)


def abort(path: Path, *, overwrite: bool = False) -> Path:
    """Undo an update that was not finished; edits of other files stay as they are.

    Args:
        path: The worker or a folder in it.
        overwrite: Give up what was edited since in files of the update.

    Raises:
        UpdateError: No update is under way, its outcome was committed already, or it would
            lose edits that were made since.
    """
    repository = find_repository(path)
    pending = _pending(repository)
    if head(repository) != pending.head:
        _forget(repository)
        raise UpdateError(
            "Something was committed since the update began, so it is not undone; "
            f"the commit before it is {pending.head[:12]}."
        )
    if (edits := edited_since(repository, pending)) and not overwrite:
        listed = "\n".join(f"  {path}" for path in edits)
        raise UpdateError(
            f"Nothing was changed. You edited files of the update since it began:\n{listed}\n"
            "Copy what you need elsewhere, then run gen-worker update --abort --overwrite."
        )
    with uninterrupted():
        roll_back(repository, pending)
        _forget(repository)
    return repository.folder


# --- Applying ----------------------------------------------------------------------------------
def _check_space(plan: Plan) -> None:
    """Refuse an update for which the disk has no room."""
    changed = {path for _, path in plan.changes}
    size = sum(len(file.content) for file in plan.rendered.files if file.path in changed)
    for place in (plan.repository.folder, plan.repository.git_folder):
        free = shutil.disk_usage(place).free
        if free < size + _MARGIN:
            raise UpdateError(
                f"Nothing was changed. The disk of {place} has {free // 1000} kB left, and the "
                f"update needs {(size + _MARGIN) // 1000} kB."
            )


def _apply(plan: Plan, scratch: Scratch) -> None:
    """Put the rehearsed outcome into the working tree, or put everything back."""
    repository = plan.repository
    steps = [step.name for step in plan.migrations if step.files] if plan.conflicts else []
    aside = [path for path in plan.strangers if os.path.lexists(repository.folder / path)]
    pending = Pending(plan.head, plan.result, plan.message, plan.conflicts, steps, aside)
    write_pending(repository, pending)
    try:
        scratch.hand_over(plan.head)
        git(repository.folder, "update-ref", RESULT, plan.result)
        set_aside(repository, pending)
        index.begin(repository)
        index.switch(repository, plan.head, plan.result)
        index.mark_conflicts(repository, plan.conflicts, scratch.index_entries())
        with uninterrupted():
            index.publish(repository)
            replace_pending(repository, replace(pending, applied=True))
    except BaseException as error:
        with uninterrupted():
            _undo(repository, pending, error)
        raise


def _undo(repository: Repository, pending: Pending, error: BaseException) -> None:
    """Take back what was applied; the journal stays if that is impossible for now."""
    try:
        roll_back(repository, pending, edited_since(repository, pending))
    except (GenWorkerError, OSError) as second:
        reasons = [getattr(explain(one), "sentence", str(one)) for one in (error, second)]
        raise UpdateError(
            f"The update failed: {reasons[0]}\nIt could not be undone yet: {reasons[1]}\n"
            "Remove the cause, then run gen-worker update --abort."
        ) from error
    _forget(repository)


def _commit(repository: Repository, message: str) -> str | None:
    """Commit everything in the worker's folder, and nothing outside; None if nothing changed."""
    folder = repository.folder
    git(folder, "add", "--all", "--", ".", trust=Trust.FILTERS)
    if not git(folder, "diff-index", "--cached", "--name-only", "HEAD", "--", "."):
        return None
    words = [*identity(folder), "commit", "--quiet", "--cleanup=whitespace", "--message", message]
    words += ["--", "."] if repository.prefix else []
    try:
        git(folder, *words, trust=Trust.HOOKS)
    except RepositoryError as error:
        raise RepositoryError(f"{error}\n{_NOT_COMMITTED}") from error
    return head(repository)


def _stage_resolved(repository: Repository, pending: Pending) -> None:
    """Take a file for resolved once its markers are gone.

    A conflict that never had markers (a picture, say) needs the owner's own `git add`.
    """
    folder = repository.folder
    for path in unmerged(folder):
        before = git_bytes(folder, "cat-file", "blob", f"{pending.result}:./{path}")
        if b"<<<<<<< " in before and not has_markers(folder / path):
            git(folder, "add", "--all", "--", f":(literal){path}", trust=Trust.FILTERS)


def _pending(repository: Repository) -> Pending:
    pending = read_pending(repository)
    if pending is None:
        raise UpdateError(f"No update is under way in {repository.folder}.")
    return pending


def _forget(repository: Repository) -> None:
    git(repository.folder, "update-ref", "-d", RESULT)
    forget_pending(repository)


# --- Sentences ---------------------------------------------------------------------------------
def _losses_sentence(plan: Plan) -> str:
    listed = "\n".join(f"  {action}: {path}" for path, action in sorted(plan.losses.items()))
    return (
        f"Nothing was changed. The update would lose your edits:\n{listed}\n"
        "Move what you need to files of your own, or run it again with --overwrite."
    )


def _uses_of_removed_modules(scratch: Path, wish: Wish) -> dict[str, list[str]]:
    """Return the owner's files that import a module which goes."""
    found = {}
    for module in (name for name, wanted in wish.modules.items() if not wanted):
        package = module.replace("-", "_")
        pattern = f"integrations[./]{package}\\b|from [.]+integrations import .*\\b{package}\\b"
        words = ("grep", "-l", "-z", "-E", "-e", pattern, "--", "*.py")
        found[module] = git_list(scratch, *words, trust=Trust.PRIVATE, codes=(0, 1))
    return found
