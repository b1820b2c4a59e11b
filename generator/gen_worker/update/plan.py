"""Work out an update completely before anything is changed: what it would change, keep and lose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gen_worker.errors import InvalidAnswerError, UnknownChoiceError, near_match
from gen_worker.repository.answers_file import ANSWERS_FILE, Recorded, read_commit
from gen_worker.repository.worktree import Repository
from gen_worker.template.catalog import module_question
from gen_worker.template.questionnaire import NAME_QUESTION, settable_questions, setting
from gen_worker.update import migrations
from gen_worker.update.scratch import THEIRS, Merged, Scratch, Version, edited
from gen_worker.versions.changelog import news
from gen_worker.versions.releases import Release, Releases, Rendered

# The kit belongs to the template: its tests hold only for the whole of it.
_REPLACED_FOLDER = "src/{package_name}/kit/"


@dataclass(frozen=True)
class Wish:
    """What a user wants of an update.

    Attributes:
        to: The version; the generator's own when None.
        settings: `QUESTION=VALUE` texts.
        modules: Modules to add (True) or remove (False).
        overwrite: Delete and overwrite edited files where the template says so.
    """

    to: str | None = None
    settings: Sequence[str] = ()
    modules: Mapping[str, bool] = field(default_factory=dict)
    overwrite: bool = False


@dataclass(frozen=True)
class Plan:
    """An update that was rehearsed.

    Attributes:
        repository: The worker.
        head: The owner's commit.
        base: The version it has.
        target: The version it gets.
        rendered: The repository as the target renders it.
        changes: A letter (A, M, D) and a path for each file that differs from the owner's commit.
        conflicts: Files that could not be merged.
        stays_deleted: Files the owner deleted and the template changed.
        losses: Edited files that would be lost, each with what would happen to it.
        new_answers: Answers to questions that are new, or that were changed by this run.
        migrations: Those that belong to this update.
        result: The commit in the scratch repository that holds the outcome.
        message: What its commit says.
        news: The changelog in between.
        strangers: Files that git does not know and that stand where new files go.
    """

    repository: Repository
    head: str
    base: Release
    target: Release
    rendered: Rendered
    changes: list[tuple[str, str]]
    conflicts: list[str]
    stays_deleted: list[str]
    losses: dict[str, str]
    new_answers: dict[str, Any]
    migrations: list[migrations.Migration]
    result: str
    message: str
    news: str
    strangers: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """The worker's folder."""
        return self.repository.folder

    @property
    def nothing_to_do(self) -> bool:
        """Whether the repository is already what it would become."""
        return not self.changes and not self.conflicts


def make_plan(
    releases: Releases, repository: Repository, head: str, wish: Wish, scratch: Scratch
) -> Plan:
    """Rehearse an update.

    Args:
        releases: Finds and renders versions.
        repository: The worker.
        head: The owner's commit.
        wish: What the user wants.
        scratch: Where it is rehearsed; holds the outcome afterwards.

    Raises:
        GenWorkerError: It cannot be done; nothing was changed.
    """
    recorded = read_commit(repository.folder, head)
    base = releases.of(recorded)
    target = _target(releases, recorded, base, wish)
    steps = migrations.between(base.label, target.label)
    before = releases.render(base, recorded)
    after = _render_target(releases, recorded, target, wish, steps)

    scratch.check_out(head)
    merged = scratch.merge(
        Version(f"Template {base.label}", before.files),
        Version(f"Template {target.label}", after.files),
    )
    changed = edited(repository, head, before.files)
    merged, losses = _settle(scratch, before, after, merged, changed, overwrite=wish.overwrite)
    if not merged.conflicts and any(step.files for step in steps):
        run_file_steps(scratch.folder, steps, after.answers.values)
        scratch.stage_all()
    message = _message(base, target, wish)
    result = scratch.keep(head, message, parents=[THEIRS] if merged.conflicts else [])
    changes = scratch.changes()
    return Plan(
        repository=repository,
        head=head,
        base=base,
        target=target,
        rendered=after,
        changes=changes,
        conflicts=merged.conflicts,
        stays_deleted=merged.stays_deleted,
        losses=losses,
        new_answers=_new_answers(before, after),
        migrations=steps,
        result=result,
        message=message,
        news=news(target.root, base.label, target.label),
    )


def run_file_steps(
    folder: Path, steps: Sequence[migrations.Migration], answers: Mapping[str, Any]
) -> None:
    """Run the migrations that change files.

    Args:
        folder: The working tree.
        steps: Migrations of any kind.
        answers: All answers of the repository.
    """
    for step in steps:
        if step.files:
            step.files(folder, answers)


def _target(releases: Releases, recorded: Recorded, base: Release, wish: Wish) -> Release:
    """Choose the version to go to; changing modules alone stays with the one at hand."""
    if wish.to is None and wish.modules:
        return base
    target = releases.named(wish.to, recorded) if wish.to else releases.newest()
    releases.check_direction(base, target)
    return target


def _render_target(
    releases: Releases,
    recorded: Recorded,
    target: Release,
    wish: Wish,
    steps: Sequence[migrations.Migration],
) -> Rendered:
    answers = dict(recorded.answers)
    for step in steps:
        if step.answers:
            step.answers(answers)
    template, catalog, _ = releases.load(target)
    given: dict[str, Any] = dict(setting(text, template) for text in wish.settings)
    for module, wanted in wish.modules.items():
        if module not in catalog.modules:
            hint = near_match(module, catalog.modules)
            raise UnknownChoiceError(f'{target.label} has no module "{module}". {hint}')
        given[module_question(module)] = wanted
    source = releases.source_for(recorded, target)
    kept = Recorded(answers, recorded.commit, recorded.url)
    try:
        return releases.render(target, kept, given, source)
    except InvalidAnswerError as error:
        if error.question in given or error.question not in settable_questions(template):
            raise
        again = f"{error} Answer it again: --set {error.question}=VALUE."
        raise InvalidAnswerError(again, error.question) from error


def _settle(  # noqa: PLR0913 - the six things a merge is made of
    scratch: Scratch,
    before: Rendered,
    after: Rendered,
    merged: Merged,
    changed: set[str],
    *,
    overwrite: bool,
) -> tuple[Merged, dict[str, str]]:
    """Apply the rules that a merge does not know; return the rest and what would be lost."""
    theirs = {file.path: file for file in after.files}
    ours = {file.path: file for file in before.files}
    # The answers file has one writer.
    scratch.take_theirs([ANSWERS_FILE])
    losses = {path: "delete" for path in merged.conflicts if path in ours and path not in theirs}

    replaced = _REPLACED_FOLDER.format_map(after.answers.values)
    inside = [path for path in {*ours, *theirs} if path.startswith(replaced)]
    if any(ours.get(path) != theirs.get(path) for path in inside):
        losses |= {path: "overwrite" for path in inside if path in changed and path in theirs}
    if overwrite:
        scratch.take_theirs(losses)
    resolved = {ANSWERS_FILE, *losses}
    conflicts = [path for path in merged.conflicts if path not in resolved]
    return Merged(conflicts, merged.stays_deleted), losses


def _new_answers(before: Rendered, after: Rendered) -> dict[str, Any]:
    old = before.answers.remembered
    return {
        name: value
        for name, value in after.answers.remembered.items()
        if name != NAME_QUESTION and (name not in old or old[name] != value)
    }


def _message(base: Release, target: Release, wish: Wish) -> str:
    """Return the message of the commit, one line."""
    added = ", ".join(name for name, wanted in wish.modules.items() if wanted)
    removed = ", ".join(name for name, wanted in wish.modules.items() if not wanted)
    if added or removed:
        parts = [
            f"add the module {added}" if added else "",
            f"remove the module {removed}" if removed else "",
        ]
        text = " and ".join(filter(None, parts))
        return f"{text[0].upper()}{text[1:]}"
    if base.label == target.label:
        return f"Apply the template {target.label} again"
    return f"Update the template from {base.label} to {target.label}"
