"""`gen-worker status` tells how many repositories stand."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from command import Outcome, git
from gen_worker.template import definition
from gen_worker.template.sources import find_sources
from lab import Lab, commit, replaced


def statuses(done: Outcome) -> dict[str, dict[str, Any]]:
    """Read the JSON output, by the repository's folder."""
    return {Path(one["path"]).name: one for one in json.loads(done.stdout)["repositories"]}


def test_everything_about_one_repository(lab: Lab) -> None:
    """Version, edits and git, as JSON."""
    worker = lab.worker("payment", "with_mail=yes")
    commit(worker, {**replaced(worker, "GUIDE.md", "line 3", "mine"), "pyproject.toml": None})
    (worker / "own.txt").write_text("new\n")
    lab.release("v0.2.0", {"template/NEW.md": "new\n"})
    lab.release("v0.3.0", {"template/NEW.md": "newer\n"})
    done = lab.run("fleet", "status", str(lab.workers), "--json")
    assert statuses(done)["worker-payment"] == {
        "path": str(worker),
        "name": "payment",
        "preset": "payment",
        "modules": ["mail"],
        "version": "v0.1.0",
        "behind": 2,
        "outdated": True,
        "drift": {"GUIDE.md": "changed", "pyproject.toml": "deleted"},
        "git": {"branch": "main", "changed": 1, "ahead": 0, "behind": 0, "pending": False},
        "conflicts": [],
        "problem": None,
    }
    assert json.loads(done.stdout)["newest"] == "v0.3.0"
    assert done.exit_code == 1


def test_one_repository_is_described_alone(lab: Lab) -> None:
    """With the names of what was edited, for people and for scripts."""
    worker = lab.worker("payment", "with_mail=yes")
    commit(worker, replaced(worker, "GUIDE.md", "line 3", "mine"))
    lab.worker("orders")
    lab.release("v0.2.0", {"template/NEW.md": "new\n"})
    done = lab.run("status", str(worker))
    assert done.exit_code == 1
    assert done.stdout.startswith("worker-payment: 1 version behind.\n")
    assert "  changed  GUIDE.md\n" in done.stdout
    found = json.loads(lab.run("status", str(worker), "--json").stdout)
    assert (found["name"], found["version"], found["newest"]) == ("payment", "v0.1.0", "v0.2.0")


@pytest.mark.parametrize("command", ["status", "update"])
def test_a_folder_of_repositories_needs_the_command_for_many(lab: Lab, command: str) -> None:
    """The sentence names it."""
    lab.worker("a")
    lab.worker("b")
    done = lab.run(command, str(lab.workers))
    assert done.exit_code == 2
    assert "holds 2 worker repositories; for many use gen-worker fleet" in done.stderr


def test_what_is_not_searched_is_named(lab: Lab, tmp_path: Path) -> None:
    """A worker inside of a worker counts; a link to one outside is told."""
    worker = lab.worker("outer")
    lab.worker("inner", folder=worker / "deploy")
    elsewhere = lab.worker("elsewhere", folder=tmp_path)
    (lab.workers / "link").symlink_to(elsewhere)
    done = lab.run("fleet", "status", str(lab.workers), "--json")
    assert set(statuses(done)) == {"worker-outer", "worker-inner"}
    passed = json.loads(done.stdout)["passed_over"]
    assert passed == {str(lab.workers / "link"): f"a symbolic link to the worker {elsewhere}"}
    text = lab.run("fleet", "status", str(lab.workers)).stdout
    assert f"Not searched:\n  {lab.workers / 'link'}: a symbolic link" in text


def test_a_folder_that_cannot_be_read_is_named(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its workers are not in the table; root may read everything, so the system is asked to lie."""
    lab.worker()
    closed = lab.workers / "closed"
    closed.mkdir()
    real = os.scandir

    def scandir(folder: Any) -> Any:
        if Path(folder) == closed:
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    done = lab.run("fleet", "status", str(lab.workers), "--json")
    assert json.loads(done.stdout)["passed_over"] == {str(closed): "Permission denied"}


def test_all_is_well(lab: Lab) -> None:
    """Nothing to do is exit code 0; an owner's own edits are nothing to do."""
    worker = lab.worker()
    commit(worker, replaced(worker, "GUIDE.md", "line 3", "mine"))
    done = lab.run("fleet", "status", str(lab.workers))
    assert done.exit_code == 0
    assert "1 repository, newest version v0.1.0: 0 behind, 1 edited, 0 with conflicts." in (
        done.stdout
    )


def test_a_table_for_people(lab: Lab) -> None:
    """One line each, in a fixed order, with a heading."""
    lab.worker("orders")
    lab.worker("payment")
    lab.release("v0.2.0", {"template/NEW.md": "new\n"})
    lines = lab.run("fleet", "status", str(lab.workers)).stdout.splitlines()
    assert lines[0].split() == [
        *("REPOSITORY", "PRESET", "MODULES", "VERSION", "BEHIND", "EDITS", "GIT", "CONFLICTS")
    ]
    assert lines[1].split() == ["worker-orders", "blank", "-", "v0.1.0", "1", "-", "main", "-"]
    assert lines[2].split() == [
        "worker-payment",
        "payment",
        "mail",
        "v0.1.0",
        "1",
        "-",
        "main",
        "-",
    ]


def test_conflicts_that_anything_left_are_found(lab: Lab) -> None:
    """An update under way, markers that were committed, and a `.rej` file of plain Copier."""
    ours, marked, rejected = lab.worker("a"), lab.worker("b"), lab.worker("c")
    commit(ours, replaced(ours, "GUIDE.md", "guide line 3", "mine"))
    commit(marked, {"notes.txt": "<<<<<<< ours\nx\n=======\ny\n>>>>>>> theirs\n"})
    (rejected / "GUIDE.md.rej").write_text("@@ -1 +1 @@\n")
    lab.release("v0.2.0", lab.edit("template/GUIDE.md", "line 3", "three"))
    lab.update(ours)
    done = lab.run("fleet", "status", str(lab.workers), "--json")
    found = statuses(done)
    assert found["worker-a"]["conflicts"] == ["GUIDE.md"]
    assert found["worker-a"]["git"]["pending"] is True
    assert found["worker-b"]["conflicts"] == ["notes.txt"]
    assert found["worker-c"]["conflicts"] == ["GUIDE.md.rej"]
    assert done.exit_code == 3


def test_what_is_wrong_with_one_hides_nothing_of_the_others(lab: Lab) -> None:
    """Each problem is a sentence in the table."""
    lab.worker("fine")
    broken, newer, plain = lab.worker("broken"), lab.worker("newer"), lab.worker("plain")
    (broken / ".copier-answers.yml").write_text("\nworker_type: [\npreset: x\n")
    answers = newer / ".copier-answers.yml"
    answers.write_text(answers.read_text().replace("v0.1.0", "v9.0.0"))
    shutil.rmtree(plain / ".git")
    done = lab.run("fleet", "status", str(lab.workers), "--json")
    found = statuses(done)
    assert "not valid YAML" in found["worker-broken"]["problem"]
    assert "upgrade gen-worker" in found["worker-newer"]["problem"]
    assert "is not in a git repository" in found["worker-plain"]["problem"]
    assert found["worker-fine"]["problem"] is None
    assert done.exit_code == 1
    table = lab.run("fleet", "status", str(lab.workers)).stdout
    assert "worker-newer: The repository has version v9.0.0" in table


def test_commits_ahead_of_and_behind_the_remote_are_counted(lab: Lab) -> None:
    """As git knows them."""
    worker = lab.worker()
    git(lab.folder, "clone", "--quiet", "--bare", str(worker), "origin.git")
    git(worker, "remote", "add", "origin", str(lab.folder / "origin.git"))
    git(worker, "push", "--quiet", "--set-upstream", "origin", "main")
    commit(worker, {"own.txt": "x\n"})
    found = statuses(lab.run("fleet", "status", str(worker), "--json"))["worker-payment"]["git"]
    assert (found["ahead"], found["behind"]) == (1, 0)
    assert "main, 1 ahead" in lab.run("fleet", "status", str(worker)).stdout


def test_repositories_are_found_below_and_dependencies_are_not_searched(lab: Lab) -> None:
    """Hidden folders and node_modules hold no projects."""
    deep = lab.workers / "team" / "backend"
    deep.mkdir(parents=True)
    lab.worker("deep", folder=deep)
    hidden = lab.workers / "node_modules"
    hidden.mkdir()
    lab.worker("hidden", folder=hidden)
    done = lab.run("fleet", "status", str(lab.workers), str(deep), "--json")
    assert list(statuses(done)) == ["worker-deep"]


@pytest.mark.parametrize(
    ("place", "message"), [("missing", "There is no folder"), ("", "There is no worker repository")]
)
def test_a_place_without_repositories_is_an_error(lab: Lab, place: str, message: str) -> None:
    """A misspelt path in CI must not look like success."""
    done = lab.run("fleet", "status", str(lab.workers / place))
    assert done.exit_code == 1
    assert message in done.stderr


def test_status_changes_nothing(lab: Lab) -> None:
    """Not even git's index, so it can run beside an editor."""
    worker = lab.worker()
    (worker / "GUIDE.md").touch()
    before = (worker / ".git" / "index").read_bytes()
    lab.run("fleet", "status", str(worker))
    assert (worker / ".git" / "index").read_bytes() == before


def test_many_repositories_share_what_they_can(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each costs two git commands; the template is listed once, its version is found once."""
    worker = lab.worker()
    started, listed = [], []
    words = ("fleet", "status", str(lab.workers), "--jobs", "1")
    popen = subprocess.Popen

    def counting(words: list[str], *others: Any, **options: Any) -> Any:
        started.append(words)
        return popen(words, *others, **options)

    def listing(folder: Any, *others: Any) -> Any:
        listed.append(folder)
        return find_sources(folder, *others)

    monkeypatch.setattr(subprocess, "Popen", counting)
    monkeypatch.setattr(definition, "find_sources", listing)
    lab.run(*words)  # it writes the version into the cache
    started.clear()
    lab.run(*words)
    alone = len(started)
    for number in range(9):
        shutil.copytree(worker, lab.workers / f"worker-{number:02}")
    started.clear()
    listed.clear()
    assert len(statuses(lab.run(*words, "--json"))) == 10
    assert len(started) == alone + 9 * 2
    assert len(listed) == 1


def test_uncommitted_files_are_counted_as_git_does(lab: Lab) -> None:
    """A new folder is one; what is staged and changed again is one, too."""
    worker = lab.worker("payment", "with_mail=yes")
    (worker / ".gitignore").write_text("*.log\n")
    commit(worker, {"own/kept.txt": "x\n", "moved.txt": "x\n"})
    for path in ("new/a.txt", "new/deep/b.txt", "own/new/c.txt", "own/d.txt", "e.txt", "f.log"):
        (worker / path).parent.mkdir(parents=True, exist_ok=True)
        (worker / path).write_text("x\n")
    (worker / "GUIDE.md").write_text("staged\n")
    git(worker, "add", "GUIDE.md")
    (worker / "GUIDE.md").write_text("and changed\n")
    (worker / "pyproject.toml").unlink()
    git(worker, "mv", "moved.txt", "elsewhere.txt")
    words = ("status", "--porcelain", "--no-renames", "--untracked-files=normal")
    expected = len(git(worker, *words).splitlines())
    found = statuses(lab.run("fleet", "status", str(worker), "--json"))["worker-payment"]
    assert found["git"]["changed"] == expected == 8
    assert found["drift"] == {"GUIDE.md": "changed", "pyproject.toml": "deleted"}


def test_conflicts_are_looked_for_in_the_owners_texts_alone(lab: Lab) -> None:
    """New files and folders too; not in ignored files, in binary ones and behind links."""
    worker = lab.worker()
    marked = "a\n<<<<<<< ours\nx\n=======\ny\n>>>>>>> theirs\n"
    commit(worker, {".gitignore": "*.log\n", "half.txt": "<<<<<<< ours\n", "picture.bin": ""})
    for path in ("new/a.txt", "b.log", "new/old.txt.rej", "GUIDE.md"):
        (worker / path).parent.mkdir(exist_ok=True)
        (worker / path).write_text(marked)
    (worker / "picture.bin").write_bytes(b"\0" + marked.encode())
    (worker / "link").symlink_to(worker / "new" / "a.txt")
    found = statuses(lab.run("fleet", "status", str(worker), "--json"))["worker-payment"]
    assert found["conflicts"] == ["GUIDE.md", "new/a.txt", "new/old.txt.rej"]
