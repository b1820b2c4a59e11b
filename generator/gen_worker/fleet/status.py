"""How a worker repository stands: its version, what its owner changed, what is left to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gen_worker.errors import GenWorkerError, defect
from gen_worker.fleet.find import default_jobs, in_parallel
from gen_worker.repository.answers_file import ANSWERS_FILE, Recorded, read_folder
from gen_worker.repository.plain import own_filters, plain_repository
from gen_worker.repository.snapshot import Snapshot, conflicts, read_snapshot
from gen_worker.repository.worktree import find_repository, has_markers
from gen_worker.template.catalog import module_question
from gen_worker.template.questionnaire import PRESET_QUESTION
from gen_worker.update.compare import drift, drift_without_git
from gen_worker.update.unfinished import read_pending
from gen_worker.versions.releases import Releases

FETCH_SECONDS = 15  # for a template's server, so that one does not hold up the others


@dataclass(frozen=True)
class GitState:
    """What git knows of a repository.

    Attributes:
        branch: What is checked out.
        changed: How many files are not committed.
        ahead: Commits that the remote branch does not have.
        behind: Commits of the remote branch, as last fetched, that are not here.
        pending: An update waits to be finished.
    """

    branch: str
    changed: int = 0
    ahead: int = 0
    behind: int = 0
    pending: bool = False


@dataclass(frozen=True)
class Status:
    """How one repository stands.

    Attributes:
        path: The repository.
        name: The worker's type.
        preset: Its preset.
        modules: Its modules.
        version: The template's version it has; None when not recorded.
        behind: How many released versions came after it; None when that cannot be said.
        outdated: Whether an update would bring another version.
        drift: "changed" or "deleted" for the template's files that the owner touched; None when
            the version cannot be rendered.
        git: What git knows; None when it is no repository of its own.
        conflicts: Files with conflicts, markers or rejected parts.
        problem: Why something above is missing; None when all is known.
    """

    path: Path
    name: str = "?"
    preset: str = "?"
    modules: list[str] = field(default_factory=list)
    version: str | None = None
    behind: int | None = None
    outdated: bool = False
    drift: dict[str, str] | None = None
    git: GitState | None = None
    conflicts: list[str] = field(default_factory=list)
    problem: str | None = None

    @property
    def needs_attention(self) -> bool:
        """Whether something has to be done: an update, a conflict, a problem."""
        return bool(self.outdated or self.conflicts or self.problem)


def status_of_all(
    releases: Releases, folders: Sequence[Path], jobs: int | None = None
) -> list[Status]:
    """Return how each of some worker repositories stands, by path."""
    releases.fetch_seconds = FETCH_SECONDS
    filters = own_filters()
    # More than are updated at once: while one renders, no other may, and git should have work.
    jobs = jobs or 2 * default_jobs()
    found = in_parallel(lambda path: status_of(releases, path, filters), folders, jobs)
    return sorted((status for _, status in found), key=lambda status: status.path)


def status_of(releases: Releases, path: Path, filters: Sequence[str] | None = None) -> Status:
    """Look at one worker repository; what goes wrong is part of the answer.

    Args:
        releases: Finds and renders versions.
        path: The repository.
        filters: Those of the user's own settings; git is asked for them when not given.
    """
    try:
        return _status_of(releases, path, filters)
    except Exception as error:  # noqa: BLE001 - a defect that one repository brings to light
        return Status(path, path.name, problem=defect(error))


def _status_of(releases: Releases, path: Path, filters: Sequence[str] | None) -> Status:
    try:
        recorded = read_folder(path)
    except GenWorkerError as error:
        conflicted = [ANSWERS_FILE] if has_markers(path / ANSWERS_FILE) else []
        return Status(path, path.name, conflicts=conflicted, problem=str(error))
    problem, repository, snapshot, pending = None, None, None, False
    try:
        plain = plain_repository(path)
        repository = plain or find_repository(path)
        snapshot = read_snapshot(repository, filters if plain else None)
        pending = read_pending(repository) is not None
    except GenWorkerError as error:
        problem = str(error)
    edits, known = None, set[str]()
    try:
        rendered = releases.render(releases.of(recorded), recorded)
        if repository is None or snapshot is None:
            edits = drift_without_git(path, rendered)
        else:
            edits = drift(repository, snapshot, rendered)
            known = {file.path for file in rendered.files} - edits.keys()
    except GenWorkerError as error:
        problem = problem or str(error)
    found = conflicts(repository, snapshot, known) if repository and snapshot else []
    return Status(
        path=path,
        name=recorded.name,
        preset=str(recorded.answers[PRESET_QUESTION]),
        modules=_modules(releases, recorded),
        version=recorded.commit,
        behind=releases.behind(recorded.commit) if recorded.commit else None,
        outdated=_outdated(releases, recorded),
        drift=edits,
        git=_git_state(snapshot, pending=pending) if snapshot else None,
        conflicts=found,
        problem=problem,
    )


def _modules(releases: Releases, recorded: Recorded) -> list[str]:
    catalog = releases.catalog()
    chosen = [name for name in catalog.modules if recorded.answers.get(module_question(name))]
    known = {module_question(name) for name in catalog.modules}
    gone = [
        question.removeprefix("with_").replace("_", "-")
        for question, value in recorded.answers.items()
        if question.startswith("with_") and value is True and question not in known
    ]
    return [*chosen, *gone]


def _outdated(releases: Releases, recorded: Recorded) -> bool:
    newest = releases.label
    if recorded.commit is None or newest is None:
        return False
    return recorded.commit != newest and not releases.is_newer(recorded.commit)


def _git_state(found: Snapshot, *, pending: bool) -> GitState:
    return GitState(found.branch, found.changed, found.ahead, found.behind, pending)
