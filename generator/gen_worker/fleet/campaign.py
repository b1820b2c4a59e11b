"""Update many repositories: one branch in each, and one of them tested before the others.

No working tree is changed. Each outcome is made in a scratch repository and arrives as one branch
with one commit on top of what is checked out, or not at all.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from gen_worker.errors import (
    GenWorkerError,
    InterruptedRunError,
    NotAWorkerError,
    RepositoryError,
    UserMistakeError,
    defect,
)
from gen_worker.fleet.find import Found, default_jobs, in_parallel
from gen_worker.repository.answers_file import read_commit
from gen_worker.repository.git import git, git_says_yes
from gen_worker.repository.settings import Trust
from gen_worker.repository.worktree import find_repository, head, some
from gen_worker.update.plan import Plan, Wish, make_plan
from gen_worker.update.scratch import Scratch
from gen_worker.update.unfinished import check_none_pending
from gen_worker.versions.releases import Releases

UPDATED, CURRENT = "updated", "up to date"
CONFLICTS, REFUSED, FAILED, SKIPPED = "conflicts", "refused", "failed", "not tried"
WOULD_UPDATE, IN_REVIEW = "would be updated", "in review"
_GOOD = frozenset({UPDATED, CURRENT, WOULD_UPDATE, IN_REVIEW})
_SHOWN_LINES = 15  # of a failed test run
_TEST_SECONDS = 1800


@dataclass(frozen=True)
class Campaign:
    """How many repositories are to be updated.

    Attributes:
        wish: What is wanted of each.
        branch: The branch to make; named after the version when None.
        canary: The repository that goes first; the first that has something to do when None.
        test: The shell command that must pass in the canary; None tests nothing.
        test_all: Run it in every repository.
        max_failures: Stop after so many repositories that could not be updated; 0 never stops.
        dry_run: Make no branches, run no tests.
        pull_requests: Push each branch and open a pull request with `gh`.
        jobs: How many at the same time.
    """

    wish: Wish = field(default_factory=Wish)
    branch: str | None = None
    canary: Path | None = None
    test: str | None = "make test"
    test_all: bool = False
    max_failures: int = 5
    dry_run: bool = False
    pull_requests: bool = False
    jobs: int = field(default_factory=default_jobs)


@dataclass(frozen=True)
class Outcome:
    """What became of one repository.

    Attributes:
        path: The repository.
        result: One of the words of this module.
        detail: Why, or what to do next.
        branch: The branch that holds the update.
        plan: What was rehearsed; None when it did not come to that.
        canary: It went first.
    """

    path: Path
    result: str
    detail: str = ""
    branch: str | None = None
    plan: Plan | None = None
    canary: bool = False

    @property
    def good(self) -> bool:
        """Whether nothing is left to do but a review."""
        return self.result in _GOOD


@dataclass
class Done:
    """The result of a campaign.

    Attributes:
        outcomes: One for each repository, by path.
        stopped: Why some were not tried; empty when all were.
        interrupted: A signal stopped the campaign.
    """

    outcomes: list[Outcome]
    stopped: str = ""
    interrupted: bool = False


def run_campaign(releases: Releases, found: Found, campaign: Campaign) -> Done:
    """Update many repositories.

    Raises:
        UserMistakeError: The canary is not among them, the branch's name is invalid, `gh` is
            missing, or a repository to push was not named itself.
    """
    _check(found, campaign)
    outcomes: dict[Path, Outcome] = {}
    failures = _Failures(campaign.max_failures)
    done = Done([])
    try:
        done.stopped = _run(releases, found, campaign, failures, outcomes)
    except InterruptedRunError:
        done.interrupted = True
        done.stopped = "Stopped by a signal; the repositories above are as the table says."
    missing = [path for path in found.workers if path not in outcomes]
    done.outcomes = [*outcomes.values(), *(Outcome(path, SKIPPED) for path in missing)]
    done.outcomes.sort(key=lambda outcome: outcome.path)
    return done


def _run(
    releases: Releases,
    found: Found,
    campaign: Campaign,
    failures: _Failures,
    outcomes: dict[Path, Outcome],
) -> str:
    """Update the canary, then the others; return why it stopped early."""
    rest = _canary_first(found.workers, campaign.canary)
    while rest and campaign.test and not campaign.dry_run and not failures.too_many:
        path = rest.pop(0)
        first = outcomes[path] = _update_one(releases, path, campaign, canary=True)
        failures.count(first)
        if first.result == FAILED:
            return "Stopped: the tests of the canary failed." if rest else ""
        if first.result == UPDATED:
            break

    def work(path: Path) -> None:
        if failures.too_many:
            outcomes[path] = Outcome(path, SKIPPED)
            return
        # Recorded here and not by the main thread, which a signal may stop in the meantime.
        outcome = outcomes[path] = _update_one(releases, path, campaign, canary=False)
        failures.count(outcome)

    for _ in in_parallel(work, rest, campaign.jobs):
        pass
    skipped = any(outcome.result == SKIPPED for outcome in outcomes.values())
    return f"Stopped after {campaign.max_failures} failures (--max-failures)." if skipped else ""


class _Failures:
    """Counts what went wrong, from several threads."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._number = 0
        self._lock = Lock()

    def count(self, outcome: Outcome) -> None:
        with self._lock:
            self._number += not outcome.good

    @property
    def too_many(self) -> bool:
        return 0 < self._limit <= self._number


def _check(found: Found, campaign: Campaign) -> None:
    """Refuse a campaign that could not end well, before anything is done."""
    if campaign.branch is not None:
        _check_branch(campaign.branch, found.workers[0])
    if not campaign.pull_requests:
        return
    if shutil.which("gh") is None:
        raise UserMistakeError("Pull requests need the command gh, which is not installed.")
    unnamed = [path for path in found.workers if path not in found.named]
    if unnamed:
        raise UserMistakeError(
            "--pull-request needs each repository as a PATH of its own (such as workers/*), since "
            f"pushing runs the hooks and programs of its git settings. Not named: {unnamed[0]}"
            + (f" and {len(unnamed) - 1} more." if len(unnamed) > 1 else ".")
        )


def _canary_first(folders: Sequence[Path], canary: Path | None) -> list[Path]:
    if canary is None:
        return list(folders)
    chosen = canary.resolve()
    if chosen not in folders:
        raise UserMistakeError(f"The canary {canary} is not among the repositories to update.")
    return [chosen, *(folder for folder in folders if folder != chosen)]


def _update_one(releases: Releases, path: Path, campaign: Campaign, *, canary: bool) -> Outcome:
    """Update one repository; whatever goes wrong is its outcome and no one else's."""
    try:
        repository = find_repository(path)
        check_none_pending(repository)
        with Scratch(repository) as scratch:
            start = head(repository)
            plan = make_plan(releases, repository, start, campaign.wish, scratch)
            outcome = _judge(plan, campaign)
            if outcome.result != UPDATED:
                return outcome
            if campaign.test and (canary or campaign.test_all):
                _test(scratch.folder, campaign.test)
            return _deliver(plan, scratch, outcome, campaign, canary=canary)
    except _TestsFailedError as error:
        return Outcome(path, FAILED, str(error), canary=canary)
    except (GenWorkerError, OSError) as error:
        return Outcome(path, REFUSED, str(error), canary=canary)
    except Exception as error:  # noqa: BLE001 - a defect that one repository brings to light
        return Outcome(path, REFUSED, defect(error), canary=canary)


def _judge(plan: Plan, campaign: Campaign) -> Outcome:
    """Return what a rehearsed update leads to."""
    path, branch = plan.folder, campaign.branch or _branch(plan)
    if plan.nothing_to_do:
        return Outcome(path, CURRENT, plan.target.label, plan=plan)
    if plan.losses and not campaign.wish.overwrite:
        return Outcome(path, REFUSED, f"edits would be lost in {some(plan.losses)}", plan=plan)
    if plan.conflicts:
        detail = f"{some(plan.conflicts)}; run gen-worker update there"
        return Outcome(path, CONFLICTS, detail, plan=plan)
    if git_says_yes(path, "show-ref", "--verify", "--quiet", f"refs/heads/{branch}"):
        return _judge_branch(plan, branch)
    detail = f"{plan.base.label} -> {plan.target.label}, {len(plan.changes)} files"
    if campaign.dry_run:
        return Outcome(path, WOULD_UPDATE, detail, plan=plan)
    return Outcome(path, UPDATED, detail, branch, plan)


def _branch(plan: Plan) -> str:
    """Name the branch after the version, and after the worker where a repository holds several."""
    worker = f"{plan.folder.name}/" if plan.repository.prefix else ""
    return f"gen-worker/{worker}{plan.target.label}"


def _judge_branch(plan: Plan, branch: str) -> Outcome:
    """Distinguish an update in review from another branch of that name."""
    if _version_of(plan.folder, branch) == plan.target.label:
        detail = "the branch is there; merge or delete it"
        return Outcome(plan.folder, IN_REVIEW, detail, branch, plan)
    detail = f"a branch {branch} exists and is not this update; delete it or name another"
    return Outcome(plan.folder, REFUSED, detail, plan=plan)


def _version_of(folder: Path, branch: str) -> str | None:
    """Read which version of the template a branch holds; None when it holds none."""
    try:
        return read_commit(folder, f"refs/heads/{branch}").commit
    except NotAWorkerError:
        return None


def _check_branch(name: str, folder: Path) -> None:
    """Refuse a name that git takes for no branch, before anything is done."""
    try:
        valid = git(folder, "check-ref-format", "--branch", name) == name
    except RepositoryError:
        valid = False
    if not valid:
        raise UserMistakeError(f'"{name}" cannot name a branch; try --branch chore/template.')


def _deliver(
    plan: Plan, scratch: Scratch, outcome: Outcome, campaign: Campaign, *, canary: bool
) -> Outcome:
    """Bring the outcome into the repository as one branch."""
    branch = str(outcome.branch)
    scratch.hand_over(plan.head)
    # The empty old value makes git refuse a branch that somebody made in the meantime.
    git(plan.folder, "update-ref", f"refs/heads/{branch}", plan.result, "")
    result, detail = UPDATED, outcome.detail
    if campaign.pull_requests:
        result, detail = _open_pull_request(plan, branch)
    return Outcome(plan.folder, result, detail, branch, plan, canary)


def _open_pull_request(plan: Plan, branch: str) -> tuple[str, str]:
    """Push a branch and ask for its review; without the push there is no branch either.

    Args:
        plan: What was rehearsed.
        branch: The branch that holds it.

    Returns:
        The result, and the address of the pull request or what is in its way.

    Raises:
        RepositoryError: The branch cannot be pushed.
    """
    try:
        git(
            *(plan.folder, "push", "--quiet", "--set-upstream", "origin"),
            f"refs/heads/{branch}:refs/heads/{branch}",
            trust=Trust.HOOKS,
        )
    except RepositoryError:
        git(plan.folder, "branch", "--quiet", "-D", branch)
        raise
    body = plan.news or plan.message
    done = subprocess.run(  # noqa: S603 - fixed program, arguments are never shell text
        ["gh", "pr", "create", "--head", branch, "--title", plan.message, "--body", body],  # noqa: S607
        cwd=plan.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())
        return FAILED, f"{branch} is pushed, open its pull request yourself; gh says: {said}"
    return UPDATED, done.stdout.strip()


class _TestsFailedError(GenWorkerError):
    """The repository's tests do not pass with the update in it."""


def _test(folder: Path, command: str) -> None:
    try:
        done = subprocess.run(  # noqa: S602 - the user's own command
            command,
            shell=True,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_TEST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _TestsFailedError(f"{command} did not end in {_TEST_SECONDS} seconds") from error
    if done.returncode:
        last = "\n".join(done.stdout.strip().splitlines()[-_SHOWN_LINES:])
        raise _TestsFailedError(f"{command} exited with {done.returncode}:\n{last}")
