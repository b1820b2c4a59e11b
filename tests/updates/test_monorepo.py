"""Workers in folders of a larger repository, and files that their owner moved."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from command import contents, git
from lab import Lab, commit, lines, replaced

PACKAGE = "template/src/{{ package_name }}"


@pytest.fixture
def monorepo(lab: Lab) -> Path:
    """A repository that holds two workers and a file of its own."""
    top = lab.folder / "monorepo"
    (top / "apps").mkdir(parents=True)
    for name in ("a", "b"):
        worker = lab.worker(name, folder=top / "apps")
        shutil.rmtree(worker / ".git")
    (top / "README.md").write_text("the company\n")
    git(top, "init", "--quiet")
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "--message", "All of it")
    return top


def release(lab: Lab) -> None:
    """Release a change of a file and a new one."""
    lab.release(
        "v0.2.0",
        {**lab.edit("template/GUIDE.md", "line 3", "line three"), "template/NEW.md": "new\n"},
    )


def test_all_commands_work_in_a_folder(lab: Lab, monorepo: Path) -> None:
    """Status, diff, update with edits, add; nothing outside of the folder changes."""
    worker = monorepo / "apps" / "worker-a"
    commit(monorepo, replaced(monorepo, "apps/worker-a/GUIDE.md", "line 12", "mine"))
    release(lab)
    (monorepo / "README.md").write_text("work of somebody else\n")
    git(monorepo, "add", "README.md")
    (monorepo / "apps" / "draft.txt").write_text("not yet\n")
    found = json.loads(lab.run("status", str(worker), "--json").stdout)
    assert (found["version"], found["drift"], found["git"]["changed"]) == (
        "v0.1.0",
        {"GUIDE.md": "changed"},
        0,
    )
    shown = lab.run("diff", str(worker)).stdout
    assert "+guide mine\n" in shown
    assert "apps/" not in shown
    assert lab.update(worker / "src").exit_code == 0
    assert git(monorepo, "status", "--porcelain", "apps/worker-b") == ""
    assert lab.update(worker, "--finish").exit_code == 0
    assert "line three" in (worker / "GUIDE.md").read_text()
    changed = git(monorepo, "show", "--format=", "--name-only", "HEAD").splitlines()
    assert "apps/worker-a/NEW.md" in changed
    assert all(path.startswith("apps/worker-a/") for path in changed)
    assert git(monorepo, "status", "--porcelain").splitlines() == [
        "M  README.md",
        "?? apps/draft.txt",
    ]
    done = lab.run("add", "mail", "--in", str(worker), "--commit")
    assert done.exit_code == 0, done.stderr
    assert (worker / "worker_a" / "mail" / "__init__.py").exists()
    assert (monorepo / "README.md").read_text() == "work of somebody else\n"


def test_a_conflict_in_a_folder_is_resolved_or_undone(lab: Lab, monorepo: Path) -> None:
    """In git's index, too."""
    worker = monorepo / "apps" / "worker-a"
    commit(monorepo, replaced(monorepo, "apps/worker-a/GUIDE.md", "guide line 3", "mine"))
    before = contents(monorepo)
    release(lab)
    assert lab.update(worker).exit_code == 3
    assert "UU apps/worker-a/GUIDE.md" in git(monorepo, "status", "--porcelain")
    assert lab.update(worker, "--abort").exit_code == 0
    assert contents(monorepo) == before
    assert git(monorepo, "status", "--porcelain") == ""
    lab.update(worker)
    (worker / "GUIDE.md").write_text("both\n")
    assert lab.update(worker, "--finish").exit_code == 0
    assert git(monorepo, "show", "HEAD:apps/worker-a/GUIDE.md") == "both"


def test_a_fleet_makes_a_branch_for_each_worker(lab: Lab, monorepo: Path) -> None:
    """Each changes its own folder, and the working tree stays."""
    release(lab)
    before = contents(monorepo)
    done = lab.run("fleet", "update", str(monorepo), "--test", "", "--json")
    assert done.exit_code == 0, done.stdout
    assert contents(monorepo) == before
    for name in ("a", "b"):
        branch = f"gen-worker/worker-{name}/v0.2.0"
        changed = git(monorepo, "diff", "--name-only", f"main...{branch}").splitlines()
        assert changed
        assert all(path.startswith(f"apps/worker-{name}/") for path in changed)
    statuses = json.loads(lab.run("fleet", "status", str(monorepo), "--json").stdout)
    assert len(statuses["repositories"]) == 2


# --- Files that their owner moved --------------------------------------------------------------
@pytest.mark.parametrize("new", ["docs/GUIDE.md", "MANUAL.md", "docs/MANUAL.md"])
def test_a_file_that_both_moved_is_followed(lab: Lab, new: str) -> None:
    """It keeps the owner's folder and, where the owner kept the name, gets the template's."""
    worker = lab.worker()
    text = (worker / "GUIDE.md").read_text().replace("guide line 11", "my line")
    commit(worker, {"GUIDE.md": None, new: text})
    changed = lines("guide", 12).replace("line 2\n", "line two\n")
    lab.release("v0.2.0", {"template/GUIDE.md": None, "template/HANDBOOK.md": changed})
    done = lab.update(worker)
    assert done.exit_code == 0, done.stderr + done.stdout
    place = worker / new.replace("GUIDE", "HANDBOOK")
    assert "my line\n" in place.read_text()
    assert "line two\n" in place.read_text()
    assert not (worker / "HANDBOOK.md").exists()
    assert not (worker / "GUIDE.md").exists()


def test_a_moved_package_is_followed(lab: Lab) -> None:
    """A renamed file of the template goes to the package's new place."""
    worker = lab.worker()
    git(worker, "mv", "src/worker_payment", "src/payments")
    git(worker, "commit", "--quiet", "--message", "Move the package")
    old = f"{PACKAGE}/config/settings.py"
    text = (lab.template / old).read_text().replace("line 3\n", "line three\n")
    lab.release("v0.2.0", {old: None, f"{PACKAGE}/config/variables.py": text})
    done = lab.update(worker)
    assert done.exit_code == 0, done.stderr + done.stdout
    assert "line three" in (worker / "src/payments/config/variables.py").read_text()
    assert not (worker / "src/worker_payment").exists()


def test_a_conflict_in_a_followed_file_is_marked(lab: Lab) -> None:
    """The owner resolves it where the file now is."""
    worker = lab.worker()
    text = (worker / "GUIDE.md").read_text().replace("guide line 2\n", "my line\n")
    commit(worker, {"GUIDE.md": None, "docs/GUIDE.md": text})
    changed = lines("guide", 12).replace("line 2\n", "line two\n")
    lab.release("v0.2.0", {"template/GUIDE.md": None, "template/HANDBOOK.md": changed})
    done = lab.update(worker)
    assert done.exit_code == 3
    assert "conflict  docs/HANDBOOK.md" in done.stdout
    assert "UU docs/HANDBOOK.md" in git(worker, "status", "--porcelain")
    (worker / "docs/HANDBOOK.md").write_text("resolved\n")
    assert lab.update(worker, "--finish").exit_code == 0
