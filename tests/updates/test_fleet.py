"""`gen-worker fleet update`: a branch in each, one of them first."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from command import Outcome, contents, git
from gen_worker.fleet import campaign
from gen_worker.update import plan
from lab import Lab, commit, replaced

BRANCH = "gen-worker/v0.2.0"


def fleet_update(lab: Lab, *arguments: str) -> Outcome:
    """Run `gen-worker fleet update`."""
    return lab.run("fleet", "update", *arguments)


def results(done: Outcome) -> dict[str, str]:
    """Read the JSON output: the result by the worker's name."""
    return {name: one["result"] for name, one in entries(done).items()}


def entries(done: Outcome) -> dict[str, dict[str, Any]]:
    """Read the JSON output by the worker's name."""
    found = json.loads(done.stdout)["repositories"]
    return {Path(one["path"]).name.removeprefix("worker-"): one for one in found}


def branches(worker: Path) -> list[str]:
    """List the branches of a repository."""
    return git(worker, "branch", "--format=%(refname:short)").splitlines()


@pytest.fixture
def fleet(lab: Lab) -> dict[str, Path]:
    """Five workers: two plain, one edited, one that will conflict, one with uncommitted work."""
    workers = {name: lab.worker(name) for name in ("a", "b", "edited", "conflict", "dirty")}
    commit(workers["edited"], replaced(workers["edited"], "GUIDE.md", "guide line 11", "my line"))
    commit(workers["conflict"], replaced(workers["conflict"], "GUIDE.md", "line 3", "mine"))
    (workers["dirty"] / "draft.txt").write_text("not yet\n")
    lab.release("v0.2.0", lab.edit("template/GUIDE.md", "line 3", "line three"))
    return workers


def test_each_gets_a_branch_and_no_working_tree_is_touched(
    lab: Lab, fleet: dict[str, Path]
) -> None:
    """The one with a conflict gets none, and is named with its file."""
    before = {name: contents(worker) for name, worker in fleet.items()}
    done = fleet_update(lab, str(lab.workers), "--test", "", "--json")
    assert results(done) == {
        **dict.fromkeys(("a", "b", "edited", "dirty"), "updated"),
        "conflict": "conflicts",
    }
    assert entries(done)["conflict"]["conflicts"] == ["GUIDE.md"]
    assert done.exit_code == 3
    assert {name: contents(worker) for name, worker in fleet.items()} == before
    for name, worker in fleet.items():
        assert branches(worker) == (["main"] if name == "conflict" else [BRANCH, "main"])
        assert git(worker, "for-each-ref", "refs/gen-worker") == ""
    worker = fleet["edited"]
    assert git(worker, "log", "--format=%s", f"main..{BRANCH}") == (
        "Update the template from v0.1.0 to v0.2.0"
    )
    merged = git(worker, "show", f"{BRANCH}:GUIDE.md")
    assert "line three" in merged
    assert "my line" in merged
    git(fleet["a"], "switch", "--quiet", BRANCH)
    assert contents(fleet["a"]) == lab.rendered("a")


def test_the_canarys_tests_run_first_and_alone(lab: Lab, fleet: dict[str, Path]) -> None:
    """They see the merged files, in a folder named like the repository."""
    seen = lab.folder / "seen"
    program = f"basename $PWD >> {seen} && grep -q 'line three' GUIDE.md"
    done = fleet_update(
        *(lab, str(lab.workers), "--test", program, "--json"),
        *("--canary", str(fleet["edited"])),
    )
    assert seen.read_text() == "worker-edited\n"
    assert entries(done)["edited"]["canary"] is True
    assert results(done)["a"] == "updated"


def test_a_failing_canary_stops_everything(lab: Lab, fleet: dict[str, Path]) -> None:
    """No repository has a branch afterwards; the end of the output is shown."""
    program = f"{sys.executable} -c \"print('the reason'); raise SystemExit(4)\""
    done = fleet_update(lab, str(lab.workers), "--test", program)
    assert done.exit_code == 1
    assert "exited with 4:\nthe reason" in done.stdout
    assert "worker-a (canary)  failed" in done.stdout
    assert "4 not tried" in done.stdout
    assert all(branches(worker) == ["main"] for worker in fleet.values())


def test_a_canary_that_needs_nothing_passes_its_turn_on(lab: Lab, fleet: dict[str, Path]) -> None:
    """Else nothing would have been tested."""
    lab.update(fleet["a"], "--commit")
    done = fleet_update(lab, str(lab.workers), "--test", "true", "--json")
    assert results(done)["a"] == "up to date"
    assert entries(done)["b"]["canary"] is True


def test_every_repository_can_be_tested(lab: Lab, fleet: dict[str, Path]) -> None:
    """Then a failure concerns one only."""
    assert fleet
    program = "! grep -q 'my line' GUIDE.md"
    done = fleet_update(lab, str(lab.workers), "--test", program, "--test-all", "--json")
    assert results(done)["edited"] == "failed"
    assert results(done)["b"] == "updated"
    assert branches(fleet["edited"]) == ["main"]
    assert done.exit_code == 1


def test_a_dry_run_makes_no_branches_and_runs_no_tests(lab: Lab, fleet: dict[str, Path]) -> None:
    """What it says is what a real run does."""
    done = fleet_update(lab, str(lab.workers), "--dry-run", "--json")
    assert results(done)["a"] == "would be updated"
    assert results(done)["conflict"] == "conflicts"
    assert all(branches(worker) == ["main"] for worker in fleet.values())


def test_it_stops_after_so_many_failures(lab: Lab) -> None:
    """The canary counts, too."""
    for number in range(6):
        worker = lab.worker(f"w{number}")
        commit(worker, replaced(worker, "GUIDE.md", "line 3", "mine"))
    lab.release("v0.2.0", lab.edit("template/GUIDE.md", "line 3", "line three"))
    done = lab.run(
        "fleet", "update", str(lab.workers), "--test", "true", "--max-failures", "2", "--json"
    )
    assert list(results(done).values()).count("conflicts") == 2
    assert list(results(done).values()).count("not tried") == 4
    endless = lab.run(
        "fleet", "update", str(lab.workers), "--test", "", "--max-failures", "0", "--json"
    )
    assert list(results(endless).values()).count("conflicts") == 6


def test_a_second_run_leaves_branches_under_review_alone(lab: Lab, fleet: dict[str, Path]) -> None:
    """And a merged one is up to date."""
    fleet_update(lab, str(lab.workers), "--test", "")
    git(fleet["a"], "merge", "--quiet", "--ff-only", BRANCH)
    done = fleet_update(lab, str(lab.workers), "--test", "", "--json")
    assert results(done)["a"] == "up to date"
    assert results(done)["b"] == "in review"


def test_what_would_be_lost_is_refused_here_too(lab: Lab, fleet: dict[str, Path]) -> None:
    """By name, without stopping the others."""
    engine = "src/worker_b/kit/worker.py"
    commit(fleet["b"], replaced(fleet["b"], engine, "engine line 2", "mine"))
    lab.release(
        "v0.3.0",
        lab.edit("template/src/{{ package_name }}/kit/queue.py", "line 3", "line three"),
    )
    done = fleet_update(lab, str(lab.workers), "--test", "", "--json")
    assert results(done)["b"] == "refused"
    assert list(entries(done)["b"]["would_lose"]) == [engine]
    assert results(done)["a"] == "updated"


def test_several_paths_and_another_branch(lab: Lab, fleet: dict[str, Path]) -> None:
    """Only what was named is touched."""
    paths = [str(fleet[name]) for name in ("a", "b")]
    done = fleet_update(lab, *paths, "--test", "", "--branch", "chore/template", "--json")
    assert results(done) == {"a": "updated", "b": "updated"}
    assert branches(fleet["a"]) == ["chore/template", "main"]


def test_a_branch_that_is_something_else_is_refused(lab: Lab, fleet: dict[str, Path]) -> None:
    """Nobody reviews the update on it."""
    paths = [str(fleet[name]) for name in ("a", "b")]
    done = fleet_update(lab, *paths, "--test", "", "--branch", "main", "--json")
    assert results(done) == {"a": "refused", "b": "refused"}
    assert "a branch main exists" in entries(done)["a"]["detail"]
    assert done.exit_code == 1


@pytest.mark.parametrize("name", ["a..b", "-x", "a b", "@{-1}", ""])
def test_a_branch_needs_a_name_that_git_takes(lab: Lab, fleet: dict[str, Path], name: str) -> None:
    """It is said before the tests run."""
    done = fleet_update(lab, str(lab.workers), f"--branch={name}", "--test", "exit 1")
    assert done.exit_code == 2
    assert "cannot name a branch" in done.stderr
    assert branches(fleet["a"]) == ["main"]


@pytest.mark.parametrize(
    "text", ["made: 2026-13-45\n", f"deep: {'[' * 3000}\n", "concurrency: .inf\n"]
)
def test_one_broken_answers_file_stops_no_others(
    lab: Lab, fleet: dict[str, Path], text: str
) -> None:
    """Neither in an update nor in a status."""
    file = fleet["b"] / ".copier-answers.yml"
    kept = [line for line in file.read_text().splitlines() if not line.startswith("concurrency:")]
    commit(fleet["b"], {file.name: "\n".join([*kept, text])})
    done = fleet_update(lab, str(lab.workers), "--test", "", "--json")
    assert results(done)["b"] == "refused"
    assert results(done)["a"] == "updated"
    found = json.loads(lab.run("fleet", "status", str(lab.workers), "--json").stdout)[
        "repositories"
    ]
    problems = {Path(one["path"]).name: one["problem"] for one in found}
    assert problems["worker-b"]
    assert problems["worker-a"] is None


def test_a_defect_concerns_one_repository(
    lab: Lab, fleet: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody expected in one of them is told as its own result."""
    real = plan.make_plan

    def sometimes(releases: Any, repository: Any, *others: Any) -> Any:
        if repository.folder.name == "worker-b":
            raise ZeroDivisionError("one\ntwo")
        return real(releases, repository, *others)

    monkeypatch.setattr(campaign, "make_plan", sometimes)
    done = fleet_update(lab, str(lab.workers), "--test", "", "--json")
    assert results(done)["a"] == "updated"
    assert "ZeroDivisionError: one two" in entries(done)["b"]["detail"]
    assert fleet


def test_a_canary_must_be_one_of_them(lab: Lab, fleet: dict[str, Path], tmp_path: Path) -> None:
    """A misspelt one would test nothing."""
    assert fleet
    done = fleet_update(lab, str(lab.workers), "--canary", str(tmp_path))
    assert done.exit_code == 2
    assert "is not among the repositories" in done.stderr


@pytest.mark.parametrize(
    "options",
    [
        ("--dry-run", "--test", "true"),
        ("--dry-run", "--test-all"),
        ("--dry-run", "--canary", "x"),
        ("--dry-run", "--pull-request"),
        ("--test", "", "--test-all"),
        ("--test", "", "--canary", "x"),
    ],
)
def test_options_without_effect_are_refused(
    lab: Lab, fleet: dict[str, Path], options: tuple[str, ...]
) -> None:
    """Nobody waits for tests that a dry run does not make."""
    done = fleet_update(lab, str(lab.workers), *options)
    assert done.exit_code == 2
    assert "exclude each other" in done.stderr
    assert branches(fleet["a"]) == ["main"]


@pytest.mark.parametrize("option", ["--commit", "--finish", "--abort"])
def test_options_of_one_repository_are_refused(lab: Lab, option: str) -> None:
    """A fleet has no working tree to finish or undo."""
    done = fleet_update(lab, str(lab.workers), option)
    assert done.exit_code == 2
    assert f"No such option: {option}" in done.stderr


def test_a_signal_says_what_was_done(
    lab: Lab, fleet: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The branches that were made are named, the rest was not tried."""
    real = plan.make_plan

    def stopped(releases: Any, repository: Any, *others: Any) -> Any:
        if repository.folder.name == "worker-b":
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.5)
        return real(releases, repository, *others)

    monkeypatch.setattr(campaign, "make_plan", stopped)
    done = fleet_update(lab, str(lab.workers), "--test", "", "--json", "--jobs", "1")
    assert done.exit_code == 130
    assert results(done)["a"] == "updated"
    assert results(done)["edited"] == "not tried"
    assert "Stopped by a signal" in json.loads(done.stdout)["stopped"]
    assert BRANCH in branches(fleet["a"])


# --- Pull requests -----------------------------------------------------------------------------
@pytest.fixture
def gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A command gh that writes down how it was called, and answers with an address."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "gh"
    program.write_text(
        f'#!/bin/sh\necho "$PWD: $*" >> {tmp_path}/gh.log\necho https://host/pull/1\n'
    )
    program.chmod(0o755)
    import os

    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return tmp_path / "gh.log"


def test_pull_requests_are_opened(lab: Lab, fleet: dict[str, Path], gh: Path) -> None:
    """The branch is pushed; one without a remote keeps no branch and is told."""
    git(lab.folder, "clone", "--quiet", "--bare", str(fleet["a"]), "origin.git")
    git(fleet["a"], "remote", "add", "origin", str(lab.folder / "origin.git"))
    paths = [str(fleet[name]) for name in ("a", "b")]
    done = fleet_update(lab, *paths, "--test", "", "--pull-request", "--json")
    assert entries(done)["a"]["detail"] == "https://host/pull/1"
    assert BRANCH in branches(lab.folder / "origin.git")
    called = gh.read_text()
    assert f"{fleet['a']}: pr create --head {BRANCH} --title Update the template" in called
    assert results(done)["b"] == "refused"
    assert branches(fleet["b"]) == ["main"]


def test_a_refused_pull_request_is_a_failure(lab: Lab, fleet: dict[str, Path], gh: Path) -> None:
    """The branch is there and is named; the exit code says that something is left to do."""
    program = gh.parent / "bin" / "gh"
    program.write_text("#!/bin/sh\necho 'To get started, run: gh auth login' >&2\nexit 4\n")
    git(lab.folder, "clone", "--quiet", "--bare", str(fleet["a"]), "origin.git")
    git(fleet["a"], "remote", "add", "origin", str(lab.folder / "origin.git"))
    paths = [str(fleet[name]) for name in ("a", "b")]
    done = fleet_update(lab, *paths, "--test", "", "--pull-request", "--json")
    assert done.exit_code == 1
    assert results(done)["a"] == "failed"
    detail = entries(done)["a"]["detail"]
    assert BRANCH in detail
    assert "gh auth login" in detail
    assert BRANCH in branches(lab.folder / "origin.git")


def test_pull_requests_need_gh(
    lab: Lab, fleet: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said before anything is done."""
    monkeypatch.setattr("shutil.which", lambda _: None)
    done = fleet_update(lab, str(fleet["a"]), "--pull-request")
    assert done.exit_code == 2
    assert "need the command gh" in done.stderr
    assert branches(fleet["a"]) == ["main"]


def test_only_repositories_that_were_named_are_pushed(
    lab: Lab, fleet: dict[str, Path], gh: Path
) -> None:
    """A push runs hooks and programs of the repository's own git settings."""
    done = fleet_update(lab, str(fleet["a"]), str(lab.workers), "--test", "", "--pull-request")
    assert done.exit_code == 2
    assert f"Not named: {fleet['b']} and 3 more." in done.stderr
    assert branches(fleet["a"]) == ["main"]
    assert not gh.exists()
